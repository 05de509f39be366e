# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stage: where workflows live through whatever a seed draws for them.

The operator is the one that is shipped; between it and OpenBao stands a proxy that hears every
secret and does what goes wrong. Pods become ready at once.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cluster.authorities import Authorities
from tests.cluster.cluster import Cluster
from tests.cluster.databases import DATABASE, Databases
from tests.cluster.installation import NAMESPACE, Installation
from tests.e2e.canaries import Heard
from tests.e2e.crashing import hasty_pods
from tests.e2e.stage import Stage
from tests.faults.vault_proxy import VaultProxy
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.proof.database import log_in
from wardkeeper.proof.errors import NotProven

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Obj
    from tests.e2e.stories import Place

Values = dict[str, str]


@dataclass
class Scene:
    """Everything that lives share.

    Attributes:
        stage: cluster and operator.
        vault: what the operator takes for OpenBao.
        heard: every secret that went by there.
        databases: what logins are for.
        runner: where logins are tried.
    """

    stage: Stage
    vault: VaultProxy
    heard: Heard
    databases: Databases
    runner: asyncio.Runner

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

    def lets_in(self, values: Values) -> bool:
        """Whether the database lets the bearer of a login in."""
        postgres = self.stage.cluster.postgres
        try:
            self.runner.run(
                log_in(
                    "localhost",
                    postgres.port,
                    DATABASE,
                    values["username"],
                    values["password"],
                    ca_file=str(postgres.ca_file),
                )
            )
        except NotProven:
            return False
        return True


def values_of(secret: Obj) -> Values:
    """What a Secret delivers."""
    data = secret.get("data") or {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


@contextmanager
def open_scene() -> Iterator[Scene]:
    """Start everything."""
    heard = Heard()
    with (
        Cluster("simulated", openbao=True, postgres=True) as cluster,
        VaultProxy(cluster.openbao.address, listen=heard) as vault,
    ):
        through = {"address": vault.address, "databaseCaFile": str(cluster.postgres.ca_file)}
        settings = {"vault": through, "logging": {"level": "debug"}}
        operator = Installation(cluster, settings=settings)
        stage = Stage(cluster, operator)
        with stage.session, operator, asyncio.Runner() as runner:
            Authorities(cluster.openbao).add()
            databases = Databases(cluster.openbao, cluster.postgres)
            databases.install()
            hasty_pods(stage)
            yield Scene(stage, vault, heard, databases, runner)
