# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the operator does by itself is never told as the undoing of somebody else's doing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.component.apiserver.faults import Refuse, StallWatch
from tests.component.operator_fixture import (
    SPACE,
    Core,
    annotate,
    condition,
    status_of,
    story,
    written,
)
from tests.component.workflows import OTHER_IMAGE, container, job, workflow
from wardkeeper.api.asked import RECONCILE_AT
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.component.apiserver.call import ApiCall
    from tests.component.apiserver.server import ApiServer

QUARANTINE = "wardkeeper.io/quarantine"


def test_the_run_of_a_new_spec_is_no_repair_of_one_that_was_removed_after_its_end() -> None:
    def complete(obj: dict[str, Any]) -> None:
        obj["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(job("backfill"))
            await core.until(lambda: server.get("Job", SPACE, "backfill"))
            server.edit("Job", SPACE, "backfill", complete, subresource="status")
            await core.ready("backfill")
            server.delete("Job", SPACE, "backfill")
            await core.quiet(2)
            made = job("backfill")
            made["spec"]["workload"]["containers"][0]["image"] = OTHER_IMAGE
            server.put(made)
            await core.until(lambda: server.get("Job", SPACE, "backfill"))
            await core.quiet(2)
            assert "drift" not in status_of(server, "backfill")

    story(tell)


def test_a_run_that_was_removed_unseen_after_its_end_is_not_run_again() -> None:
    def complete(obj: dict[str, Any]) -> None:
        obj["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}

    async def tell(server: ApiServer) -> None:
        server.faults.next(
            match=lambda call: call.verb == "watch" and call.kind.name == "Job",
            fault=StallWatch(after=2),
        )
        async with Core(server) as core:
            server.put(job("backfill"))
            await core.until(lambda: server.get("Job", SPACE, "backfill"))
            server.edit("Job", SPACE, "backfill", complete, subresource="status")
            await core.ready("backfill")
            server.delete("Job", SPACE, "backfill")
            server.edit(KIND, SPACE, "backfill", lambda obj: annotate(obj, RECONCILE_AT, "now"))
            await core.until(
                lambda: status_of(server, "backfill").get("lastHandledReconcileAt") == "now"
            )
            await core.quiet(120)
            assert server.get("Job", SPACE, "backfill") is None
            assert condition(server, "WorkloadAvailable", "backfill")["reason"] == "Completed"
            assert "drift" not in status_of(server, "backfill")

    story(tell)


def test_lifting_a_quarantine_is_no_repair_though_it_takes_two_tries() -> None:
    def lift(obj: dict[str, Any]) -> None:
        del obj["metadata"]["annotations"][QUARANTINE]

    def fails(call: ApiCall) -> bool:
        return (call.verb, call.name) == ("apply", "router-allow")

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            server.edit(KIND, SPACE, "router", lambda obj: annotate(obj, QUARANTINE, "SEC-7"))
            await core.until(lambda: condition(server, "Stalled").get("reason") == "Quarantined")
            await core.quiet()
            server.faults.next(match=fails, fault=Refuse(500), times=2)
            server.edit(KIND, SPACE, "router", lift)
            await core.ready()
            assert "drift" not in status_of(server)

    story(tell)


def test_a_child_that_others_keep_from_going_is_deleted_once() -> None:
    def hold(obj: dict[str, Any]) -> None:
        obj["metadata"]["finalizers"] = ["example.org/held"]

    def deletions(server: ApiServer, since: int) -> list[tuple[str, str, str]]:
        return [one for one in written(server, since) if one[0] == "delete"]

    portless = container(
        ports=None,
        probes={one: {"exec": {"command": ["true"]}} for one in ("readiness", "liveness")},
    )
    workload = {"kind": "Deployment", "replicas": 2, "containers": [portless]}

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            server.edit("Service", SPACE, "router", hold)
            before = len(server.seen)
            server.put(workflow(network={}, workload=workload))
            await core.ready()
            assert deletions(server, before) == [("delete", "Service", "router")]
        before = len(server.seen)
        async with Core(server) as core:
            await core.quiet(5)
            assert core.meter.passes
            assert written(server, before) == []

    story(tell)


def test_what_is_going_already_is_not_deleted_to_be_made_anew() -> None:
    binding = ("RoleBinding", SPACE, "router")

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            server.edit(*binding, lambda obj: obj["metadata"].update(finalizers=["example.org/x"]))
            server.delete(*binding)
            await core.quiet(5)
            before = len(server.seen)
            server.edit(*binding, lambda obj: obj["roleRef"].update(name="other"))
            await core.until(lambda: condition(server, "Ready").get("reason") == "Deleting")
            await core.quiet(60)
            assert not [one for one in written(server, before) if one[0] == "delete"]
            server.edit(*binding, lambda obj: obj["metadata"].pop("finalizers"))
            await core.ready()
            made = server.get(*binding)
            assert made is not None
            assert made["roleRef"]["name"] == "router"

    story(tell)


def test_nothing_is_remembered_of_a_workflow_that_is_gone() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            for number in range(3):
                server.put(workflow(f"router-{number}"))
                await core.ready(f"router-{number}")
            assert len(core.tools.restarts._ready) == 3
            for number in range(3):
                server.delete(KIND, SPACE, f"router-{number}")
            await core.until(lambda: not len(core.world))
            await core.quiet(5)
            assert core.tools.restarts._ready == {}

    story(tell)
