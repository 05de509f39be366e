# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One story, told once for each thing that can go wrong at each of its requests.

However it is disturbed, it must end as the undisturbed one does, with no write to any object but
those of the undisturbed story and one more try for each fault.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.apiserver.faults import (
    DropWatch,
    DuplicateEvents,
    Refuse,
    Reset,
    Silence,
    StallWatch,
)
from tests.component.operator_fixture import (
    SPACE,
    Core,
    annotate,
    condition,
    is_ready,
    status_of,
    story,
    writes,
)
from tests.component.workflows import CHILDREN, workflow
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.call import ApiCall
    from tests.component.apiserver.faults import Fault
    from tests.component.apiserver.server import ApiServer

    Match = Callable[[ApiCall], bool]

Target = tuple[str, str, str]
"""Verb, kind with subresource, name."""

WRITES: list[Target] = [
    *(("apply", kind, name) for kind, name in CHILDREN),
    ("patch", f"{KIND}/status", "router"),
    ("patch", "Deployment", "router"),
    ("delete", "Role", "router"),
    ("delete", "RoleBinding", "router"),
]
REFUSALS = [
    Refuse(409),
    Refuse(422),
    Refuse(429, retry_after=2),
    Refuse(500),
    Refuse(503),
    Refuse(503, retry_after=2),
]
BREAKS = [Reset(), Reset(committed=True), Silence(), Silence(committed=True)]
STREAMS = [
    Refuse(410),
    Refuse(429, retry_after=2),
    Refuse(500),
    Reset(),
    DropWatch(),
    DropWatch(1),
    StallWatch(),
    StallWatch(1),
    DuplicateEvents(),
]
FOLLOWED = (KIND, "Deployment", "Role", "NetworkPolicy")


@dataclass
class Ending:
    """What a story led to.

    Attributes:
        objects: every child, without what differs from run to run.
        conditions: type, status and reason of each condition.
        writes: how often each object was written to, or tried to.
        drift: how many repairs were told.
    """

    objects: dict[str, Any]
    conditions: set[tuple[str, str, str]]
    writes: Counter[Target]
    drift: int


def tell_it(fault: Fault | None, match: Match | None, times: int = 1) -> Ending:
    """Create, edit twice, change the spec; with a fault at the requests that match."""
    endings: list[Ending] = []

    async def tell(server: ApiServer) -> None:
        if fault and match:
            server.faults.next(match=match, fault=fault, times=times)
        async with Core(server) as core:
            server.put(workflow())
            await _ready(core, 1)
            server.edit("Deployment", SPACE, "router", _add_sidecar)
            server.edit("Role", SPACE, "router", lambda obj: obj["rules"].clear())
            await core.until(lambda: not _edited(server))
            await _ready(core, 1)
            server.put(workflow(access={}))
            await _ready(core, 2)
            assert not server.faults.pending or times > 1
            endings.append(_ending(server))

    story(tell)
    return endings[0]


@cache
def undisturbed() -> Ending:
    """The story as it should be."""
    return tell_it(None, None)


@pytest.mark.parametrize("fault", [*REFUSALS, *BREAKS], ids=str)
@pytest.mark.parametrize("target", WRITES, ids=str)
def test_a_write_that_goes_wrong_is_made_up_for(target: Target, fault: Fault) -> None:
    ending = tell_it(fault, lambda call: _target(call) == target)
    good = undisturbed()
    assert ending.objects == good.objects
    assert ending.conditions == good.conditions
    assert ending.drift <= good.drift
    for written, count in (ending.writes - good.writes).items():
        allowed = 4 if written[1] == f"{KIND}/status" else 1
        assert count <= allowed, written
        assert written == target or written[1] == f"{KIND}/status" or written[0] == "apply"


@pytest.mark.parametrize("fault", STREAMS, ids=str)
@pytest.mark.parametrize("kind", FOLLOWED)
def test_a_watch_that_goes_wrong_costs_no_write(kind: str, fault: Fault) -> None:
    ending = tell_it(fault, lambda call: (call.verb, call.kind.name) == ("watch", kind))
    good = undisturbed()
    assert ending.objects == good.objects
    assert ending.conditions == good.conditions
    more = ending.writes - good.writes
    assert {written[1] for written in more} <= {f"{KIND}/status"}


@pytest.mark.parametrize(
    "fault", [Refuse(410), Refuse(429, retry_after=2), Refuse(500), *BREAKS[:3:2]]
)
@pytest.mark.parametrize("kind", FOLLOWED)
def test_a_list_that_goes_wrong_costs_no_write(kind: str, fault: Fault) -> None:
    ending = tell_it(fault, lambda call: (call.verb, call.kind.name) == ("list", kind))
    assert ending == undisturbed()


def test_events_that_all_come_twice_change_nothing() -> None:
    ending = tell_it(DuplicateEvents(), lambda call: call.verb == "watch", times=1000)
    assert ending == undisturbed()


def test_a_server_that_is_away_for_a_while_is_waited_for() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            server.faults.next(fault=Refuse(500), times=10**6)
            server.drop_watches()
            server.edit("Deployment", SPACE, "router", _add_sidecar)
            server.delete("NetworkPolicy", SPACE, "router-deny")
            await core.pass_time(100)
            assert 0 < len(server.seen) - before < 200
            server.faults.clear()
            await core.until(lambda: server.get("NetworkPolicy", SPACE, "router-deny"))
            await core.until(lambda: not _edited(server))
            await core.ready()
            committed = [one for one in writes(server, before) if one.code < 300]
            kinds = Counter(one.call.kind.name for one in committed)
            assert kinds["Deployment"] == 1
            assert kinds["NetworkPolicy"] == 1

    story(tell)


@pytest.mark.parametrize("code", [409, 500, 503])
def test_a_refusal_that_lasts_is_retried_ever_less_often(code: int) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            match = _is("apply", "NetworkPolicy", "router-deny")
            server.faults.next(match=match, fault=Refuse(code), times=10**6)
            server.put(workflow())
            await core.pass_time(600)
            tries = [one for one in writes(server) if match(one.call)]
            assert 8 <= len(tries) <= 13
            assert server.get("Deployment", SPACE, "router") is None
            assert condition(server, "Reconciling")["reason"] == "ApiUnavailable"
            assert condition(server, "NetworkClosed")["status"] != "True"
            statuses = [one for one in writes(server) if one.call.subresource == "status"]
            assert len(statuses) == 1

    story(tell)


@pytest.mark.parametrize(
    ("code", "message", "reason", "kind"),
    [
        (
            403,
            'roles.rbac.authorization.k8s.io "router" is forbidden: user "w" (groups=[]) is '
            "attempting to grant RBAC permissions not currently held",
            "AccessRefused",
            "Role",
        ),
        (403, "exceeded quota: small, requested: services=1", "QuotaExceeded", "Service"),
        (403, 'admission webhook "x.example.org" denied the request: no', "WriteRefused", "Role"),
        (400, 'admission webhook "x.example.org" denied the request: no', "WriteRefused", "Role"),
        (422, "spec.template: Invalid value", "SpecInvalid", "Deployment"),
    ],
)
def test_a_refusal_reaches_the_user_in_the_words_of_the_server(
    code: int, message: str, reason: str, kind: str
) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            match = _is("apply", kind, "router")
            server.faults.next(match=match, fault=Refuse(code, message=message), times=10**6)
            server.put(workflow())
            await core.until(lambda: condition(server, "Ready"))
            await core.quiet()
            ready = condition(server, "Ready")
            assert (ready["status"], ready["reason"]) == ("False", reason)
            assert message in ready["message"]
            (event,) = server.objects("Event")
            assert event["reason"] == reason
            assert message in event["note"]
            server.faults.clear()
            server.edit(
                KIND, SPACE, "router", lambda o: annotate(o, "wardkeeper.io/reconcile-at", "1")
            )
            await core.ready()

    story(tell)


def _is(*target: str) -> Match:
    return lambda call: _target(call) == target


def _target(call: ApiCall) -> Target:
    kind = "/".join(filter(None, (call.kind.name, call.subresource)))
    return call.verb, kind, call.name


async def _ready(core: Core, generation: int) -> None:
    """Wait until Ready; a refusal that Kubernetes would mean for good is asked about again."""
    server = core.server

    def done() -> bool:
        found = server.get(KIND, SPACE, "router")
        assert found is not None
        if condition(server, "Stalled") and not core.queue.active:
            asked = str(len(server.seen))
            server.edit(
                KIND, SPACE, "router", lambda o: annotate(o, "wardkeeper.io/reconcile-at", asked)
            )
        return is_ready(server) and status_of(server)["observedGeneration"] == generation

    await core.until(done)
    await core.quiet(1)


def _ending(server: ApiServer) -> Ending:
    names = [*CHILDREN, ("Secret", "router")]
    conditions = status_of(server)["conditions"]
    return Ending(
        objects={f"{kind} {name}": _content(server, kind, name) for kind, name in names},
        conditions={(one["type"], one["status"], one["reason"]) for one in conditions},
        writes=Counter(_target(one.call) for one in writes(server)),
        drift=status_of(server).get("drift", {}).get("repaired", 0),
    )


def _content(server: ApiServer, kind: str, name: str) -> dict[str, Any] | None:
    found = server.get(kind, SPACE, name)
    if found is None:
        return None
    return {**found, "metadata": found["metadata"]["labels"], "status": None}


def _add_sidecar(deployment: dict[str, Any]) -> None:
    containers = deployment["spec"]["template"]["spec"]["containers"]
    containers.insert(0, {"name": "eve", "image": "eve"})


def _edited(server: ApiServer) -> bool:
    deployment, role = (server.get(kind, SPACE, "router") for kind in ("Deployment", "Role"))
    assert deployment is not None
    assert role is not None
    return len(deployment["spec"]["template"]["spec"]["containers"]) > 1 or not role["rules"]
