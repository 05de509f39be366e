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
    from tests.cluster.pki import Credential

IDENTITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "admin": ("kubernetes-admin", ("system:masters",)),
    "kwok": ("wardkeeper:kwok", ("system:masters",)),
    "controller-manager": ("system:kube-controller-manager", ()),
    "scheduler": ("system:kube-scheduler", ()),
}
"""Kubeconfigs that every cluster has: user and groups."""


NODE_IDENTITIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "kubelet": ("system:node:node", ("system:nodes",)),
    "kube-proxy": ("system:kube-proxy", ()),
    "kube-router": ("wardkeeper:kube-router", ("system:masters",)),
}
"""Kubeconfigs of what runs on a real node."""


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
        identities = IDENTITIES | (NODE_IDENTITIES if layout.node else {})
        for name, (user, groups) in identities.items():
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

    def server_certificate(self, stem: str, names: tuple[str, ...], *addresses: str) -> None:
        """A certificate for one more server, as files beside the others."""
        self.keep(stem, self._authority.server(names, addresses))

    def keep(self, stem: str, credential: Credential) -> None:
        """Write a certificate and its key."""
        pki = self._layout.pki
        (pki / f"{stem}.crt").write_bytes(credential.certificate)
        (pki / f"{stem}.key").write_bytes(credential.key)

    def _certificates(self) -> None:
        front = Authority("wardkeeper-test-front")
        node = (self._layout.node,) if self._layout.node else ()
        addresses = (components.HOST, components.SERVICE_ADDRESS, *node)
        certificates = {
            "ca": self._authority.credential,
            "apiserver": self._authority.server(components.SERVER_NAMES, addresses),
            "front-ca": front.credential,
            "front-proxy": front.client("front-proxy-client"),
            "admin": self._authority.client(*IDENTITIES["admin"]),
        }
        if node:
            certificates["kubelet"] = self._authority.server(("node",), node)
            certificates["kubelet-client"] = self._authority.client(
                "kube-apiserver-kubelet-client", ("system:masters",)
            )
        for name, credential in certificates.items():
            self.keep(name, credential)
        pki = self._layout.pki
        private, public = private_key()
        (pki / "sa.key").write_bytes(private)
        (pki / "sa.pub").write_bytes(public)


def write_document(path: Path, document: dict[str, Any]) -> Path:
    """Write a YAML file that only we can read; returns its path."""
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(document))
    return path
