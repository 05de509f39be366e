# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The numbers about secrets tell what dashboards need, stay bounded, and go with their workflow."""

from __future__ import annotations

import re
import tracemalloc
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from wardkeeper.api.credential import CredentialPhase, Engine
from wardkeeper.shell.metrics import Metrics
from wardkeeper.shell.secret_metrics import SecretMetrics

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ("radiology", "router")
NAMES = (
    "wardkeeper_rotation_total",
    "wardkeeper_rotation_overdue",
    "wardkeeper_restarts_total",
)
PER_SECRET = (
    "wardkeeper_secret_age_seconds",
    "wardkeeper_secret_due_timestamp_seconds",
    "wardkeeper_secret_deadline_timestamp_seconds",
)


@dataclass(frozen=True)
class Standing:
    name: str = "db"
    engine: Engine = Engine.KV_GENERATED
    rotated_at: datetime | None = BEGIN
    due_at: datetime | None = BEGIN + timedelta(days=30)
    deadline: datetime | None = BEGIN + timedelta(days=40)
    overdue: bool = False


class Clock:
    now = BEGIN.timestamp() + 60

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Page:
    """The numbers, and the page that shows them."""

    def __init__(self, clock: Clock, *, per_secret: bool = True) -> None:
        self.registry = CollectorRegistry()
        self.secrets = SecretMetrics(self.registry, per_secret=per_secret, now=clock)

    def text(self) -> str:
        return generate_latest(self.registry).decode()


@pytest.fixture
def page(clock: Clock) -> Page:
    return Page(clock)


def value(page: Page, metric: str, /, **labels: str) -> float | None:
    return page.registry.get_sample_value(metric, labels)


def labels(secret: str = "db", engine: str = "KvGenerated") -> dict[str, str]:
    return {"namespace": "radiology", "workflow": "router", "secret": secret, "engine": engine}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_there_before_anything_happened(page: Page, name: str) -> None:
    assert re.search(rf"^{name}[{{ ]", page.text(), re.MULTILINE)


def test_age_is_that_of_the_moment_the_page_is_made(page: Page, clock: Clock) -> None:
    page.secrets.seen(KEY, [Standing()])
    assert value(page, "wardkeeper_secret_age_seconds", **labels()) == 60
    clock.now += 3600
    assert value(page, "wardkeeper_secret_age_seconds", **labels()) == 3660
    due = value(page, "wardkeeper_secret_due_timestamp_seconds", **labels())
    assert due == (BEGIN + timedelta(days=30)).timestamp()


def test_a_secret_of_the_future_has_no_negative_age(page: Page, clock: Clock) -> None:
    clock.now = BEGIN.timestamp() - 5
    page.secrets.seen(KEY, [Standing()])
    assert value(page, "wardkeeper_secret_age_seconds", **labels()) == 0


def test_what_is_not_delivered_has_no_age_and_no_time(page: Page) -> None:
    page.secrets.seen(KEY, [Standing(rotated_at=None, due_at=None, deadline=None)])
    for name in PER_SECRET:
        assert value(page, name, **labels()) is None


def test_a_secret_that_is_no_longer_declared_leaves_the_page(page: Page) -> None:
    page.secrets.seen(KEY, [Standing(), Standing("tls", Engine.PKI)])
    page.secrets.seen(KEY, [Standing("tls", Engine.PKI)])
    assert value(page, "wardkeeper_secret_age_seconds", **labels()) is None
    assert value(page, "wardkeeper_secret_age_seconds", **labels("tls", "Pki")) == 60


def test_series_go_with_their_workflow(page: Page) -> None:
    page.secrets.seen(KEY, [Standing(overdue=True)])
    page.secrets.seen(KEY, ())
    page.secrets.seen(KEY, ())
    assert "radiology" not in page.text()
    assert value(page, "wardkeeper_rotation_overdue") == 0


def test_overdue_secrets_are_counted_over_all_workflows(page: Page) -> None:
    page.secrets.seen(KEY, [Standing(overdue=True), Standing("tls", overdue=True)])
    page.secrets.seen(("labs", "import"), [Standing(overdue=True)])
    assert value(page, "wardkeeper_rotation_overdue") == 3
    page.secrets.seen(KEY, [Standing(), Standing("tls")])
    assert value(page, "wardkeeper_rotation_overdue") == 1


def test_series_of_single_secrets_can_be_switched_off(clock: Clock) -> None:
    page = Page(clock, per_secret=False)
    page.secrets.seen(KEY, [Standing(overdue=True)])
    text = page.text()
    assert "radiology" not in text
    assert not any(name in text for name in PER_SECRET)
    assert value(page, "wardkeeper_rotation_overdue") == 1


@pytest.mark.parametrize("outcome", ["rotated", "failed", "rolled_back", "adopted"])
def test_a_rotation_is_counted_by_engine_and_outcome(page: Page, outcome: str) -> None:
    page.secrets.rotated(Engine.PKI, outcome, 12.0 if outcome == "rotated" else None)
    assert value(page, "wardkeeper_rotation_total", engine="Pki", outcome=outcome) == 1
    timed = value(page, "wardkeeper_rotation_seconds_sum", engine="Pki")
    assert timed == (12 if outcome == "rotated" else None)


def test_an_outcome_that_nobody_named_makes_no_series_of_its_own(page: Page) -> None:
    page.secrets.rotated(Engine.PKI, "rotated router/db", None)
    assert value(page, "wardkeeper_rotation_total", engine="Pki", outcome="other") == 1
    assert "router" not in page.text()


def test_a_request_to_vault_is_counted_by_what_it_does(page: Page) -> None:
    page.secrets.vault_request("kv_write", "ok", 0.2)
    page.secrets.vault_request("kv_write", "Sealed", 0.3)
    name = "wardkeeper_vault_request_seconds"
    assert value(page, f"{name}_count", operation="kv_write", outcome="ok") == 1
    assert value(page, f"{name}_sum", operation="kv_write", outcome="Sealed") == 0.3


@pytest.mark.parametrize(
    "operation", ["write KV entry hw/radiology/router/db", "", "a" * 41, "hw.r.x", "s.tok3n"]
)
def test_names_and_tokens_do_not_become_labels(page: Page, operation: str) -> None:
    page.secrets.vault_request(operation, operation, 0.1)
    name = "wardkeeper_vault_request_seconds_count"
    assert value(page, name, operation="other", outcome="other") == 1


def test_the_kinds_of_requests_are_bounded(page: Page) -> None:
    words = [f"op_{chr(97 + one // 26)}{chr(97 + one % 26)}" for one in range(200)]
    for word in words:
        page.secrets.vault_request(word, "ok", 0.1)
    name = "wardkeeper_vault_request_seconds_count"
    assert value(page, name, operation=words[63], outcome="ok") == 1
    assert value(page, name, operation=words[64], outcome="ok") is None
    assert value(page, name, operation="other", outcome="ok") == 136


def test_vault_is_neither_up_nor_down_while_nobody_has_asked(page: Page) -> None:
    assert value(page, "wardkeeper_vault_up") is None
    page.secrets.vault_request("kv_read", "ok", 0.1)
    assert value(page, "wardkeeper_vault_up") == 1


@pytest.mark.parametrize(
    ("outcome", "up"),
    [("ok", 1), ("Denied", 1), ("RateLimited", 1), ("Sealed", 0), ("Unreachable", 0)],
)
def test_a_request_tells_whether_vault_is_up(page: Page, outcome: str, up: int) -> None:
    page.secrets.vault_request("kv_read", "Sealed" if up else "ok", 0.1)
    page.secrets.vault_request("kv_read", outcome, 0.1)
    assert value(page, "wardkeeper_vault_up") == up


def test_restarts_are_counted(page: Page) -> None:
    page.secrets.restarted()
    assert value(page, "wardkeeper_restarts_total") == 1


def test_the_ledger_is_read_when_the_page_is_made(page: Page) -> None:
    assert "wardkeeper_ledger_entries" not in page.text()
    entries = {CredentialPhase.CURRENT: 2}
    page.secrets.follow_ledger(lambda: entries)
    name = "wardkeeper_ledger_entries"
    assert value(page, name, phase="Current") == 2
    assert value(page, name, phase="Retiring") == 0
    entries[CredentialPhase.RETIRING] = 1
    assert value(page, name, phase="Retiring") == 1


def test_a_thousand_workflows_take_little_memory(page: Page) -> None:
    keys = [("radiology", f"wf-{one}") for one in range(1000)]
    many = [[Standing(rotated_at=BEGIN + timedelta(seconds=one))] for one in range(1000)]
    tracemalloc.start()
    for key, found in zip(keys, many, strict=True):
        page.secrets.seen(key, found)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken < 400_000


def test_the_operators_page_shows_them() -> None:
    metrics = Metrics(host="10.0.0.1:443", workers=8, per_secret=False)
    metrics.secrets.seen(KEY, [Standing(overdue=True)])
    assert b"wardkeeper_rotation_overdue 1.0" in metrics.page()
    assert b"radiology" not in metrics.page()
