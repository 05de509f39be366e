# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The running operator is killed at every write of a rotation, before it and after it.

Whatever was under way, the next process brings it to its end: one credential lives, what is
delivered works all the time, and the workload is rolled out once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.waiting import until
from tests.e2e.crashing import (
    ALTERNATING,
    CERTIFICATE,
    DYNAMIC,
    GENERATED,
    NAMES,
    Theatre,
    open_theatre,
)
from tests.faults.stops import STATUS, Point, Side
from wardkeeper.proof.certificate import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.e2e.crashing import Values

INTENT = "POST issuedcredentials"
KEEP = "POST secret/data/hw/*"
NOTE = "PATCH issuedcredentials/status"
PUBLISH = "PATCH secrets"
ROLL = "PATCH deployments"
DESTROY = "POST secret/destroy/hw/*"
CLOSE = ("DELETE issuedcredentials", "PATCH issuedcredentials")
ACCEPT = (NOTE, PUBLISH, ROLL, STATUS, NOTE, NOTE)
"""It is noted what was made, that is delivered and taken up, then both entries are noted."""

CHANGE = "POST database/rotate-role/*"
WRITES: Mapping[str, tuple[str, ...]] = {
    GENERATED: (INTENT, KEEP, *ACCEPT, DESTROY, *CLOSE),
    DYNAMIC: (
        *(INTENT, "GET database/creds/*", KEEP, *ACCEPT),
        *("PUT sys/leases/revoke/*", DESTROY, *CLOSE),
    ),
    ALTERNATING: (INTENT, CHANGE, KEEP, *ACCEPT, CHANGE, DESTROY, *CLOSE),
    CERTIFICATE: (
        *(INTENT, KEEP, "POST pki/sign/hw-mtls", KEEP, DESTROY, *ACCEPT),
        *("POST pki/revoke-with-key", DESTROY, *CLOSE),
    ),
}
"""Every write of a rotation, in its order."""

LONGEST = max(map(len, WRITES.values()))


def points(name: str) -> list[Point]:
    """The writes of a workflow's rotation, told apart."""
    seen: Counter[str] = Counter()
    found = []
    for write in WRITES[name]:
        seen[write] += 1
        found.append(Point(write, seen[write]))
    return found


@pytest.fixture(scope="module")
def opened(clusters: Any) -> Iterator[Theatre]:
    with open_theatre() as theatre:
        yield theatre


@pytest.fixture
def theatre(opened: Theatre) -> Theatre:
    """Everything runs and rests."""
    opened.stops.count()
    opened.stage.settle()
    return opened


def test_the_writes_of_a_rotation_are_these(theatre: Theatre) -> None:
    theatre.stops.count(answered=f"db@{theatre.asked + 1}")
    theatre.until_rotated(theatre.ask())
    for name in NAMES:
        assert theatre.stops.points(name) == points(name), name


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("number", range(LONGEST))
def test_a_rotation_survives_a_kill(theatre: Theatre, number: int, side: Side) -> None:
    before = {name: theatre.delivered(name) for name in NAMES}
    since = theatre.place.version()
    stops = {name: points(name)[number] for name in NAMES if number < len(WRITES[name])}
    theatre.stops.count(stops, side, answered=f"db@{theatre.asked + 1}")
    request = theatre.ask()
    until(lambda: theatre.stops.held() == stops.keys(), f"{number} of each is held up")
    theatre.crash()
    for name in NAMES:
        assert theatre.works(name, theatre.delivered(name)), f"{name} has nothing that works"
    theatre.stage.operator.start()
    theatre.until_rotated(request)
    after = {name: theatre.delivered(name) for name in NAMES}
    for name in NAMES:
        assert_one_lives(theatre, name, before[name], after[name])
    assert_nothing_was_missing(theatre, since)
    assert_no_orphans(theatre, after)


def assert_one_lives(theatre: Theatre, name: str, before: Values, after: Values) -> None:
    """One credential lives: the new one, which is delivered; the ledger says so."""
    assert after != before
    assert theatre.works(name, after)
    assert not theatre.works(name, before)
    [entry] = theatre.entries(name)
    assert entry["status"]["phase"] == "Current"
    assert "failures" not in entry["status"]
    [kept] = theatre.kept(name)
    assert after.items() <= kept.items()
    annotations = theatre.place.read("Secret", f"{name}-db")["metadata"]["annotations"]
    assert annotations["wardkeeper.io/rotation-id"] == entry["spec"]["rotationId"]


def assert_nothing_was_missing(theatre: Theatre, since: str) -> None:
    """Each Secret was whole all the time, there was one rotation, and one restart for it."""
    rotations, stamps = defaultdict(set), defaultdict(set)
    for change in theatre.place.history(since, "Secret", "Deployment"):
        assert change.type == "MODIFIED"
        obj = change.obj
        if obj["kind"] == "Deployment":
            told = obj["spec"]["template"]["metadata"]["annotations"]
            stamps[obj["metadata"]["name"]].add(told["wardkeeper.io/secrets-mac"])
        else:
            assert obj["data"]
            assert all(obj["data"].values())
            told = obj["metadata"]["annotations"]
            rotations[obj["metadata"]["name"]].add(told["wardkeeper.io/rotation-id"])
    assert {name: len(ids) for name, ids in rotations.items()} == {f"{n}-db": 1 for n in NAMES}
    assert {name: len(macs) for name, macs in stamps.items()} == dict.fromkeys(NAMES, 1)


def assert_no_orphans(theatre: Theatre, after: Mapping[str, Values]) -> None:
    """Nothing lives in OpenBao, or in the database, that nobody knows."""
    assert len(theatre.leases()) == 1
    assert theatre.users() == {after[DYNAMIC]["username"]}
    assert theatre.certificates() == {inspect(after[CERTIFICATE]["tls.crt"]).serial}
    for name in NAMES:
        assert len(theatre.entries(name, secret="")) == 1, f"tokens of {name}"
