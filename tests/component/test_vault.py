# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Workflows with secrets: delivered before the workload, kept through outages, taken back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.operator_fixture import (
    SPACE,
    Core,
    annotate,
    cluster,
    condition,
    is_ready,
    status_of,
    writes,
    written,
)
from tests.component.workflows import CHILDREN, secret, workflow
from tests.unit.vault.fake_vault import OPERATOR_JWT, FakeVault
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.drift import LONGEST_FIELD
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.workflows import WorkflowVault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.component.apiserver.server import ApiServer

STATUS = ("patch", f"{KIND}/status", "router")
FINALIZER = ("patch", KIND, "router")
ROLES = {f"hw.w.{SPACE}.router", f"hw.r.{SPACE}.router"}
ENTRY = f"hw/{SPACE}/router/db"


class Clock:
    """Monotonic seconds that a test may let jump."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return asyncio.get_running_loop().time() + self.ahead


class Stage:
    """An API server, a Vault and an operator over both."""

    def __init__(self, server: ApiServer, fake: FakeVault, core: Core, clock: Clock) -> None:
        self.server, self.fake, self.core, self.clock = server, fake, core, clock

    async def apply(self, *secrets: dict[str, Any], **spec: Any) -> None:
        self.server.put(workflow(secrets=list(secrets), **spec))
        await self.core.until(lambda: condition(self.server, "Ready"))

    async def poke(self, value: str) -> None:
        """Let the breaker's wait be over, and ask for a look."""
        self.clock.ahead += 100
        self.server.edit(
            KIND, SPACE, "router", lambda o: annotate(o, "wardkeeper.io/reconcile-at", value)
        )


@asynccontextmanager
async def vault_to_be_asked() -> AsyncIterator[tuple[FakeVault, Clock, WorkflowVault]]:
    """A Vault that has its own sense of time of day right, and the way to it."""
    fake, clock = FakeVault(now=Core.now()), Clock()

    async def operator_jwt() -> str:
        return OPERATOR_JWT

    vault = WorkflowVault(
        VaultAccess("https://vault.test:8200", connections=2),
        operator_jwt,
        clock=Core.now,
        random=Random(1),
        monotonic=clock,
        transport=fake,
    )
    try:
        yield fake, clock, vault
    finally:
        vault._client.close()


@asynccontextmanager
async def staged() -> AsyncIterator[Stage]:
    """The stage."""
    async with (
        vault_to_be_asked() as (fake, clock, vault),
        cluster() as server,
        Core(server, vault=vault) as core,
    ):
        yield Stage(server, fake, core, clock)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with staged() as stage:
        yield stage


def _apart(done: list[tuple[str, str, str]]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Writes to anything but the ledger, and the verbs of those to the ledger."""
    ledger = [verb for verb, kind, _ in done if kind.startswith(CREDENTIAL_KIND)]
    return [one for one in done if not one[1].startswith(CREDENTIAL_KIND)], ledger


async def test_a_secret_takes_one_write_of_its_own_and_one_for_the_finalizer(stage: Stage) -> None:
    await stage.apply(secret())
    await stage.core.ready()
    made = [("apply", kind, name) for kind, name in (*CHILDREN, ("Secret", "router-db"))]
    told = stage.server.count("patch", KIND) - 1
    assert 1 <= told <= 2
    others, entries = _apart(written(stage.server))
    assert others == sorted([*made, FINALIZER, *[STATUS] * told])
    assert entries == ["create"] * 2 + ["patch"] * 3  # token made; secret made, then accepted
    assert set(stage.fake.roles) == ROLES
    assert len(stage.fake.kv[ENTRY]) == 1


async def test_a_secret_is_delivered_before_the_workload_that_mounts_it(stage: Stage) -> None:
    await stage.apply(secret())
    await stage.core.ready()
    order = [one.call.kind.name for one in writes(stage.server)]
    assert order.index("ServiceAccount") < order.index("Secret") < order.index("Deployment")
    assert order[0] == KIND


async def test_a_restart_asks_vault_nothing_and_writes_nothing(stage: Stage) -> None:
    await stage.apply(secret())
    await stage.core.ready()
    before, asked = len(stage.server.seen), len(stage.fake.log)
    async with Core(stage.server, vault=stage.core.tools.secrets.vault) as other:
        await other.quiet(0.5)
        assert other.meter.passes
    assert written(stage.server, before) == []
    assert len(stage.fake.log) == asked


@pytest.mark.parametrize("harm", ["delete", "overwrite", "add a key", "annotate"])
async def test_a_secret_that_somebody_changed_is_put_back(stage: Stage, harm: str) -> None:
    await stage.apply(secret())
    await stage.core.ready()
    good = _data(stage.server)
    before = len(stage.server.seen)

    def change(obj: dict[str, Any]) -> None:
        if harm == "overwrite":
            obj["data"]["password"] = "ZXZl"
        elif harm == "add a key":
            obj["data"]["eve"] = "ZXZl"
        else:
            obj["metadata"]["annotations"]["wardkeeper.io/content-mac"] = "eve"

    if harm == "delete":
        stage.server.delete("Secret", SPACE, "router-db")
    else:
        stage.server.edit("Secret", SPACE, "router-db", change)
    await stage.core.until(lambda: _data(stage.server) == good)
    await stage.core.until(lambda: "drift" in status_of(stage.server))
    await stage.core.ready()
    changed = {one[1] for one in written(stage.server, before)}
    assert changed == {"Secret", STATUS[1]}
    assert len(stage.fake.kv[ENTRY]) == 1
    last = status_of(stage.server)["drift"]["last"]
    assert (last["kind"], last["name"]) == ("Secret", "router-db")
    assert last["manager"] == ("unknown" if harm == "delete" else "kubectl-edit")
    assert "ZXZl" not in str(status_of(stage.server)) + str(stage.server.objects("Event"))


async def test_the_longest_keys_that_somebody_adds_to_a_secret_are_told_of_too(
    stage: Stage,
) -> None:
    await stage.apply(secret())
    await stage.core.ready()
    longest = "k" * 253
    added = {longest: "ZXZl", f"{longest[1:]}y": "ZXZl"}
    stage.server.edit("Secret", SPACE, "router-db", lambda obj: obj["data"].update(added))
    await stage.core.until(lambda: "drift" in status_of(stage.server))
    last = status_of(stage.server)["drift"]["last"]
    assert last["fields"] == [f"data.{longest}"[:LONGEST_FIELD]]
    assert "error" not in stage.core.meter.passes


async def test_a_stranger_with_our_label_keeps_its_secret(stage: Stage) -> None:
    labels = {"app.kubernetes.io/managed-by": "wardkeeper", "wardkeeper.io/workflow": "router"}
    metadata = {"namespace": SPACE, "name": "router-db", "labels": labels}
    theirs = stage.server.put({"kind": "Secret", "metadata": metadata, "data": {"a": "Yg=="}})
    await stage.core.until(lambda: stage.core.world.known("Secret"))
    await stage.apply(secret())
    await stage.core.until(lambda: condition(stage.server, "Stalled"), seconds=2)
    assert condition(stage.server, "Ready")["reason"] == "NameTaken"
    assert stage.server.get("Secret", SPACE, "router-db") == theirs
    assert stage.server.get("Deployment", SPACE, "router") is None


async def test_a_sealed_vault_deletes_nothing_and_guards_are_kept(stage: Stage) -> None:
    await stage.apply(secret())
    await stage.core.ready()
    good = _data(stage.server)
    stage.fake.sealed = True
    stage.server.delete("NetworkPolicy", SPACE, "router-deny")
    await stage.core.until(lambda: stage.server.get("NetworkPolicy", SPACE, "router-deny"))
    stage.server.edit("Secret", SPACE, "router-db", lambda o: o["data"].update(password="ZXZl"))
    await stage.core.until(lambda: condition(stage.server, "SecretsCurrent")["status"] == "False")
    assert condition(stage.server, "SecretsCurrent")["reason"] == "VaultUnavailable"
    assert condition(stage.server, "Ready")["status"] == "False"
    assert stage.server.get("Deployment", SPACE, "router") is not None
    assert stage.server.get("Secret", SPACE, "router-db") is not None

    stage.fake.sealed = False
    await stage.poke("1")
    await stage.core.until(lambda: _data(stage.server) == good)
    await stage.core.until(lambda: is_ready(stage.server))


async def test_a_new_workflow_waits_for_a_sealed_vault_without_its_workload(stage: Stage) -> None:
    stage.fake.sealed = True
    await stage.apply(secret())
    await stage.core.until(
        lambda: condition(stage.server, "SecretsCurrent").get("reason") == "VaultUnavailable"
    )
    assert stage.server.get("NetworkPolicy", SPACE, "router-deny") is not None
    assert stage.server.get("Deployment", SPACE, "router") is None
    stage.fake.sealed = False
    await stage.poke("1")
    await stage.core.ready()


async def test_a_rotation_that_is_asked_for_restarts_the_pods_once(stage: Stage) -> None:
    await stage.apply(secret())
    await stage.core.ready()
    first, stamp = _data(stage.server), _stamp(stage.server)
    before = len(stage.server.seen)
    ask = "db@" + "x" * 400
    stage.server.edit(KIND, SPACE, "router", lambda o: annotate(o, "wardkeeper.io/rotate-now", ask))
    await stage.core.until(lambda: status_of(stage.server).get("lastHandledRotateNow"))
    await stage.core.ready()
    await stage.poke("again")
    await stage.core.until(lambda: status_of(stage.server).get("lastHandledReconcileAt"))
    await stage.core.ready()
    assert _data(stage.server) != first
    assert _stamp(stage.server) != stamp
    assert len(stage.fake.kv[ENTRY]) == 2
    await stage.core.until(lambda: len(_apart(written(stage.server, before))[1]) == 4)
    others, entries = _apart(written(stage.server, before))
    changes = [one for one in others if one != STATUS]
    assert changes == [("apply", "Deployment", "router"), ("apply", "Secret", "router-db")]
    assert entries == ["create"] + ["patch"] * 3  # made, accepted; the one before is superseded
    assert "drift" not in status_of(stage.server)


async def test_a_secret_taken_out_of_the_spec_goes_from_vault_and_cluster(stage: Stage) -> None:
    await stage.apply(secret(), secret("api"))
    await stage.core.ready()
    stage.server.put(_finalized(stage.server, workflow(secrets=[secret()])))
    await stage.core.until(lambda: stage.server.get("Secret", SPACE, "router-api") is None)
    await stage.core.ready()
    assert set(stage.fake.kv) == {ENTRY}
    assert "drift" not in status_of(stage.server)
    stage.server.put(_finalized(stage.server, workflow()))
    await stage.core.until(lambda: stage.server.get("Secret", SPACE, "router-db") is None)
    await stage.core.until(lambda: not _finalizers(stage.server))
    await stage.core.ready()
    assert stage.fake.kv == {}


async def test_a_deleted_workflow_leaves_nothing_in_vault_and_goes_in_reverse(
    stage: Stage,
) -> None:
    await stage.apply(secret())
    await stage.core.ready()
    before = len(stage.server.seen)
    stage.server.delete(KIND, SPACE, "router")
    await stage.core.until(lambda: stage.server.get(KIND, SPACE, "router") is None)
    await stage.core.quiet(0.5)
    assert stage.fake.kv == {}
    assert stage.fake.roles == {}
    assert not any(stage.server.get(kind, SPACE, name) for kind, name in CHILDREN)
    order = [one.call.kind.name for one in writes(stage.server, before)]
    assert order[0] == "Deployment"
    assert order.index("Secret") < order.index("NetworkPolicy") < order.index("ServiceAccount")
    assert order.index("ServiceAccount") == len(order) - 2
    assert order[-1] == KIND
    assert stage.server.objects("Event") == []


async def test_a_deletion_waits_for_a_sealed_vault(stage: Stage) -> None:
    await stage.apply(secret())
    await stage.core.ready()
    stage.fake.sealed = True
    stage.server.delete(KIND, SPACE, "router")
    await stage.core.until(lambda: stage.server.get("Deployment", SPACE, "router") is None)
    await stage.core.quiet(0.5)
    assert stage.server.get("NetworkPolicy", SPACE, "router-deny") is not None
    assert _finalizers(stage.server) == ["wardkeeper.io/cleanup"]
    stage.fake.sealed = False
    await stage.poke("1")
    await stage.core.until(lambda: stage.server.get(KIND, SPACE, "router") is None)
    assert stage.fake.kv == {}
    assert stage.fake.roles == {}


async def test_a_finalizer_of_somebody_else_is_not_lost(stage: Stage) -> None:
    made = workflow(secrets=[secret()])
    made["metadata"]["finalizers"] = ["example.org/keep"]
    stage.server.put(made)
    await stage.core.ready()
    assert _finalizers(stage.server) == ["example.org/keep", "wardkeeper.io/cleanup"]
    stage.server.delete(KIND, SPACE, "router")
    await stage.core.until(lambda: _finalizers(stage.server) == ["example.org/keep"])


def _data(server: ApiServer) -> dict[str, str] | None:
    found = server.get("Secret", SPACE, "router-db")
    return None if found is None else {**found["data"], **found["metadata"]["annotations"]}


def _stamp(server: ApiServer) -> str:
    found = server.get("Deployment", SPACE, "router")
    assert found is not None
    return str(found["spec"]["template"]["metadata"]["annotations"]["wardkeeper.io/secrets-mac"])


def _finalizers(server: ApiServer) -> list[str]:
    found = server.get(KIND, SPACE, "router")
    return list(found["metadata"].get("finalizers", ())) if found else []


def _finalized(server: ApiServer, changed: dict[str, Any]) -> dict[str, Any]:
    """What `kubectl apply` would leave: a spec by the user, finalizers as they are."""
    changed["metadata"]["finalizers"] = _finalizers(server)
    return changed
