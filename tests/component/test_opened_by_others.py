# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A network is told closed only while nobody else's policy opens it; nobody's policy is touched."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.operator_fixture import (
    SPACE,
    Core,
    annotate,
    condition,
    is_ready,
    label,
    status_of,
    story,
    under_operator,
    writes,
    written,
)
from tests.component.policies import EVERYBODY, LEAVING_OUT, of, policy
from tests.component.workflows import cron_job, job, small, workflow
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.seen import Key

if TYPE_CHECKING:
    from tests.component.apiserver.server import ApiServer

OPENED = "OpenedByOthers"
STATUS = ("patch", f"{KIND}/status", "router")
EXISTS_JOB = {"key": "job-name", "operator": "Exists"}
CLASS = "wardkeeper.io/data-class"
TO_ALL: dict[str, Any] = {"policyTypes": ["Egress"], "egress": [{}]}


def told(server: ApiServer, name: str = "router") -> tuple[str, str]:
    found = condition(server, "NetworkClosed", name)
    return found.get("status", ""), found.get("reason", "")


def is_opened(server: ApiServer, name: str = "router") -> bool:
    return told(server, name) == ("False", OPENED)


def edit(server: ApiServer, name: str, **spec: Any) -> None:
    server.edit("NetworkPolicy", SPACE, name, lambda obj: obj["spec"].update(spec))


def test_a_policy_that_opens_a_workflow_is_told_and_heals_when_it_leaves_the_workflow_out() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        running = copy.deepcopy(server.objects("Deployment"))
        before = len(server.seen)
        server.put(policy("allow-all", SPACE))
        theirs = copy.deepcopy(server.get("NetworkPolicy", SPACE, "allow-all"))
        await core.until(lambda: is_opened(server))
        await core.quiet()
        assert written(server, before) == [STATUS]
        message = condition(server, "NetworkClosed")["message"]
        assert "allow-all (ingress)" in message
        assert "{key: wardkeeper.io/workflow, operator: DoesNotExist}" in message
        for kind in ("Ready", "Stalled"):
            assert condition(server, kind)["reason"] == OPENED
            assert condition(server, kind)["message"] == message
        assert condition(server, "Ready")["status"] == "False"
        assert condition(server, "Reconciling") == {}
        assert condition(server, "WorkloadAvailable")["status"] == "True"
        assert server.get("NetworkPolicy", SPACE, "allow-all") == theirs
        assert server.objects("Deployment") == running

        before = len(server.seen)
        edit(server, "allow-all", podSelector=LEAVING_OUT)
        await core.ready()
        assert written(server, before) == [STATUS]
        assert told(server) == ("True", "PoliciesInPlace")
        assert condition(server, "Stalled") == {}

    under_operator(tell, workflow())


@pytest.mark.parametrize("made", [cron_job("router"), job("router")])
def test_a_workload_that_ends_is_told_to_be_open_as_well(made: dict[str, Any]) -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(made)
        await core.until(lambda: condition(server, "Ready"))
        await core.quiet()
        server.put(policy("jobs", SPACE, {"matchExpressions": [EXISTS_JOB]}, **TO_ALL))
        await core.until(lambda: is_opened(server))
        server.delete("NetworkPolicy", SPACE, "jobs")
        await core.until(lambda: not is_opened(server))

    under_operator(tell)


def test_one_event_tells_of_it_however_many_passes_and_policies_follow() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(policy("one", SPACE))
        await core.until(lambda: is_opened(server))
        server.put(policy("two", SPACE, **TO_ALL))
        await core.until(
            lambda: "one (ingress), two (egress)" in condition(server, "Ready")["message"]
        )
        server.edit(KIND, SPACE, "router", _look_again)
        await core.until(lambda: status_of(server).get("lastHandledReconcileAt"))
        await core.quiet()
        assert len(server.objects("Event")) == 1
        event = server.objects("Event")[0]
        assert (event["type"], event["reason"]) == ("Warning", OPENED)
        assert "one (ingress)" in event["note"]
        for name in ("one", "two"):
            server.delete("NetworkPolicy", SPACE, name)
        await core.ready()
        server.put(policy("one", SPACE))
        await core.until(lambda: is_opened(server))
        await core.quiet()
        assert len(server.objects("Event")) == 1
        assert server.objects("Event")[0]["series"]["count"] == 2

    under_operator(tell, workflow())


def test_only_the_workflow_that_is_selected_is_told_and_looked_at() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        before, passes = len(server.seen), len(core.meter.passes)
        server.put(policy("for-router", SPACE, of("router")))
        await core.until(lambda: is_opened(server))
        await core.quiet()
        assert {one.call.name for one in writes(server, before)} == {"router"}
        assert len(core.meter.passes) - passes <= 2  # the second is for its own status
        assert told(server, "intake") == ("True", "PoliciesInPlace")

    under_operator(tell, small("router"), small("intake"))


def test_a_policy_that_moves_heals_one_workflow_and_opens_another() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(policy("moving", SPACE, of("router")))
        await core.until(lambda: is_opened(server))
        edit(server, "moving", podSelector=of("intake"))
        await core.until(lambda: is_opened(server, "intake"))
        await core.until(lambda: is_ready(server, "router"))

    under_operator(tell, small("router"), small("intake"))


@pytest.mark.parametrize(
    "made",
    [
        policy("closing", SPACE, policyTypes=["Ingress", "Egress"]),
        policy("egress-only", SPACE, policyTypes=["Egress"], ingress=[{}]),
        policy("theirs", SPACE, {"matchLabels": {"app": "theirs"}}),
        policy("exempting", SPACE, LEAVING_OUT),
        policy("elsewhere", "wardkeeper-system"),
    ],
    ids=lambda made: str(made["metadata"]["name"]),
)
def test_a_policy_that_opens_nothing_of_a_workflow_makes_no_pass_and_no_write(
    made: dict[str, Any],
) -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        before, passes = len(server.seen), len(core.meter.passes)
        server.put(made)
        server.delete("NetworkPolicy", made["metadata"]["namespace"], made["metadata"]["name"])
        await core.quiet(5)
        assert written(server, before) == []
        assert len(core.meter.passes) == passes
        assert len(core.world.strangers) == 0

    under_operator(tell, workflow())


def test_a_policy_about_what_only_other_workloads_have_makes_no_write() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        before = len(server.seen)
        server.put(policy("of-jobs", SPACE, {"matchExpressions": [EXISTS_JOB]}))
        await core.until(lambda: len(core.world.strangers))
        await core.quiet()
        assert written(server, before) == []
        assert is_ready(server)

    under_operator(tell, workflow())


def test_what_others_change_of_a_policy_without_opening_more_makes_no_pass_and_no_write() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(workflow())
        server.put(policy("allow-all", SPACE))
        await core.until(lambda: is_opened(server))
        await core.quiet()
        before, passes = len(server.seen), len(core.meter.passes)
        server.edit("NetworkPolicy", SPACE, "allow-all", lambda obj: label(obj, "team", "x"))
        edit(server, "allow-all", ingress=[{"ports": [{"port": 80}]}, {}])
        await core.quiet(5)
        assert written(server, before) == []
        assert len(core.meter.passes) == passes

    under_operator(tell)


def test_a_restart_tells_the_same_and_writes_nothing() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            server.put(policy("allow-all", SPACE))
            await core.until(lambda: is_opened(server))
            await core.quiet()
        before = len(server.seen)
        async with Core(server) as core:
            await core.quiet(5)
            assert core.meter.passes
            assert written(server, before) == []
            assert [name for _, name in core.world.strangers.names()] == ["allow-all"]

    story(tell)


def test_what_happened_while_no_operator_ran_is_told_at_its_start() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        server.put(policy("allow-all", SPACE))
        async with Core(server) as core:
            await core.until(lambda: is_opened(server))
        server.delete("NetworkPolicy", SPACE, "allow-all")
        async with Core(server) as core:
            await core.ready()

    story(tell)


def test_a_policy_that_went_unseen_is_missed_in_the_next_list() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(workflow())
        server.put(policy("allow-all", SPACE))
        await core.until(lambda: is_opened(server))
        server.drop_watches("NetworkPolicy")
        server.delete("NetworkPolicy", SPACE, "allow-all")
        server.compact()
        await core.ready()
        assert len(core.world.strangers) == 0

    under_operator(tell)


def test_a_standby_that_takes_over_tells_of_it() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
        leads = False
        async with Core(server, leads=lambda: leads) as core:
            server.put(policy("allow-all", SPACE))
            await core.until(lambda: len(core.world.strangers))
            core.world.drop_contents()
            leads = True
            await core.take_over()
            await core.until(lambda: is_opened(server))

    story(tell)


def test_a_workflow_that_comes_after_the_policy_is_told_to_be_open() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(policy("allow-all", SPACE))
        await core.until(lambda: len(core.world.strangers))
        server.put(workflow())
        await core.until(lambda: is_opened(server))
        assert server.get("Deployment", SPACE, "router") is not None

    under_operator(tell)


def test_an_open_network_holds_nothing_else_up() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(policy("allow-all", SPACE))
        server.put(workflow())
        await core.until(lambda: is_opened(server))
        await core.quiet()
        server.delete("NetworkPolicy", SPACE, "router-deny")
        await core.until(lambda: server.get("NetworkPolicy", SPACE, "router-deny"))
        changed = workflow(criticality="High")
        server.put(changed)
        await core.until(lambda: _generation_told(server) == 2)
        assert is_opened(server)
        assert condition(server, "WorkloadAvailable")["status"] == "True"

    under_operator(tell)


def test_a_spec_that_is_refused_hides_no_open_network() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(cron_job("router"))
        await core.until(lambda: is_ready(server))
        server.put(policy("allow-all", SPACE))
        server.put(cron_job("router", schedule="0 0 30 2 *"))
        await core.until(lambda: condition(server, "Ready")["reason"] == "SpecInvalid")
        await core.until(lambda: is_opened(server))
        assert condition(server, "Stalled")["reason"] == "SpecInvalid"

    under_operator(tell)


def test_mode_audit_tells_of_it_too() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(workflow(mode="Audit"))
        await core.until(lambda: condition(server, "Ready")["reason"] == "AuditMode")
        server.put(policy("allow-all", SPACE, **TO_ALL))
        await core.until(lambda: is_opened(server))
        assert condition(server, "Stalled")["reason"] == OPENED

    under_operator(tell, workflow())


def test_a_quarantine_that_others_open_is_told() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.edit(KIND, SPACE, "router", lambda obj: annotate(obj, _QUARANTINE, "SEC-1"))
        await core.until(lambda: told(server) == ("True", "Quarantined"))
        server.put(policy("allow-all", SPACE, **TO_ALL))
        await core.until(lambda: is_opened(server))
        ready = condition(server, "Ready")
        assert ready["reason"] == "Quarantined"
        assert "allow-all (egress)" in ready["message"]
        server.delete("NetworkPolicy", SPACE, "allow-all")
        await core.until(lambda: told(server) == ("True", "Quarantined"))
        assert "allow-all" not in condition(server, "Ready")["message"]

    under_operator(tell, workflow())


def test_who_takes_the_place_of_a_removed_policy_is_told() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.edit(KIND, SPACE, "router", lambda obj: annotate(obj, _QUARANTINE, ""))
        await core.until(lambda: server.get("NetworkPolicy", SPACE, "router-allow") is None)
        await core.quiet()
        server.put(policy("router-allow", SPACE, of("router")))
        await core.until(lambda: is_opened(server))
        assert server.get("NetworkPolicy", SPACE, "router-allow") is not None

    under_operator(tell, workflow())


def test_a_spec_changed_in_a_quarantine_does_not_hide_who_opens_the_pods_that_were_kept() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.edit(KIND, SPACE, "router", lambda obj: annotate(obj, _QUARANTINE, ""))
        await core.until(lambda: told(server) == ("True", "Quarantined"))
        server.edit(KIND, SPACE, "router", _declassify)
        server.put(policy("by-class", SPACE, {"matchLabels": {CLASS: "PHI"}}))
        await core.until(lambda: is_opened(server))

    under_operator(tell, workflow())


def test_edits_of_a_workflows_own_policies_are_no_doing_of_strangers() -> None:
    def widen(obj: dict[str, Any]) -> None:
        obj["spec"].update(podSelector=EVERYBODY)
        obj["metadata"].pop("ownerReferences")

    async def tell(server: ApiServer, core: Core) -> None:
        server.edit("NetworkPolicy", SPACE, "router-allow", widen)
        await core.until(lambda: status_of(server).get("drift"))
        await core.ready()
        reasons = [one["reason"] for one in server.objects("Event")]
        assert reasons == ["DriftRepaired"]
        assert len(core.world.strangers) == 0

    under_operator(tell, workflow())


def test_policies_of_others_are_kept_as_little_as_they_say() -> None:
    async def tell(server: ApiServer, core: Core) -> None:
        server.put(policy("allow-all", SPACE))
        server.put(policy("closing", SPACE, policyTypes=["Ingress"]))
        await core.until(lambda: is_opened(server))
        assert list(core.world.strangers.names()) == [(SPACE, "allow-all")]
        assert all(ref.name != "allow-all" for ref in core.world.children(Key(SPACE, "router")))

    under_operator(tell, workflow("router"), workflow("intake"))


_QUARANTINE = "wardkeeper.io/quarantine"


def _look_again(obj: dict[str, Any]) -> None:
    annotate(obj, "wardkeeper.io/reconcile-at", "now")


def _declassify(obj: dict[str, Any]) -> None:
    obj["spec"]["phi"]["classification"] = "None"


def _generation_told(server: ApiServer) -> int:
    return int(condition(server, "NetworkClosed").get("observedGeneration", 0))
