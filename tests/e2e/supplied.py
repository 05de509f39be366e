# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The secrets of one workflow as the engine supplies them, against real servers."""

from __future__ import annotations

import secrets
import time
from base64 import b64decode
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from tests.e2e.vault_world import OPERATOR, VaultWorld
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.engine.outcome import Transient
from wardkeeper.engine.secrets.drivers import drivers
from wardkeeper.engine.secrets.job import Delivered, Job, SecretServices
from wardkeeper.engine.secrets.ledger import Ledger, Owner
from wardkeeper.engine.secrets.sources import Sources
from wardkeeper.engine.secrets.supply import supply
from wardkeeper.engine.secrets.tokens import Tokens
from wardkeeper.engine.secrets.withdraw import withdraw
from wardkeeper.kube.client import Client
from wardkeeper.kube.errors import NotFound
from wardkeeper.kube.kubeconfig import from_kubeconfig
from wardkeeper.kube.resource import resource_of
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.workflows import WorkflowVault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.cluster.databases import Databases
    from wardkeeper.engine.secrets.job import SecretOutcome, Withdrawn

NS = "radiology"
SECRET = resource_of("Secret")


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Supply:
    """One workflow's secrets as the engine sees them, against real servers."""

    world: VaultWorld
    kube: Client
    vault: WorkflowVault
    job: Job
    database_ca: str | None = None
    clock: Callable[[], datetime] = _now

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.kube, OPERATOR[0])
        self.tokens = Tokens(self.ledger, self.vault, self._workflow_jwt, self.clock)

    async def one(self, **changes: Any) -> SecretOutcome:
        """One pass over one secret; another one when somebody else was faster."""
        while True:
            await self._list_ledger()
            self.job = replace(self.job, delivered=await self._delivered(), **changes)
            try:
                (outcome,) = (await supply(self.job, self.services())).secrets
            except Transient:
                continue
            return outcome

    async def withdraw(self) -> Withdrawn:
        """Take everything back."""
        return await withdraw(self.owner, self.services(), has_identity=True)

    @property
    def owner(self) -> Owner:
        """Whose secrets they are."""
        return Owner(self.job.namespace, self.job.workflow, self.job.uid)

    def values(self) -> dict[str, str]:
        """What pods read."""
        live = self.world.core.read_namespaced_secret(f"{self.job.workflow}-db", self.job.namespace)
        return {key: b64decode(value).decode() for key, value in (live.data or {}).items()}

    def services(self) -> SecretServices:
        return SecretServices(
            vault=self.vault,
            ledger=self.ledger,
            tokens=self.tokens,
            drivers=drivers(trust_domain="cluster.local", database_ca_file=self.database_ca),
            sources=Sources(time.monotonic),
            publish=self.kube.apply,
            clock=self.clock,
            random=SystemRandom(),
        )

    async def _workflow_jwt(self, namespace: str, name: str) -> str:
        return await self.kube.token(namespace, name, "vault-operator", 600)

    async def _list_ledger(self) -> None:
        async for page in self.kube.pages(resource_of(CREDENTIAL_KIND), OPERATOR[0]):
            for raw in page.items:
                self.ledger.observe("ADDED", raw)

    async def _delivered(self) -> dict[str, Delivered]:
        try:
            name = f"{self.job.workflow}-db"
            live = await self.kube.get(SECRET, self.job.namespace, name, metadata_only=True)
        except NotFound:
            return {}
        return {"db": Delivered(live)}


def fresh() -> str:
    """A name that no workflow has had."""
    return f"wf-{secrets.token_hex(3)}"


def login(databases: Databases, strategy: str) -> dict[str, Any]:
    """A secret's source: a login to the database of the tests."""
    connection = databases.connection()
    return {"database": {"role": "claims", "strategy": strategy, "connection": connection}}


@asynccontextmanager
async def supplied(
    world: VaultWorld,
    name: str,
    source: dict[str, Any],
    *,
    overlap: str = "0s",
    namespace: str = NS,
    address: str = "",
) -> AsyncIterator[Supply]:
    """A workflow with one secret, of which nothing is made yet.

    Args:
        world: the servers; PostgreSQL among them.
        name: of the workflow.
        source: of its secret `db`.
        overlap: of its rotation.
        namespace: of the workflow.
        address: of OpenBao as the operator reaches it; its own when empty.
    """
    world.service_account(namespace, name)
    rotation = {"every": "1h", "overlap": overlap}
    spec = SecretSpec.model_validate({"name": "db", "source": source, "rotation": rotation})
    access = from_kubeconfig(world.cluster.kubeconfig())
    ca = str(world.cluster.postgres.ca_file)
    async with Client(access, user_agent="test") as kube, operator(world, address) as vault:
        yield Supply(world, kube, vault, Job(namespace, name, f"uid-of-{name}", (spec,)), ca)


@asynccontextmanager
async def operator(
    world: VaultWorld,
    address: str = "",
    *,
    clock: Callable[[], datetime] = _now,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[WorkflowVault]:
    """Vault as the operator reaches it, at its own address when none is given."""

    async def jwt() -> str:
        return world.mint(*OPERATOR, "vault")

    access = VaultAccess(address or world.bao.address, timeout=5)
    async with WorkflowVault(
        access, jwt, clock=clock, random=SystemRandom(), monotonic=monotonic
    ) as vault:
        yield vault
