# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""From a workflow to its children with as few writes as can be, and none when nothing differs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.operator_fixture import (
    SPACE,
    Core,
    annotate,
    condition,
    is_ready,
    label,
    roll_out,
    status_of,
    story,
    written,
)
from tests.component.workflows import CHILDREN, OTHER_IMAGE, container, cron_job, job, workflow
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.component.apiserver.server import ApiServer

STATUS = ("patch", "HealthcareWorkflow/status", "router")


def _applied(*kinds: str) -> list[tuple[str, str, str]]:
    return sorted(
        ("apply", kind, name) for kind, name in CHILDREN if kind in kinds or name in kinds
    )


def test_a_new_workflow_takes_one_write_for_each_child_and_one_for_its_status() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.until(lambda: condition(server, "Ready"))
            await core.quiet()
            everything = sorted(("apply", kind, name) for kind, name in CHILDREN)
            assert written(server) == sorted([*everything, STATUS])
            assert condition(server, "Ready")["reason"] == "RolloutInProgress"

            before = len(server.seen)
            roll_out(server)
            await core.ready()
            assert written(server, before) == [STATUS]

    story(tell, rolling_out=False)


@pytest.mark.parametrize("made", [cron_job(), job()])
def test_a_workload_without_rollout_takes_one_status(made: dict[str, Any]) -> None:
    async def tell(server: ApiServer) -> None:
        name = made["metadata"]["name"]
        async with Core(server) as core:
            server.put(made)
            await core.until(lambda: condition(server, "WorkloadAvailable", name))
            await core.quiet()
            kinds = {kind for _, kind, _ in written(server)}
            assert len(written(server)) == len(kinds) + 1  # two policies are of one kind
            assert written(server).count(("patch", "HealthcareWorkflow/status", name)) == 1

    story(tell)


def test_many_workflows_at_once_take_no_write_more() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            names = [f"router-{number}" for number in range(25)]
            for name in names:
                server.put(workflow(name))
            for name in names:
                await core.until(partial(is_ready, server, name))
            await core.quiet()
            assert len([one for one in written(server) if one[0] == "apply"]) == 25 * len(CHILDREN)
            assert server.count(agent="wardkeeper", code=409) == 0

    story(tell)


def test_a_restart_writes_nothing() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        before = len(server.seen)
        async with Core(server) as core:
            await core.quiet(5)
            assert core.meter.passes
            assert written(server, before) == []

    story(tell)


def test_a_restart_reads_no_child_but_in_lists() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        before = len(server.seen)
        async with Core(server) as core:
            await core.quiet(5)
            assert {one.call.verb for one in server.seen[before:]} == {"list", "watch"}

    story(tell)


def test_a_list_anew_writes_nothing() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            server.compact()
            server.drop_watches()
            await core.quiet(30)
            assert server.count("list") > len(CHILDREN)
            assert written(server, before) == []

    story(tell)


def test_idling_for_an_hour_writes_nothing() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before, passes = len(server.seen), len(core.meter.passes)
            await core.quiet(1)
            await core.pass_time(3600)
            assert written(server, before) == []
            assert len(core.meter.passes) == passes

    story(tell)


def test_labels_and_annotations_of_others_cause_no_write_and_stay() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            for kind, name in (*CHILDREN, (KIND, "router")):
                server.edit(kind, SPACE, name, lambda obj: label(obj, "team", "x"))
                server.edit(kind, SPACE, name, lambda obj: annotate(obj, "example.org/a", "b"))
            await core.quiet(5)
            assert written(server, before) == []

        async with Core(server) as core:
            await core.quiet(5)
            assert written(server, before) == []
            for kind, name in CHILDREN:
                found = server.get(kind, SPACE, name)
                assert found is not None
                assert found["metadata"]["labels"]["team"] == "x"

    story(tell)


def test_a_change_of_the_spec_writes_what_it_changes_and_nothing_else() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            ports = [{"name": "hl7", "port": 2576}]
            server.put(
                workflow(
                    workload={
                        "kind": "Deployment",
                        "replicas": 2,
                        "containers": [container(ports=ports)],
                    }
                )
            )
            await core.ready()
            wanted = _applied("Service", "router-allow", "Deployment")
            assert [one for one in written(server, before) if one != STATUS] == wanted

    story(tell)


def test_a_spec_that_goes_there_and_back_ends_where_it_began() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            first = {child: _content(server, *child) for child in CHILDREN}
            server.put(
                workflow(
                    access={},
                    endpoints=[],
                    workload={
                        "kind": "Deployment",
                        "replicas": 1,
                        "containers": [container(image=OTHER_IMAGE, env=None)],
                    },
                )
            )
            await core.ready()
            assert _content(server, "Deployment", "router") != first[("Deployment", "router")]
            server.put(workflow())
            await core.ready()
            assert {child: _content(server, *child) for child in CHILDREN} == first
            assert status_of(server).get("drift") is None

    story(tell)


def test_a_child_that_is_not_wanted_any_more_is_deleted_by_its_uid() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            role = server.get("Role", SPACE, "router")
            assert role is not None
            before = len(server.seen)
            server.put(workflow(access={}))
            await core.ready()
            deletes = [one.call for one in server.seen[before:] if one.call.verb == "delete"]
            assert sorted(call.kind.name for call in deletes) == ["Role", "RoleBinding"]
            asked = {call.kind.name: call.body["preconditions"] for call in deletes}
            assert asked["Role"] == {"uid": role["metadata"]["uid"]}
            assert server.get("Role", SPACE, "router") is None
            assert status_of(server).get("drift") is None

    story(tell)


def test_a_change_of_the_kind_of_workload_makes_the_new_one_before_the_old_one_goes() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow(endpoints=[]))
            await core.ready()
            before = len(server.seen)
            plain = container(ports=[], probes=None)
            workload = {"kind": "CronJob", "schedule": "30 2 * * *", "containers": [plain]}
            server.put(workflow(workload=workload, network={}, endpoints=[]))
            await core.ready()
            order = [(one.call.verb, one.call.kind.name) for one in server.seen[before:]]
            assert order.index(("apply", "CronJob")) < order.index(("delete", "Deployment"))
            assert server.get("Deployment", SPACE, "router") is None

    story(tell)


def _content(server: ApiServer, kind: str, name: str) -> dict[str, Any]:
    """What an object says, without what the server notes about it."""
    found = server.get(kind, SPACE, name)
    assert found is not None, f"{kind} {name}"
    metadata = {key: found["metadata"].get(key) for key in ("labels", "ownerReferences")}
    return {**found, "metadata": metadata, "status": None}
