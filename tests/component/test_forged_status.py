# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What somebody else writes into a status is neither left there nor believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.component.apiserver.faults import Reset
from tests.component.operator_fixture import SPACE, Core, annotate, status_of, story, written
from tests.component.workflows import job, workflow
from wardkeeper.api.asked import RECONCILE_AT
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.server import ApiServer

    Forgery = Callable[[dict[str, Any]], object]

STATUS = ("patch", f"{KIND}/status", "router")


def _fail(status: dict[str, Any]) -> None:
    for one in status["conditions"]:
        one.update(status="False", reason="Forged", message="nothing is well")


def _add(status: dict[str, Any]) -> None:
    status["conditions"].append({**status["conditions"][0], "type": "Audited"})


FORGERIES: dict[str, Forgery] = {
    "nothing is well": _fail,
    "nothing is told": dict.clear,
    "one more condition": _add,
    "another generation": lambda status: status.update(observedGeneration=99),
    "many repairs": lambda status: status.update(drift={"repaired": 99}),
    "no repair": lambda status: status.pop("drift"),
    "another spec runs": lambda status: status["revision"].update(running="sha256:0"),
    "no spec runs": lambda status: status.pop("revision"),
    "it was looked at": lambda status: status.update(lastHandledReconcileAt="tomorrow"),
    "an endpoint is closed": lambda status: status["endpoints"][0].update(state="Closed"),
    "what nobody can read": lambda status: status["conditions"][0].update(status="Perhaps"),
}


def forge(server: ApiServer, how: Forgery, name: str = "router") -> None:
    """Somebody with the right to do so writes a status."""
    server.edit(KIND, SPACE, name, lambda obj: how(obj["status"]), subresource="status")


def _meddle(obj: dict[str, Any]) -> None:
    obj["spec"]["ingress"] = [{}]


@pytest.mark.parametrize("how", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_status_is_what_it_was_at_once_and_nothing_else_is_written(how: Forgery) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            server.edit("NetworkPolicy", SPACE, "router-deny", _meddle)
            await core.quiet()
            told, before = status_of(server), len(server.seen)
            assert told["drift"]["repaired"] == 1
            forge(server, how)
            assert status_of(server) != told
            await core.quiet()
            assert status_of(server) == told
            assert written(server, before) == [STATUS]

    story(tell)


@pytest.mark.parametrize("how", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_status_that_was_forged_while_no_operator_ran_tells_the_truth_soon(how: Forgery) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            server.edit("NetworkPolicy", SPACE, "router-deny", _meddle)
            await core.quiet()
        told, before = status_of(server), len(server.seen)
        forge(server, how)
        async with Core(server) as core:
            await core.quiet()
            now = status_of(server)
            facts = ("type", "status", "reason", "message", "observedGeneration")
            for one, was in zip(now["conditions"], told["conditions"], strict=True):
                assert [one[key] for key in facts] == [was[key] for key in facts]
            for key in ("observedGeneration", "revision", "endpoints"):
                assert now[key] == told[key]
            assert {kind for _, kind, _ in written(server, before)} <= {f"{KIND}/status"}

    story(tell)


def test_a_forged_end_keeps_no_run_from_being_made() -> None:
    def end(status: dict[str, Any]) -> None:
        for one in status["conditions"]:
            one.update(status="True", reason="Completed")

    def run(obj: dict[str, Any]) -> None:
        obj["status"] = {"active": 1}

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(job("backfill"))
            await core.until(lambda: server.get("Job", SPACE, "backfill"))
            server.edit("Job", SPACE, "backfill", run, subresource="status")
            await core.ready("backfill")
            forge(server, end, "backfill")
            server.delete("Job", SPACE, "backfill")
            await core.until(lambda: server.get("Job", SPACE, "backfill"))

    story(tell)


def test_a_forged_answer_keeps_no_request_to_look_from_being_honoured() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            forge(server, lambda status: status.update(lastHandledReconcileAt="now"))
            server.edit(KIND, SPACE, "router", lambda obj: annotate(obj, RECONCILE_AT, "now"))
            before = len(server.seen)
            await core.quiet()
            read = [one for one in server.seen[before:] if one.call.verb == "get"]
            assert {one.call.kind.name for one in read} >= {"Role", "Deployment", "NetworkPolicy"}
            assert status_of(server)["lastHandledReconcileAt"] == "now"

    story(tell)


@pytest.mark.parametrize("committed", [False, True])
def test_a_repair_is_told_once_though_nobody_answered_when_it_was(committed: bool) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            server.faults.next(
                match=lambda call: call.subresource == "status",
                fault=Reset(committed=committed),
            )
            server.edit("NetworkPolicy", SPACE, "router-deny", _meddle)
            await core.until(lambda: not server.faults.pending)
            await core.quiet(30)
            assert status_of(server)["drift"]["repaired"] == 1

    story(tell)
