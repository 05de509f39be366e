# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who may write, who takes over, and how workflows go and come back under the same name."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import pytest

from tests.component.apiserver.faults import Hold, Refuse
from tests.component.operator_fixture import (
    SPACE,
    Core,
    annotate,
    condition,
    is_ready,
    status_of,
    story,
    writes,
    written,
)
from tests.component.workflows import CHILDREN, OTHER_IMAGE, workflow
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.seen import Key

if TYPE_CHECKING:
    from tests.component.apiserver.call import ApiCall
    from tests.component.apiserver.server import ApiServer

ROUTER = Key(SPACE, "router")


@pytest.mark.parametrize("at", range(1, 9))
def test_not_one_write_is_sent_once_the_lease_is_lost(at: int) -> None:
    async def tell(server: ApiServer) -> None:
        leads = True
        hold = Hold()
        async with Core(server, leads=lambda: leads) as core:

            def this_one(call: ApiCall) -> bool:
                return call.writes and len(writes(server)) == at - 1

            server.faults.next(match=this_one, fault=hold)
            server.put(workflow())
            await core.until(lambda: not server.faults.pending)
            leads = False
            await core.pass_time(1)
            sent = len(writes(server))
            hold.release.set()
            await core.pass_time(60)
            assert len(writes(server)) == sent + 1
            assert written(server).count(("patch", f"{KIND}/status", "router")) == 0

    story(tell)


def test_a_standby_knows_everything_and_writes_nothing() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as leader, Core(server, leads=lambda: False) as standby:
            standby.world.drop_contents()
            server.put(workflow())
            await leader.ready()
            assert set(standby.world.children(ROUTER)) == set(leader.world.children(ROUTER))
            assert standby.world.pending(ROUTER) == frozenset()
            assert standby.meter.passes == []

    story(tell)


def test_a_standby_that_takes_over_repairs_what_was_edited_and_nothing_else() -> None:
    async def tell(server: ApiServer) -> None:
        leads = False
        async with Core(server, leads=lambda: leads) as standby:
            standby.world.drop_contents()
            async with Core(server) as leader:
                for name in ("router", "other"):
                    server.put(workflow(name))
                for name in ("router", "other"):
                    await leader.ready(name)
            server.edit("Role", SPACE, "router", lambda obj: obj["rules"].clear())
            server.delete("NetworkPolicy", SPACE, "other-allow")
            await standby.pass_time(1)
            before = len(server.seen)
            leads = True
            await standby.take_over()
            await standby.ready()
            await standby.ready("other")
            changed = {one[1:] for one in written(server, before) if "/" not in one[1]}
            assert changed == {("Role", "router"), ("NetworkPolicy", "other-allow")}
            assert status_of(server)["drift"]["repaired"] == 1
            assert status_of(server, "other")["drift"]["repaired"] == 1

    story(tell)


def test_a_standby_that_takes_over_a_quiet_cluster_writes_nothing() -> None:
    async def tell(server: ApiServer) -> None:
        leads = False
        async with Core(server, leads=lambda: leads) as standby:
            standby.world.drop_contents()
            async with Core(server) as leader:
                server.put(workflow())
                await leader.ready()
                server.delete("Service", SPACE, "router")
                await leader.until(lambda: server.get("Service", SPACE, "router"))
                await leader.ready()
            before = len(server.seen)
            leads = True
            await standby.take_over()
            await standby.quiet(5)
            assert standby.meter.passes
            assert written(server, before) == []

    story(tell)


def test_a_deleted_workflow_takes_its_children_along_without_a_write_of_ours() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            server.delete(KIND, SPACE, "router")
            await core.until(lambda: core.world.workflow(ROUTER) is None)
            await core.quiet(5)
            assert written(server, before) == []
            assert not any(server.get(kind, SPACE, name) for kind, name in CHILDREN)
            assert core.world.children(ROUTER) == {}
            assert not core.world.known("Role")

    story(tell)


def test_a_workflow_that_comes_back_waits_for_what_is_left_of_its_predecessor() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            first = copy.deepcopy(server.get("Deployment", SPACE, "router"))
            assert first is not None
            server.controllers.collecting = False
            server.delete(KIND, SPACE, "router")
            server.put(workflow())
            await core.until(lambda: condition(server, "Ready").get("reason") == "Deleting")
            await core.quiet()
            found = server.get("Deployment", SPACE, "router")
            assert found is not None
            assert found["metadata"]["uid"] == first["metadata"]["uid"]
            assert condition(server, "Stalled") == {}
            assert server.objects("Event") == []

            for kind, name in CHILDREN:
                server.delete(kind, SPACE, name)
            await core.ready()
            owner = server.get(KIND, SPACE, "router")
            assert owner is not None
            for kind, name in CHILDREN:
                found = server.get(kind, SPACE, name)
                assert found is not None
                assert found["metadata"]["ownerReferences"][0]["uid"] == owner["metadata"]["uid"]
            assert "drift" not in status_of(server)

    story(tell)


def test_news_of_a_predecessor_that_come_late_are_no_news() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            old = {child: copy.deepcopy(server.get(*_place(child))) for child in CHILDREN}
            former = copy.deepcopy(server.get(KIND, SPACE, "router"))
            server.delete(KIND, SPACE, "router")
            await core.until(lambda: not any(server.get(*_place(child)) for child in CHILDREN))
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            for obj in (former, *old.values()):
                assert obj is not None
                watched = obj["kind"]
                for stream in server.streams:
                    if stream.call.kind.name == watched:
                        stream._watcher.queue.put_nowait(("MODIFIED", obj))
                        stream._watcher.queue.put_nowait(("DELETED", obj))
            await core.quiet(5)
            assert written(server, before) == []
            assert is_ready(server)

    story(tell)


def test_a_workflow_deleted_while_its_status_is_written_is_not_revived() -> None:
    """The answer to the write comes after the event that tells of the deletion."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            hold = Hold(committed=True)
            server.faults.next(match=lambda call: call.subresource == "status", fault=hold)
            server.put(workflow())
            await core.until(lambda: condition(server, "Ready"))
            server.delete(KIND, SPACE, "router")
            await core.until(lambda: core.world.workflow(ROUTER) is None)
            hold.release.set()
            await core.quiet(5)
            assert core.world.workflow(ROUTER) is None
            assert not any(server.get(kind, SPACE, name) for kind, name in CHILDREN)

    story(tell)


@pytest.mark.parametrize(("kind", "name"), CHILDREN)
def test_a_child_deleted_while_it_is_made_comes_back(kind: str, name: str) -> None:
    """The answer to its creation comes after the event that tells of its deletion."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            hold = Hold(committed=True)

            def made(call: ApiCall) -> bool:
                return call.verb == "apply" and (call.kind.name, call.name) == (kind, name)

            server.faults.next(match=made, fault=hold)
            server.put(workflow())
            await core.until(lambda: server.get(kind, SPACE, name))
            server.delete(kind, SPACE, name)
            await core.pass_time(1)
            hold.release.set()
            await core.ready()
            assert server.get(kind, SPACE, name) is not None

    story(tell)


def test_a_child_deleted_twice_during_one_pass_comes_back_twice() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()

            hold = Hold()
            server.faults.next(
                match=lambda call: call.verb == "patch" and call.subresource == "status",
                fault=hold,
            )
            server.delete("Service", SPACE, "router")
            await core.until(lambda: not server.faults.pending)
            server.delete("Service", SPACE, "router")
            await core.pass_time(1)
            hold.release.set()
            await core.until(lambda: server.get("Service", SPACE, "router"))
            await core.ready()
            assert status_of(server)["drift"]["repaired"] == 2

    story(tell)


def test_an_edit_during_a_pass_is_seen_to_after_it() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            hold = Hold()
            server.faults.next(match=lambda call: call.subresource == "status", fault=hold)
            server.put(workflow())
            await core.until(lambda: not server.faults.pending)
            server.edit("Role", SPACE, "router", lambda obj: obj["rules"].clear())
            changed = workflow()
            changed["spec"]["workload"]["containers"][0]["image"] = OTHER_IMAGE
            server.put(changed)
            await core.pass_time(1)
            hold.release.set()
            await core.ready()
            role = server.get("Role", SPACE, "router")
            assert role is not None
            assert role["rules"]
            found = server.get("Deployment", SPACE, "router")
            assert found is not None
            assert OTHER_IMAGE in str(found)

    story(tell)


def test_a_child_that_goes_while_it_is_read_fails_no_pass() -> None:
    def reads(call: ApiCall) -> bool:
        return (call.verb, call.kind.name) == ("get", "Role")

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            hold = Hold(committed=True)
            server.faults.next(match=reads, fault=hold)
            server.edit(
                KIND, SPACE, "router", lambda o: annotate(o, "wardkeeper.io/reconcile-at", "now")
            )
            await core.until(lambda: not server.faults.pending)
            server.delete("Role", SPACE, "router")
            await core.until(lambda: core.world.lost(ROUTER))
            hold.release.set()
            await core.until(lambda: server.get("Role", SPACE, "router"))
            await core.ready()
            assert "error" not in core.meter.passes

    story(tell)


def test_a_namespace_that_is_going_away_stays_as_it_is() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            server.delete("Namespace", "", SPACE)
            await core.until(lambda: server.get("Namespace", "", SPACE) is None)
            await core.quiet(5)
            assert [one for one in writes(server, before) if one.code < 300] == []
            assert core.world.workflow(ROUTER) is None

    story(tell)


def test_a_pass_that_fails_for_an_unknown_reason_comes_again() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            server.faults.next(match=lambda call: call.verb == "apply", fault=Refuse(418), times=3)
            await core.ready()
            server.put(workflow("other"))
            await core.ready("other")

    story(tell)


def _place(child: tuple[str, str]) -> tuple[str, str, str]:
    kind, name = child
    return kind, SPACE, name
