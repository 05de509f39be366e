# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What ran before a spec was refused: that it is looked after, and that nothing else is run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.component.apiserver.faults import Refuse
from tests.component.operator_fixture import (
    SPACE,
    Core,
    condition,
    is_ready,
    status_of,
    story,
    written,
)
from tests.component.workflows import SCHEDULE, container, cron_job, secret, small, workflow
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.component.apiserver.call import ApiCall
    from tests.component.apiserver.server import ApiServer

NAME = "export"
REVISION = "ControllerRevision"


def refused(made: dict[str, Any]) -> dict[str, Any]:
    """The same with a mistake that only the operator sees."""
    window = {"timeZone": "Mars/Olympus_Mons", "days": ["Mon"], "from": "01:00", "to": "02:00"}
    wrong = secret()
    wrong["rotation"]["windows"] = [window]
    made["spec"]["secrets"] = [wrong]
    return made


async def until_refused(core: Core, server: ApiServer, name: str = NAME) -> None:
    """Wait until the spec that a workflow has is refused, and all is quiet."""

    def told() -> bool:
        found = server.get(KIND, SPACE, name)
        assert found is not None
        ready = condition(server, "Ready", name)
        current = ready.get("observedGeneration") == found["metadata"]["generation"]
        return bool(current and ready["reason"] == "SpecInvalid")

    await core.until(told)
    await core.quiet()


def schedule(server: ApiServer) -> str:
    """When the CronJob runs."""
    found = server.get("CronJob", SPACE, NAME)
    assert found is not None
    return str(found["spec"]["schedule"])


def test_what_a_predecessor_of_the_same_name_ran_is_not_run() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(cron_job(NAME))
            await core.ready(NAME)
            server.delete(KIND, SPACE, NAME)
            server.put(refused(cron_job(NAME)))
            await until_refused(core, server)
            await core.quiet(5)
            assert server.get("CronJob", SPACE, NAME) is None
            assert "revision" not in status_of(server, NAME) or not status_of(server, NAME)[
                "revision"
            ].get("running")

    story(tell)


def test_the_spec_that_is_kept_is_the_last_one_and_not_one_that_could_not_be_dropped() -> None:
    def drops(call: ApiCall) -> bool:
        return (call.verb, call.kind.name) == ("delete", REVISION)

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(cron_job(NAME, schedule="1 1 1 1 *"))
            await core.ready(NAME)
            server.put(refused(cron_job(NAME, schedule="1 1 1 1 *")))
            await until_refused(core, server)
        async with Core(server) as core:
            server.faults.next(match=drops, fault=Refuse(500), times=1000)
            server.put(cron_job(NAME, schedule="2 2 2 2 *"))
            await core.until(lambda: schedule(server) == "2 2 2 2 *")
            await core.until(lambda: "pending" not in status_of(server, NAME)["revision"])
        server.faults.clear()
        async with Core(server) as core:
            await core.ready(NAME)
            server.put(refused(cron_job(NAME, schedule="3 3 3 3 *")))
            await until_refused(core, server)
        async with Core(server) as core:
            server.delete("NetworkPolicy", SPACE, f"{NAME}-deny")
            await core.until(lambda: server.get("NetworkPolicy", SPACE, f"{NAME}-deny"))
            await core.quiet(5)
            assert schedule(server) == "2 2 2 2 *"

    story(tell)


def test_a_kept_spec_that_is_refused_by_now_leaves_everything_as_it_is() -> None:
    """An operator of an earlier version took it."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(cron_job(NAME))
            await core.ready(NAME)
            server.put(refused(cron_job(NAME)))
            await until_refused(core, server)
        kept = refused(cron_job(NAME))["spec"]
        found = server.objects(REVISION)[0]["metadata"]["name"]
        server.edit(REVISION, SPACE, found, lambda obj: obj["data"].update(spec=kept))
        async with Core(server) as core:
            await core.quiet(60)
            assert core.meter.passes == ["terminal"]
            assert schedule(server) == SCHEDULE

    story(tell)


def test_what_runs_is_looked_after_in_time_while_a_newer_spec_is_refused() -> None:
    mounts = container(configMaps=[{"name": "routes", "path": "/etc/routes"}])
    workload = {"kind": "Deployment", "replicas": 1, "containers": [mounts]}

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(small(NAME, workload=workload))
            await core.until(lambda: condition(server, "Ready", NAME).get("reason"))
            server.put(refused(small(NAME, workload=workload)))
            await until_refused(core, server)
            before = server.count("get", "ConfigMap")
            await core.pass_time(120)
            assert server.count("get", "ConfigMap") >= before + 7

    story(tell, rolling_out=False)


def test_peers_of_what_runs_are_followed_while_a_newer_spec_is_refused() -> None:
    archive = {"name": "archive", "kind": "TCP", "workflow": {"name": "archive"}, "port": 2575}

    async def tell(server: ApiServer) -> None:
        def opened() -> bool:
            policy = server.get("NetworkPolicy", SPACE, f"{NAME}-allow")
            return "2575" in str(policy)

        async with Core(server) as core:
            server.put(small("archive"))
            server.put(cron_job(NAME, endpoints=[archive]))
            await core.ready(NAME)
            assert opened()
            server.put(refused(cron_job(NAME)))
            await until_refused(core, server)
            assert opened()
            server.delete(KIND, SPACE, "archive")
            await core.until(lambda: not opened())
            server.put(small("archive"))
            await core.until(opened)
            server.put(cron_job(NAME))
            await core.until(lambda: is_ready(server, NAME))
            assert not opened()

    story(tell)


def test_nothing_is_written_in_mode_audit_though_the_spec_is_refused() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow(NAME))
            await core.ready(NAME)
            server.put(workflow(NAME, mode="Audit"))
            await core.ready(NAME)
            server.edit("Role", SPACE, NAME, lambda obj: obj["rules"].clear())
            await core.until(lambda: condition(server, "Ready", NAME)["reason"] == "WouldChange")
            before = len(server.seen)
            server.put(refused(workflow(NAME, mode="Audit")))
            await until_refused(core, server)
            assert {kind for _, kind, _ in written(server, before)} == {f"{KIND}/status"}
            server.put(workflow(NAME))
            await core.ready(NAME)
            role = server.get("Role", SPACE, NAME)
            assert role is not None
            assert role["rules"]

    story(tell)


def test_a_refused_spec_that_was_never_preceded_makes_nothing() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(refused(workflow(NAME)))
            await until_refused(core, server)
            assert server.get("Deployment", SPACE, NAME) is None
            assert server.get("ServiceAccount", SPACE, NAME) is None

    story(tell)


READ = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
READ["resourceNames"] = ["routes"]
NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}
ARCHIVE = {"name": "archive", "kind": "TCP", "workflow": {"name": "archive"}, "port": 2575}


def too_much(call: ApiCall) -> bool:
    """Whether the operator asks for a Role that it may not pass on."""
    return (call.verb, call.kind.name) == ("apply", "Role") and "nodes" in str(call.body)


def grants_little(server: ApiServer) -> None:
    """Have the server refuse such Roles, as Kubernetes does."""
    words = 'user "w" is attempting to grant RBAC permissions not currently held'
    server.faults.next(match=too_much, fault=Refuse(403, message=words), times=10**6)


def test_of_a_spec_whose_rights_are_refused_nothing_is_carried_out() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            grants_little(server)
            server.put(small("archive"))
            server.put(cron_job(NAME, access={"rules": [READ]}))
            await core.ready(NAME)
            before, place = len(server.seen), f"{NAME}-allow"
            policy = server.get("NetworkPolicy", SPACE, place)
            wanted = {"access": {"rules": [NODES]}, "endpoints": [ARCHIVE]}
            server.put(cron_job(NAME, schedule="1 1 1 1 *", **wanted))
            await core.until(lambda: condition(server, "Ready", NAME)["reason"] == "AccessRefused")
            await core.quiet(5)
            told = {kind for _, kind, name in written(server, before) if name == NAME}
            assert told <= {f"{KIND}/status", "Role"}
            assert server.get("NetworkPolicy", SPACE, place) == policy
            assert schedule(server) == SCHEDULE
            ready = condition(server, "Ready", NAME)
            assert ready["message"].endswith("; what ran before keeps running")
            assert condition(server, "Stalled", NAME)["reason"] == "AccessRefused"

    story(tell)


def test_what_runs_is_repaired_while_the_rights_of_a_newer_spec_are_refused() -> None:
    async def tell(server: ApiServer) -> None:
        grants_little(server)
        async with Core(server) as core:
            server.put(cron_job(NAME, access={"rules": [READ]}))
            await core.ready(NAME)
            server.put(cron_job(NAME, access={"rules": [NODES]}))
            await core.until(lambda: condition(server, "Ready", NAME)["reason"] == "AccessRefused")
            await core.quiet(5)
        async with Core(server) as core:
            await core.quiet(5)
            server.edit("Role", SPACE, NAME, lambda obj: obj["rules"].clear())
            server.delete("NetworkPolicy", SPACE, f"{NAME}-deny")
            await core.until(lambda: server.get("NetworkPolicy", SPACE, f"{NAME}-deny"))
            await core.until(lambda: (server.get("Role", SPACE, NAME) or {}).get("rules") == [READ])
            await core.quiet(5)
            before = len(server.seen)
            await core.quiet(5)
            assert not written(server, before)
            server.put(cron_job(NAME, schedule="1 1 1 1 *", access={"rules": [READ]}))
            await core.until(lambda: is_ready(server, NAME))
            assert schedule(server) == "1 1 1 1 *"
            assert not server.objects(REVISION)

    story(tell)
