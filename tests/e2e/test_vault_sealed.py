# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""OpenBao is sealed under two hundred workflows: for less than their tokens last, then for more.

Both stories are played once, on a stage of their own where tokens last a minute and a half; each
test holds one sentence against what was seen. What Vault was asked is counted by a proxy, what it
made and when is told by itself.
"""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.installation import NAMESPACE, Installation
from tests.cluster.waiting import until
from tests.component.workflows import cron_job, secret, small
from tests.e2e.stage import Stage
from tests.e2e.stories import condition_of, fresh_place, is_ready
from tests.faults.kinds import kind_of
from tests.faults.vault_proxy import VaultProxy
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.stage import Obj
    from tests.e2e.stories import Place
    from tests.faults.listening import Call

pytestmark = pytest.mark.timeout(600)

PERIOD = timedelta(seconds=90)
"""As short as a busy machine can renew the tokens of all in time."""

WORKERS = 4
PODS = [f"service-{index}" for index in range(20)]
CALM = [f"calm-{index}" for index in range(150)]
DUE = [f"due-{index}" for index in range(30)]
HOURS = [(7 * index) % len(DUE) + 1 for index in range(len(DUE))]
"""After how many hours each of the due ones is overdue: in another order than they are made in."""

MOST_PROBES = 40
WRITES_PER_SECOND = 100
"""What the settings say when they say nothing."""

BURST = 20
"""What may be sent at once after a time without requests, and those under way then."""

LOGIN = ("POST", "auth/kubernetes/login")
RENEWAL = ("POST", "auth/token/renew-self")


class Watched(VaultProxy):
    """A proxy that knows when it was asked what."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.asked: list[tuple[float, str, str]] = []

    def serve(self, call: Call) -> None:
        path = call.path.partition("?")[0].removeprefix("/v1/")
        self.asked.append((time.monotonic(), call.command, kind_of(path)))
        super().serve(call)

    def kinds(self, since: float, until: float = float("inf")) -> Counter[tuple[str, str]]:
        """How often it was asked what, between two times."""
        asked = tuple(self.asked)
        return Counter((verb, kind) for at, verb, kind in asked if since <= at < until)


@dataclass
class Standing:
    """What pods read, and the pods' uids, at one time."""

    values: dict[str, Obj]
    pods: dict[str, str]


@dataclass
class Fleet:
    """Many workflows with one secret each."""

    place: Place
    proxy: Watched
    names: list[str] = field(default_factory=list)

    def create(self, *made: Obj) -> None:
        """Create them and wait until all of the fleet are Ready."""
        self.names += [one["metadata"]["name"] for one in made]
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(self.place.create, made))
        self.until_all(is_ready, "all are Ready")

    def workflows(self) -> dict[str, Obj]:
        return {one["metadata"]["name"]: one for one in self.place.items(KIND)}

    def until_all(self, told: Callable[[Obj], bool], what: str, *, seconds: float = 120) -> None:
        """Wait until this holds for every workflow."""

        def look() -> bool:
            found = self.workflows()
            return set(self.names) <= set(found) and all(map(told, found.values()))

        until(look, what, seconds=seconds, pause=0.5)

    def tokens_end(self) -> list[datetime]:
        """When the kept token of each workflow ends if nobody renews it."""
        items = self.place.stage.send("GET", CREDENTIAL_KIND, NAMESPACE)["items"]
        entries = [one for one in items if one["spec"]["engine"] == "Token"]
        told = (one.get("status", {}).get("expiresAt") for one in entries)
        return [datetime.fromisoformat(at) for at in told if at]

    def versions(self) -> dict[str, list[datetime]]:
        """When OpenBao was given each version of each secret."""
        bao = self.place.stage.cluster.openbao

        def made(name: str) -> list[datetime]:
            path = f"secret/metadata/hw/{self.place.namespace}/{name}/db"
            versions = bao.api("GET", path)["data"]["versions"]
            times = [datetime.fromisoformat(one["created_time"]) for one in versions.values()]
            return sorted(times)

        return {name: made(name) for name in self.names}

    def standing(self) -> Standing:
        """What pods read, and the pods."""
        secrets, pods = self.place.items("Secret"), self.place.items("Pod")
        return Standing(
            {one["metadata"]["name"]: one["data"] for one in secrets},
            {one["metadata"]["name"]: one["metadata"]["uid"] for one in pods},
        )


@dataclass
class Outage:
    """What was seen around one outage; times are monotonic."""

    before: Standing
    sealed: float
    during: Standing
    workflows: dict[str, Obj]
    unsealed: float
    ended: float
    after: Standing
    versions: dict[str, list[datetime]]


@dataclass
class Seen:
    """Both outages, and who waited for a renewal at the end of the short one."""

    proxy: Watched
    unrenewed: int
    short: Outage
    long: Outage


@pytest.fixture(scope="module")
def seen() -> Iterator[Seen]:
    """Both outages, one after the other."""
    with (
        Cluster("simulated", openbao=True) as cluster,
        Watched(cluster.openbao.address) as proxy,
        Installation(
            cluster,
            settings={
                "vault": {"address": proxy.address, "tokenPeriod": f"{PERIOD.seconds}s"},
                "concurrency": {"workers": WORKERS},
            },
        ) as operator,
    ):
        stage = Stage(cluster, operator)
        with stage.session, fresh_place(stage) as place:
            fleet = Fleet(place, proxy)
            unrenewed, short = short_outage(fleet)
            yield Seen(proxy, unrenewed, short, long_outage(fleet))


def short_outage(fleet: Fleet) -> tuple[int, Outage]:
    """Sealed while some of the tokens come to the time of their renewal, and none to its end."""
    fleet.create(
        *(small(name, secrets=[secret()]) for name in PODS),
        *(cron_job(name, secrets=[secret()]) for name in CALM),
    )
    proxy, bao = fleet.proxy, fleet.place.stage.cluster.openbao
    half = len(fleet.names) / 2
    until(lambda: proxy.kinds(0)[RENEWAL] > half, "tokens are renewed", seconds=PERIOD.seconds)
    before, sealed = fleet.standing(), time.monotonic()
    bao.seal()
    until(lambda: time.monotonic() > sealed + PERIOD.seconds / 12, "a short while is over")
    during, workflows = fleet.standing(), fleet.workflows()
    late = datetime.now(UTC) + PERIOD / 2
    unrenewed = sum(one < late for one in fleet.tokens_end())
    unsealed = time.monotonic()
    bao.unseal()
    until(
        lambda: min(fleet.tokens_end()) > late, "all are renewed", seconds=PERIOD.seconds, pause=0.5
    )
    fleet.until_all(is_ready, "all are Ready")
    times = (unsealed, time.monotonic())
    outage = Outage(before, sealed, during, workflows, *times, fleet.standing(), fleet.versions())
    return unrenewed, outage


def long_outage(fleet: Fleet) -> Outage:
    """Sealed until no token is left, while everybody comes to want something."""
    fleet.create(
        *(
            cron_job(name, secrets=[secret(every="60s", maxAge=f"{hours}h")])
            for name, hours in zip(DUE, HOURS, strict=True)
        )
    )
    bao = fleet.place.stage.cluster.openbao
    before, sealed = fleet.standing(), time.monotonic()
    bao.seal()
    for name in (*PODS, *CALM):
        fleet.place.annotate(name, rotate_now="db")
    fleet.until_all(waits_for_vault, "all wait for Vault")
    last = max(fleet.tokens_end())
    until(lambda: datetime.now(UTC) > last, "no token lives any more", seconds=PERIOD.seconds + 30)
    during, workflows, unsealed = fleet.standing(), fleet.workflows(), time.monotonic()
    bao.unseal()
    fleet.until_all(is_ready, "all are Ready again", seconds=180)
    times = (unsealed, time.monotonic())
    return Outage(before, sealed, during, workflows, *times, fleet.standing(), fleet.versions())


def waits_for_vault(workflow: Obj) -> bool:
    """Whether a workflow says that Vault is away."""
    return bool(condition_of(workflow, "SecretsCurrent").get("reason") == "VaultUnavailable")


def test_an_outage_changes_neither_what_is_delivered_nor_the_pods(seen: Seen) -> None:
    for outage in (seen.short, seen.long):
        assert outage.during == outage.before
    assert len(seen.short.before.values) == len(PODS) + len(CALM)
    assert len(seen.short.before.pods) == len(PODS)
    assert seen.short.after == seen.short.before


def test_what_needs_nothing_stays_ready_and_what_waits_says_what_for(seen: Seen) -> None:
    assert all(is_ready(one) for one in seen.short.workflows.values())
    for one in seen.long.workflows.values():
        told = condition_of(one, "Ready")
        assert (told["status"], told["reason"]) == ("False", "VaultUnavailable")
        assert "unseal it" in told["message"]
        assert "what is delivered stays in use" in told["message"]


def test_while_it_is_sealed_one_request_now_and_then_asks_for_all(seen: Seen) -> None:
    assert seen.proxy.kinds(seen.long.sealed, seen.long.unsealed).total() < MOST_PROBES


def test_after_a_short_outage_tokens_are_renewed_and_nobody_logs_in(seen: Seen) -> None:
    assert seen.unrenewed
    asked = seen.proxy.kinds(seen.short.sealed, seen.short.ended)
    assert asked[RENEWAL] >= seen.unrenewed
    assert asked[LOGIN] == 0
    assert all(len(times) == 1 for times in seen.short.versions.values())


def test_after_a_long_outage_each_workflow_logs_in_once(seen: Seen) -> None:
    assert seen.proxy.kinds(seen.long.unsealed, seen.long.ended)[LOGIN] == len(seen.long.versions)


def test_after_a_long_outage_each_secret_is_replaced_once(seen: Seen) -> None:
    assert len(seen.long.versions) == len(PODS) + len(CALM) + len(DUE)
    for name, times in seen.long.versions.items():
        gaps = [later - sooner for sooner, later in pairwise(times)]
        assert gaps, f"{name} was not replaced"
        if name in DUE:  # which come to their time again after a minute
            assert all(gap > timedelta(seconds=50) for gap in gaps)
        else:
            assert len(gaps) == 1
    assert seen.long.after.values.keys() == seen.long.before.values.keys()
    assert not [
        name
        for name, values in seen.long.after.values.items()
        if values == seen.long.before.values[name]
    ]


def test_the_nearest_deadline_is_served_first(seen: Seen) -> None:
    replaced = {name: times[1] for name, times in seen.long.versions.items()}
    served = sorted(replaced, key=replaced.__getitem__)
    wanted = sorted(DUE, key=dict(zip(DUE, HOURS, strict=True)).__getitem__)
    for place, name in enumerate(wanted):  # but for those under way, and who found out
        assert abs(served.index(name) - place) <= 3 * WORKERS, served


def test_after_an_outage_requests_begin_slowly(seen: Seen) -> None:
    proxy, unsealed = seen.proxy, seen.long.unsealed
    back = min(at for at, _, kind in proxy.asked if at > unsealed and kind == "sys/health")
    first = proxy.kinds(back, back + 5)
    changes = sum(count for (verb, _), count in first.items() if verb != "GET")
    assert changes <= 5 * WRITES_PER_SECOND / 10 + BURST
