# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The running operator is killed at every write of a rotation, before it and after it.

Whatever was under way, the next process brings it to its end: one credential lives, what is
delivered works all the time, and the workload is rolled out once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pytest

from tests.cluster.waiting import until
from tests.e2e.crashing import (
    ALTERNATING,
    CERTIFICATE,
    CHAINS,
    DYNAMIC,
    GENERATED,
    Chain,
    Theatre,
    open_theatre,
)
from tests.faults.stops import STATUS, Point, Side
from wardkeeper.proof.certificate import inspect

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.cluster.pool import Clusters
    from tests.e2e.furnished import Values

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


def points(kind: str) -> list[Point]:
    """The writes of a rotation, told apart."""
    seen: Counter[str] = Counter()
    found = []
    for write in WRITES[kind]:
        seen[write] += 1
        found.append(Point(write, seen[write]))
    return found


@pytest.fixture(scope="module")
def opened(clusters: Clusters, postgresql: Path) -> Iterator[Theatre]:
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
    for chain in CHAINS:
        assert theatre.stops.points(chain.name) == points(chain.kind), chain.name


@pytest.mark.timeout(600)
@pytest.mark.parametrize("number", range(LONGEST))
def test_a_rotation_survives_a_kill_before_and_after_each_write(
    theatre: Theatre, number: int
) -> None:
    left = {
        chain.name: (points(chain.kind)[number], chain.side)
        for chain in CHAINS
        if number < len(WRITES[chain.kind])
    }
    while left:  # a slow machine brings them there one by one
        met = survives_a_kill(theatre, left)
        assert met <= left.keys()
        left = {name: where for name, where in left.items() if name not in met}


def survives_a_kill(theatre: Theatre, planned: Mapping[str, tuple[Point, Side]]) -> set[str]:
    """Kill the operator where planned, and see that all goes well; whom it met just there."""
    before = {chain: theatre.delivered(chain.name) for chain in CHAINS}
    since = theatre.place.version()
    theatre.stops.count(planned, answered=f"db@{theatre.asked + 1}")
    request = theatre.ask()
    met = until(theatre.stops.held, f"some of {planned} are held up")
    theatre.crash()
    for chain in CHAINS:
        assert theatre.works(chain, theatre.delivered(chain.name)), f"{chain} has nothing at all"
    theatre.stage.operator.start()
    theatre.until_rotated(request)
    after = {chain: theatre.delivered(chain.name) for chain in CHAINS}
    for chain in CHAINS:
        assert_one_lives(theatre, chain, before[chain], after[chain])
    assert_nothing_was_missing(theatre, since)
    assert_no_orphans(theatre, after)
    return met


def assert_one_lives(theatre: Theatre, chain: Chain, before: Values, after: Values) -> None:
    """One credential lives: the new one, which is delivered; the ledger says so."""
    assert after != before
    assert theatre.works(chain, after)
    assert not theatre.works(chain, before)
    [entry] = theatre.entries(chain.name)
    assert entry["status"]["phase"] == "Current"
    assert "failures" not in entry["status"]
    [kept] = theatre.kept(chain.name)
    assert after.items() <= kept.items()
    annotations = theatre.place.read("Secret", f"{chain.name}-db")["metadata"]["annotations"]
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
    names = [chain.name for chain in CHAINS]
    assert {one: len(ids) for one, ids in rotations.items()} == {f"{name}-db": 1 for name in names}
    assert {one: len(macs) for one, macs in stamps.items()} == dict.fromkeys(names, 1)


def assert_no_orphans(theatre: Theatre, after: Mapping[Chain, Values]) -> None:
    """Nothing lives in OpenBao, or in the database, that nobody knows."""
    logins = {values["username"] for chain, values in after.items() if chain.kind == DYNAMIC}
    assert theatre.users() == logins
    leaves = [values["tls.crt"] for chain, values in after.items() if chain.kind == CERTIFICATE]
    assert theatre.certificates() == {inspect(leaf).serial for leaf in leaves}
    for chain in CHAINS:
        assert len(theatre.leases(chain)) == (chain.kind == DYNAMIC)
        assert len(theatre.entries(chain.name, secret="")) == 1, f"tokens of {chain.name}"
