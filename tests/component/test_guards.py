# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""No pod template without guards, no stranger touched, no packet to a peer that is not there."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.apiserver.faults import Refuse, Reset
from tests.component.operator_fixture import (
    SPACE,
    Core,
    condition,
    is_ready,
    status_of,
    story,
    writes,
    written,
)
from tests.component.workflows import (
    CHILDREN,
    OTHER_IMAGE,
    container,
    cron_job,
    job,
    small,
    workflow,
)
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.component.apiserver.call import ApiCall
    from tests.component.apiserver.server import ApiServer
    from tests.component.apiserver.store import Change

STATUS = ("patch", "HealthcareWorkflow/status", "router")
WORKLOADS = ("Deployment", "CronJob", "Job")


class Watchman:
    """Looks at every revision of the cluster for a pod template without its guards."""

    def __init__(self, server: ApiServer) -> None:
        self.looked = 0
        self.found: list[str] = []
        self._server = server
        server._store.listeners.append(self._look)

    def _look(self, change: Change) -> None:
        for kind in WORKLOADS:
            for workload in self._server.objects(kind):
                self.looked += 1
                name = workload["metadata"]["name"]
                guards = [
                    ("ServiceAccount", name),
                    ("NetworkPolicy", f"{name}-deny"),
                    ("NetworkPolicy", f"{name}-allow"),
                ]
                self.found += [
                    f"{change.version}: {kind} {name} without {guard}"
                    for guard in guards
                    if self._server.get(guard[0], SPACE, guard[1]) is None
                ]


@pytest.mark.parametrize("made", [workflow(), cron_job("router"), job("router")])
def test_guards_come_before_the_workload_at_every_revision(made: dict[str, Any]) -> None:
    async def tell(server: ApiServer) -> None:
        watchman = Watchman(server)
        async with Core(server) as core:
            server.put(made)
            await core.until(lambda: condition(server, "Ready"))
            await core.quiet()
        assert watchman.looked
        assert watchman.found == []

    story(tell)


@pytest.mark.parametrize("guard", [child for child in CHILDREN if child[0] != "Deployment"])
@pytest.mark.parametrize("fault", [Refuse(500), Refuse(403), Reset(), Reset(committed=True)])
def test_a_guard_that_cannot_be_made_keeps_the_workload_away(
    guard: tuple[str, str], fault: Refuse | Reset
) -> None:
    async def tell(server: ApiServer) -> None:
        watchman = Watchman(server)

        def meant(call: ApiCall) -> bool:
            return call.verb == "apply" and (call.kind.name, call.name) == guard

        final = fault == Refuse(403)
        server.faults.next(
            match=meant, fault=fault, times=1 if final or fault == Reset(committed=True) else 2
        )
        async with Core(server) as core:
            server.put(workflow())
            await core.until(lambda: not server.faults.pending)
            if fault != Reset(committed=True):
                assert server.get("Deployment", SPACE, "router") is None
            if final:
                await core.until(lambda: condition(server, "Ready"))
                server.put(workflow(criticality="High"))
            await core.ready()
        assert watchman.looked
        assert watchman.found == []

    story(tell)


def test_a_guard_comes_back_before_a_new_revision_of_the_workload() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        server.delete("NetworkPolicy", SPACE, "router-deny")
        changed = workflow()
        changed["spec"]["workload"]["containers"][0]["image"] = OTHER_IMAGE
        server.put(changed)
        before = len(server.seen)
        async with Core(server) as core:
            await core.ready()
        order = [one.call.name for one in writes(server, before)]
        assert order.index("router-deny") < order.index("router")

    story(tell)


@pytest.mark.parametrize("labelled", [False, True])
@pytest.mark.parametrize(("kind", "name"), CHILDREN)
def test_an_object_of_a_stranger_stays_as_it_is(kind: str, name: str, labelled: bool) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow("other"))
            await core.ready("other")
        template = server.get(kind, SPACE, name.replace("router", "other"))
        assert template is not None
        labels = template["metadata"]["labels"] if labelled else {}
        labels = {key: value.replace("other", "router") for key, value in labels.items()}
        metadata = {"namespace": SPACE, "name": name, "labels": labels}
        server.put({**copy.deepcopy(template), "metadata": metadata})
        await Core.pass_time(1)
        stranger = copy.deepcopy(server.get(kind, SPACE, name))
        async with Core(server) as core:
            server.put(workflow())
            await core.until(lambda: condition(server, "Stalled"))
            await core.pass_time(310)
            assert condition(server, "Ready")["reason"] == "NameTaken"
            assert f"{kind} {SPACE}/{name}" in condition(server, "Stalled")["message"]
            assert server.get(kind, SPACE, name) == stranger
            if kind != "Deployment":
                assert server.get("Deployment", SPACE, "router") is None
            events = [
                one for one in server.objects("Event") if one["regarding"]["name"] == "router"
            ]
            assert [one["reason"] for one in events] == ["NameTaken"]

            server.delete(kind, SPACE, name)
            await core.until(lambda: is_ready(server), seconds=400)

    story(tell)


def test_a_running_workload_is_repaired_though_a_guard_is_gone_to_a_stranger() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        role = server.get("Role", SPACE, "router")
        assert role is not None
        server.delete("Role", SPACE, "router")
        server.put({**role, "metadata": {"namespace": SPACE, "name": "router"}})
        good = _pod(server)
        server.edit(
            "Deployment",
            SPACE,
            "router",
            lambda obj: obj["spec"]["template"]["spec"].update(hostNetwork=True),
        )
        async with Core(server) as core:
            await core.until(lambda: _pod(server) == good)
            await core.until(lambda: condition(server, "Ready")["reason"] == "NameTaken")

    story(tell)


@pytest.mark.parametrize("where", ["endpoints", "network"])
def test_a_peer_that_is_missing_keeps_closed_and_opens_when_it_comes(where: str) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            peer = {"name": "intake", "workflow": {"name": "intake"}}
            spec: dict[str, Any] = {"endpoints": [{**peer, "kind": "TCP", "port": 2575}]}
            if where == "network":
                spec = {"endpoints": [], "network": {"ingress": [{**peer, "ports": ["hl7"]}]}}
            server.put(workflow(**{"network": {}, **spec}))
            await core.ready()
            admitted = condition(server, "Admitted")
            assert (admitted["status"], admitted["reason"]) == ("True", "PeerMissing")
            assert [one["reason"] for one in server.objects("Event")] == ["PeerMissing"]
            if where == "endpoints":
                assert status_of(server)["endpoints"][0]["state"] == "Closed"
                assert not _allowed(server, "intake")

            before = len(server.seen)
            server.put(small("intake"))
            await core.ready("intake")
            await core.ready()
            assert condition(server, "Admitted")["reason"] == "Converged"
            applied = ("apply", "NetworkPolicy", "router-allow")
            assert written(server, before).count(applied) == (where == "endpoints")
            assert _allowed(server, "intake")
            assert "drift" not in status_of(server)

            server.delete(KIND, SPACE, "intake")
            await core.until(lambda: condition(server, "Admitted")["reason"] == "PeerMissing")
            await core.quiet()
            if where == "endpoints":
                assert not _allowed(server, "intake")

    story(tell)


def test_a_peer_named_while_the_status_was_written_still_opens() -> None:
    """The answer to the status may bring the new spec before its event does."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            stream = next(one for one in server.streams if one.call.kind.name == KIND)
            stream.stall()
            endpoint = {"name": "in", "kind": "TCP", "workflow": {"name": "intake"}, "port": 2575}
            server.put(workflow(endpoints=[endpoint]))
            server.edit("Role", SPACE, "router", lambda obj: obj["rules"].clear())
            await core.until(lambda: condition(server, "Admitted")["reason"] == "PeerMissing")
            server.drop_watches(KIND)
            await core.quiet(5)
            server.put(small("intake"))
            await core.until(lambda: _allowed(server, "intake"))

    story(tell)


def test_mode_audit_writes_its_status_and_nothing_else() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow(mode="Audit"))
            await core.until(lambda: condition(server, "Ready"))
            await core.quiet(5)
            assert written(server) == [STATUS]
            ready = condition(server, "Ready")
            assert (ready["status"], ready["reason"]) == ("False", "WouldChange")
            assert "create ServiceAccount router" in ready["message"]
            assert server.objects("ServiceAccount") == []

    story(tell)


def test_mode_audit_leaves_drift_and_tells_it() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            server.put(workflow(mode="Audit"))
            await core.until(lambda: condition(server, "Ready")["reason"] == "AuditMode")
            before = len(server.seen)
            edited = server.edit("Role", SPACE, "router", lambda obj: obj["rules"].clear())
            server.delete("Service", SPACE, "router")
            await core.until(lambda: "Service" in condition(server, "Ready")["message"])
            await core.quiet(5)
            assert {one[1] for one in written(server, before)} == {STATUS[1]}
            assert server.get("Role", SPACE, "router") == edited
            assert "repair Role router" in condition(server, "Ready")["message"]

            server.put(workflow())
            await core.ready()
            assert server.get("Service", SPACE, "router")

    story(tell)


def test_a_spec_that_cannot_be_carried_out_leaves_what_ran_in_force() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(cron_job())
            await core.ready("export")
            kept = _schedule(server)
            server.put(cron_job(schedule="61 2 * * *"))
            await core.until(lambda: condition(server, "Stalled", "export"))
            await core.quiet()
            stalled = condition(server, "Stalled", "export")
            assert stalled["reason"] == "SpecInvalid"
            assert "spec.workload.schedule" in stalled["message"]
            assert condition(server, "Ready", "export")["status"] == "False"
            assert _schedule(server) == kept

            server.delete("NetworkPolicy", SPACE, "export-deny")
            server.edit("CronJob", SPACE, "export", lambda o: o["spec"].update(suspend=True))
            await core.until(lambda: server.get("NetworkPolicy", SPACE, "export-deny"))
            await core.quiet()
            assert _schedule(server) == kept
            assert status_of(server, "export")["drift"]["repaired"] == 2

        server.delete("NetworkPolicy", SPACE, "export-allow")
        async with Core(server) as core:
            await core.until(lambda: server.get("NetworkPolicy", SPACE, "export-allow"))
            await core.quiet()
            assert condition(server, "Stalled", "export")["reason"] == "SpecInvalid"
            server.put(cron_job(schedule="31 2 * * *"))
            await core.ready("export")
            assert _schedule(server)["schedule"] == "31 2 * * *"

    story(tell)


def test_ready_is_never_true_for_a_generation_that_has_not_rolled_out() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            server.controllers.rolling_out = False
            server.put(
                workflow(
                    workload={
                        "kind": "Deployment",
                        "replicas": 2,
                        "containers": [container(image=OTHER_IMAGE)],
                    }
                )
            )
            await core.until(lambda: status_of(server)["observedGeneration"] == 2)
            await core.quiet(5)
            assert condition(server, "Ready")["status"] == "False"
            assert condition(server, "Reconciling")["reason"] == "RolloutInProgress"

    story(tell)


def test_asking_for_a_look_reads_everything_and_is_echoed() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            asked = "x" * 1000
            server.edit(
                KIND,
                SPACE,
                "router",
                lambda o: o["metadata"].update(annotations={"wardkeeper.io/reconcile-at": asked}),
            )
            await core.until(lambda: status_of(server).get("lastHandledReconcileAt"))
            await core.quiet()
            assert written(server, before) == [STATUS]
            reads = [one for one in server.seen[before:] if one.call.verb == "get"]
            assert len(reads) == len(CHILDREN)
            assert status_of(server)["lastHandledReconcileAt"] == asked[:256]

    story(tell)


def _pod(server: ApiServer) -> dict[str, Any]:
    found = server.get("Deployment", SPACE, "router")
    assert found is not None
    spec: dict[str, Any] = found["spec"]["template"]["spec"]
    return spec


def _schedule(server: ApiServer) -> dict[str, Any]:
    found = server.get("CronJob", SPACE, "export")
    assert found is not None
    spec: dict[str, Any] = found["spec"]
    return spec


def _allowed(server: ApiServer, peer: str) -> bool:
    """Whether the policy of the router has an opening for a workflow."""
    found = server.get("NetworkPolicy", SPACE, "router-allow")
    return found is not None and f"'wardkeeper.io/workflow': '{peer}'" in str(found["spec"])
