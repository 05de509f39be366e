# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a pass says of a secret when Vault refuses, goes away, or does one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.engine.secrets.ledger_world import OWNER, TOKEN_CANARY, LedgerWorld
from tests.unit.proof.authorities import NOW
from wardkeeper.api.reasons import Reason
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.engine.secrets import progress
from wardkeeper.engine.secrets.drivers import database, drivers
from wardkeeper.engine.secrets.job import Delivered, Job
from wardkeeper.engine.secrets.supply import supply
from wardkeeper.rotation.facts import Phase
from wardkeeper.shell.logs import describe
from wardkeeper.vault.kv import SyncedEntry

if TYPE_CHECKING:
    from wardkeeper.engine.secrets.job import SecretOutcome

SPEC = SecretSpec.model_validate(
    {"name": "db", "source": {"kvGenerated": {"fields": [{"name": "k"}]}}}
)


@dataclass
class Passes:
    """Passes over one workflow with one secret."""

    world: LedgerWorld = field(default_factory=LedgerWorld)
    delivered: dict[str, Delivered] = field(default_factory=dict)
    spec: SecretSpec = SPEC

    async def one(self, **changes: Any) -> SecretOutcome:
        job = Job(OWNER.namespace, OWNER.name, OWNER.uid, (self.spec,), self.delivered, **changes)
        services = replace(
            self.world.services,
            drivers=drivers(trust_domain="test", database_ca_file=None),
            publish=self._publish,
        )
        (outcome,) = (await supply(job, services)).secrets
        return outcome

    async def _publish(self, secret: dict[str, Any]) -> dict[str, Any]:
        self.delivered["db"] = Delivered({"metadata": secret["metadata"]})
        return secret


@pytest.fixture
async def passes() -> Passes:
    made = Passes()
    assert (await made.one()).reason is None
    return made


async def test_what_vault_denies_is_told_with_the_remedy(passes: Passes) -> None:
    passes.world.vault.denies = {"kv.write"}
    outcome = await passes.one(rotate_now="db@1")
    assert (outcome.phase, outcome.reason) == (Phase.FAILED, Reason.VAULT_REFUSED)
    assert "bootstrap" in outcome.message
    assert passes.world.vault.asked("renew") == 1


async def test_a_vault_that_goes_away_while_a_denial_is_looked_into_is_away(
    passes: Passes,
) -> None:
    passes.world.vault.denies, passes.world.vault.loses = {"kv.write"}, {"renew"}
    outcome = await passes.one(rotate_now="db@1")
    assert (outcome.phase, outcome.reason) == (Phase.DEGRADED, Reason.VAULT_UNAVAILABLE)
    assert "stays in use" in outcome.message
    passes.world.vault.denies, passes.world.vault.loses = set(), set()
    again = await passes.one(rotate_now="db@1")
    assert (again.version, again.reason) == ("2", None)


async def test_what_was_looked_at_before_it_was_replaced_is_not_believed_any_more() -> None:
    source = {"kvSynced": {"path": "vendor", "fields": ["token"]}}
    passes = Passes(spec=SecretSpec.model_validate({"name": "db", "source": source}))
    synced = passes.world.vault.synced
    synced["vendor"] = SyncedEntry(1, NOW, {"token": "one"})
    assert (await passes.one()).version == "1"
    synced["vendor"] = SyncedEntry(2, NOW, {"token": "two"})
    assert (await passes.one(rotate_now="db@1")).version == "2"
    assert (await passes.one(rotate_now="db@1", handled_rotate_now="db@1")).version == "2"


async def test_a_secret_that_comes_to_no_rest_is_named_in_the_log(
    passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        """No step gets anywhere."""

    monkeypatch.setattr(progress, "carry_out", nothing)
    with pytest.raises(progress.NoRest) as caught:
        await passes.one(rotate_now="db@1")
    assert "secret db of workflow radiology/router" in describe(caught.value)[0]["text"]


async def test_a_token_that_could_not_be_replaced_is_looked_at_again() -> None:
    passes = Passes()
    calm = (await passes.one()).next_look
    [token] = passes.world.ledger.tokens(OWNER.uid)
    passes.world.api.doom(token.name)
    passes.world.hear()
    passes.world.vault.loses.add("ensure_roles")
    again = (await passes.one()).next_look
    assert again is not None
    assert calm is None or again < calm
    assert again <= 60


async def test_a_token_goes_in_the_pass_in_which_the_last_that_hung_on_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def log_in(*_: object, **__: object) -> None:
        """Everybody is let in."""

    monkeypatch.setattr(database, "log_in", log_in)
    where = {"host": "db.clinic.svc", "database": "intake"}
    source = {"database": {"role": "one", "strategy": "Dynamic", "connection": where}}
    spec = {"name": "db", "source": source, "rotation": {"every": "1h", "overlap": "0s"}}
    passes = Passes(spec=SecretSpec.model_validate(spec))
    assert (await passes.one()).reason is None
    [token] = passes.world.ledger.tokens(OWNER.uid)
    passes.world.api.doom(token.name)
    passes.world.hear()
    assert (await passes.one()).reason is None
    assert len(passes.world.vault.leases) == 1
    assert list(passes.world.vault.tokens) == [f"{TOKEN_CANARY}-2"]
    assert len(passes.world.ledger.tokens(OWNER.uid)) == 1
