# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stage: where workflows live through whatever a seed draws for them.

The operator is the one that is shipped; between it and OpenBao stands a proxy that hears every
secret and does what goes wrong.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cluster.cluster import Cluster
from tests.cluster.installation import NAMESPACE
from tests.e2e.canaries import Heard
from tests.e2e.furnished import furnished
from tests.faults.vault_proxy import VaultProxy
from wardkeeper.api.credential import CREDENTIAL_KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.furnished import Furnished
    from tests.e2e.stage import Obj, Stage
    from tests.e2e.stories import Place


@dataclass
class Scene:
    """Everything that lives share.

    Attributes:
        furnished: cluster, operator and engines.
        vault: what the operator takes for OpenBao.
        heard: every secret that went by there.
    """

    furnished: Furnished
    vault: VaultProxy
    heard: Heard

    @property
    def stage(self) -> Stage:
        """Cluster and operator."""
        return self.furnished.stage

    def bao(self, method: str, path: str, body: Obj | None = None) -> Any:
        """One request to OpenBao as its administrator."""
        return self.stage.cluster.openbao.api(method, path, body)

    def names(self, path: str) -> list[str]:
        """What OpenBao lists there."""
        return self.stage.cluster.openbao.list(path)

    def crash(self) -> None:
        """Kill the operator with SIGKILL, and start another one."""
        self.stage.operator.kill()
        self.vault.cut_all()
        self.stage.operator.start()

    def entries(self, place: Place, workflow: str) -> list[Obj]:
        """The ledger's entries of a workflow; those of its token have no secret."""
        chosen = f"wardkeeper.io/workflow={workflow},wardkeeper.io/workflow-namespace="
        found: list[Obj] = self.stage.send(
            "GET", CREDENTIAL_KIND, NAMESPACE, labelSelector=chosen + place.namespace
        )["items"]
        return found


@contextmanager
def open_scene() -> Iterator[Scene]:
    """Start everything."""
    heard = Heard()
    with (
        Cluster("simulated", openbao=True, postgres=True) as cluster,
        VaultProxy(cluster.openbao.address, listen=heard) as vault,
        furnished(cluster, vault) as furniture,
    ):
        yield Scene(furniture, vault, heard)
