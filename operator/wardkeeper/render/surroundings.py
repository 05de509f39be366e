# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the cluster looks like around a workflow, as far as its children depend on it.

Comes from settings and discovery, never from a workflow: nobody may widen his own network by
saying where the DNS server stands.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wardkeeper.api.schema import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class PodSelection:
    """Pods of one namespace that carry all of these labels."""

    namespace: str
    match_labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AddressAndPort:
    """A CIDR without host bits, and the TCP port there."""

    cidr: str
    port: int


def _cluster_dns() -> PodSelection:
    return PodSelection("kube-system", {"k8s-app": "kube-dns"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The cluster's DNS pods, its API server's addresses, and how images are pulled.

    `api_server` are the addresses that packets really reach (the EndpointSlice of the Service
    `kubernetes`, not its ClusterIP), for network plugins judge after translation. `version` is
    the label app.kubernetes.io/version of children: the version of the API that they were made
    from, not of the operator, so that an upgrade of the operator writes to nothing.
    """

    dns: PodSelection = field(default_factory=_cluster_dns)
    api_server: tuple[AddressAndPort, ...] = ()
    image_pull_policy: str = "Always"
    version: str = VERSION
