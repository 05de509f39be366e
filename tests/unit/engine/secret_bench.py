# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A workflow with secrets, a cluster that holds the delivered ones, and a Vault in memory."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tests.unit.vault.fake_vault import OPERATOR_JWT, FakeVault, workflow_jwt
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.engine.secret_job import Delivered, Job, SecretServices
from wardkeeper.engine.secrets import supply, withdraw
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.workflows import WorkflowVault

if TYPE_CHECKING:
    from collections.abc import Callable

    from wardkeeper.engine.secret_job import SecretOutcome, Supplied, Withdrawn

NS, WF, UID = "radiology", "router", "uid-1"
ROLES = {f"hw.w.{NS}.{WF}", f"hw.r.{NS}.{WF}"}


def spec(name: str = "db", *fields: str, **rotation: str) -> SecretSpec:
    """A declared secret with fields of default length."""
    each = [{"name": field} for field in fields or ("password",)]
    raw = {"name": name, "source": {"kvGenerated": {"fields": each}}, "rotation": rotation}
    return SecretSpec.model_validate(raw)


def path(name: str = "db") -> str:
    """Where the fake keeps a secret."""
    return f"hw/{NS}/{WF}/{name}"


class Crash(Exception):
    """The process ends here."""


@dataclass(repr=False)
class Bench:
    """The whole world of one workflow's secrets.

    Attributes:
        fake: Vault.
        live: delivered Secrets by the name of the secret.
        foreign: names of those that somebody else edited.
        now: the operator's clock; Vault has its own.
        published: how often a Secret was written.
        effects: called at every request and every publication; may raise.
    """

    fake: FakeVault = field(default_factory=FakeVault)
    live: dict[str, dict[str, Any]] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    published: int = 0
    effects: Callable[[str], None] | None = None
    job: Job = field(default_factory=lambda: Job(NS, WF, UID, (spec(),), owner={"uid": UID}))
    monotonic: float = 0.0

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A new process of the operator."""
        self.vault = WorkflowVault(
            VaultAccess("https://vault.test:8200", connections=2),
            self._operator_jwt,
            clock=lambda: self.now,
            random=Random(1),
            monotonic=lambda: self.monotonic,
            transport=self.fake,
        )

    def stop(self) -> None:
        """End the threads of the process."""
        self.vault._client.close()

    def advance(self, time: timedelta) -> None:
        """Let time pass, on all clocks."""
        self.now += time
        self.fake.now += time
        self.monotonic += time.total_seconds()

    async def supply(self, **changes: Any) -> Supplied:
        """One pass."""
        return await supply(self.current_job(**changes), self.services())

    async def one(self, **changes: Any) -> SecretOutcome:
        """One pass over a workflow with one secret."""
        (outcome,) = (await self.supply(**changes)).secrets
        return outcome

    async def withdraw(self, *, has_identity: bool = True, **changes: Any) -> Withdrawn:
        """One try to take everything back."""
        job = self.current_job(**changes)
        return await withdraw(job, self.services(), has_identity=has_identity)

    def current_job(self, **changes: Any) -> Job:
        """The job as the engine would make it of the live objects."""
        delivered = {
            name: Delivered({"metadata": secret["metadata"]}, name in self.foreign)
            for name, secret in self.live.items()
        }
        self.job = replace(self.job, **changes)
        return replace(self.job, delivered=delivered)

    def services(self) -> SecretServices:
        """What the step may touch."""
        return SecretServices(
            vault=self.vault,
            workflow_jwt=self._workflow_jwt,
            publish=self._publish,
            clock=lambda: self.now,
            random=Random(self.published + len(self.fake.log)),
        )

    def values(self, name: str = "db") -> dict[str, str]:
        """What pods read."""
        data = self.live[name]["data"]
        return {key: b64decode(value).decode() for key, value in data.items()}

    def annotation(self, name: str, secret: str = "db") -> str:
        """An annotation of a delivered Secret."""
        return str(self.live[secret]["metadata"]["annotations"][f"wardkeeper.io/{name}"])

    def versions(self, name: str = "db") -> int:
        """How many versions Vault has."""
        return len(self.fake.kv.get(path(name), []))

    async def _operator_jwt(self) -> str:
        return OPERATOR_JWT

    async def _workflow_jwt(self, namespace: str, name: str) -> str:
        self._effect("token")
        return workflow_jwt(namespace, name)

    async def _publish(self, secret: dict[str, Any]) -> dict[str, Any]:
        self._effect("publish")
        name = secret["metadata"]["name"].removeprefix(f"{WF}-")
        self.live[name] = secret
        self.foreign.discard(name)
        self.published += 1
        self._effect("published")
        return secret

    def _effect(self, what: str) -> None:
        if self.effects:
            self.effects(what)
