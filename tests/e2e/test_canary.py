# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The value of a secret stands in the Secret and in Vault, and nowhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cluster.waiting import until
from tests.component.workflows import cron_job, secret, workflow
from tests.e2e.canaries import NAME as EVERYTHING
from tests.e2e.canaries import Aviary, leaks, open_aviary, outside
from tests.e2e.strangers import refusing
from tests.faults.plan import Answer, Garble, LoseAnswer, Quote
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.pool import Clusters
    from tests.e2e.stage import Stage
    from tests.e2e.stories import Place
    from tests.faults.plan import Fault

NAME = "router"
SPEAKING = "has(object.data) && 'password' in object.data ? string(object.data['password']) : ''"
"""What a careless policy says: what it has found."""

PROBE = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "probe"}}

FAULTS: tuple[tuple[str, str, Fault], ...] = (
    ("POST", "secret/data/.*/drawn", Quote(400)),
    ("POST", "secret/data/.*/policy", Quote(500)),
    ("POST", "secret/data/.*/turns", Quote(403)),
    ("POST", "secret/data/.*/tls", LoseAnswer()),
    ("POST", "pki/sign/.*", Quote(500)),
    ("POST", "pki/revoke-with-key", Quote(500)),
    ("GET", "database/creds/.*", Garble()),
    ("GET", "database/static-creds/.*", Garble()),
    ("GET", "secret/data/hw-synced/.*", Garble()),
    ("GET", "secret/data/hw/.*", Garble()),
    ("GET", "sys/policies/password/.*", Garble()),
    ("POST", "transit/decrypt/hw-operator-state", Garble()),
    ("POST", "transit/encrypt/hw-operator-state", Quote(500)),
    ("POST", "auth/kubernetes/login", Quote(500)),
    ("PUT", "sys/leases/revoke/.*", Answer(500)),
)
"""What goes wrong, each at a request that carries something secret."""


@pytest.fixture(scope="module")
def aviary(clusters: Clusters, postgresql: Path) -> Iterator[Aviary]:
    with open_aviary() as made:
        yield made


def test_values_are_in_no_status_event_label_log_line_metric_or_audit_line(
    stage: Stage, place: Place
) -> None:
    mark = stage.mark()
    place.create(workflow(NAME, secrets=[secret()]))
    place.until_ready(NAME)
    values = place.values(f"{NAME}-db")
    place.edit("Secret", f"{NAME}-db", {"stringData": {"password": "forged"}})
    until(lambda: place.values(f"{NAME}-db") == values, "it is put back")
    place.annotate(NAME, rotate_now="db")
    until(lambda: place.values(f"{NAME}-db") != values, "it is rotated")
    place.until_event(NAME, "Rotated")
    values += [*place.values(f"{NAME}-db"), *held(place, "_mac_key")]
    assert len(set(values)) == 3
    assert leaks(values, {**outside(place, NAME), "audit log": json.dumps(stage.audit(mark))}) == []
    assert leaks(values[:1], {"the search itself": f"x{values[0]}x"})


def test_a_value_that_a_policy_quotes_in_its_refusal_goes_no_further(place: Place) -> None:
    with refusing(place, "secrets", PROBE, SPEAKING):
        place.create(cron_job(NAME, secrets=[secret()]))
        place.until_told(NAME, "Ready", "WriteRefused")
        place.until_event(NAME, "WriteRefused")
        values = held(place, "password", "_mac_key")
        assert leaks(values, outside(place, NAME)) == []
    place.until_ready(NAME)
    assert leaks(place.values(f"{NAME}-db"), outside(place, NAME)) == []


def test_nothing_secret_of_any_engine_leaves_while_secrets_are_made_and_replaced(
    aviary: Aviary,
) -> None:
    until_rotated(aviary, aviary.ask())
    names = [name for name in aviary.secrets if name != "records"]  # a key that never leaves
    delivered = {name: "".join(aviary.place.values(f"{EVERYTHING}-{name}")) for name in names}
    assert leaks(aviary.heard.values, delivered) == names
    assert aviary.leaks() == []


def test_nothing_secret_leaves_when_requests_fail_in_every_way_and_the_process_dies(
    aviary: Aviary,
) -> None:
    operator = aviary.place.stage.operator
    planned = [aviary.vault.on(method, path, fault) for method, path, fault in FAULTS]
    request = aviary.ask()
    until_rotated(aviary, request)
    operator.kill()
    operator.start()
    until_rotated(aviary, aviary.ask())

    def all_happened() -> bool:  # what was replaced is taken back after the new one is in use
        aviary.place.reconciled(EVERYTHING)
        return all(rule.happened for rule in planned)

    until(all_happened, "everything has gone wrong once")
    assert aviary.leaks() == []


def test_nothing_secret_leaves_when_everything_is_taken_back(aviary: Aviary) -> None:
    aviary.place.delete(KIND, EVERYTHING)
    until(lambda: aviary.place.get(KIND, EVERYTHING) is None, "it is gone", seconds=60)
    assert aviary.leaks() == []


def test_an_operator_that_leaks_is_caught_wherever_it_does(
    clusters: Clusters, postgresql: Path
) -> None:
    with open_aviary("tests.e2e.leaky") as leaky:
        until_rotated(leaky, leaky.ask())
        leaky.place.until_event(EVERYTHING, "Rotated")
        found = set(leaky.leaks())
    assert found >= {"workflow", "children", "events", "ledger", "log", "metrics", "audit.log"}


def until_rotated(aviary: Aviary, request: str) -> None:
    """Wait until a request is answered; failures are looked into at once, not after a pause."""

    def answered() -> bool:
        return aviary.place.status(EVERYTHING).get("lastHandledRotateNow") == request

    def look() -> bool:
        aviary.place.reconciled(EVERYTHING)
        return answered()

    until(look, f"{request} is answered", seconds=90)
    aviary.place.until_ready(EVERYTHING)


def held(place: Place, *fields: str) -> list[str]:
    """What OpenBao holds; `_mac_key` is the key of the fingerprints, which nobody is given."""
    path = f"secret/data/hw/{place.namespace}/{NAME}/db"
    data = place.stage.cluster.openbao.api("GET", path)["data"]["data"]
    return [str(data[one]) for one in fields]
