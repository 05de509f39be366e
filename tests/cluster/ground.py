# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Lays out the files of one cluster before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from tests.cluster import components, configuration
from tests.cluster.pki import Authority, private_key

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.components import Layout

IDENTITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "admin": ("kubernetes-admin", ("system:masters",)),
    "kwok": ("wardkeeper:kwok", ("system:masters",)),
    "controller-manager": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
}
"""Kubeconfigs that every cluster has: user and groups."""


class Ground:
    """The files of one cluster, and the authority that signs its certificates."""

    def __init__(self, layout: Layout) -> None:
        """Write everything that has to be there before the first process starts."""
        self._layout = layout
        self._authority = Authority("wardkeeper-test")
        for folder in (layout.pki, layout.config, layout.folder / "etcd"):
            folder.mkdir(mode=0o700)
        self._certificates()
        write_document(layout.config / "admission.yaml", configuration.admission())
        write_document(layout.config / "authentication.yaml", configuration.authentication())
        write_document(layout.config / "audit.yaml", configuration.audit())
        for name, (user, groups) in IDENTITIES.items():
            self.person(name, user, groups)

    def person(self, stem: str, user: str, groups: tuple[str, ...]) -> Path:
        """The kubeconfig of a user in groups, known by a client certificate."""
        credential = self._authority.client(user, groups)
        return self.kubeconfig(stem, configuration.certificate_user(credential))

    def kubeconfig(self, stem: str, user: dict[str, Any]) -> Path:
        """Write a kubeconfig for a user section; returns its path."""
        ca = self._authority.credential.certificate
        document = configuration.kubeconfig(self._layout.server, ca, user)
        return write_document(self._layout.config / f"{stem}.kubeconfig", document)

    def _certificates(self) -> None:
        front = Authority("wardkeeper-test-front")
        addresses = (components.HOST, components.SERVICE_ADDRESS)
        certificates = {
            "ca": self._authority.credential,
            "apiserver": self._authority.server(components.SERVER_NAMES, addresses),
            "front-ca": front.credential,
            "front-proxy": front.client("front-proxy-client"),
            "admin": self._authority.client(*IDENTITIES["admin"]),
        }
        pki = self._layout.pki
        for name, credential in certificates.items():
            (pki / f"{name}.crt").write_bytes(credential.certificate)
            (pki / f"{name}.key").write_bytes(credential.key)
        private, public = private_key()
        (pki / "sa.key").write_bytes(private)
        (pki / "sa.pub").write_bytes(public)


def write_document(path: Path, document: dict[str, Any]) -> Path:
    """Write a YAML file that only we can read; returns its path."""
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))
    return path
