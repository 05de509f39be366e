# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The page says what the results say, and nothing that was not measured."""

from __future__ import annotations

from typing import Any

import orjson

from tests.bench.__main__ import PAGE, RESULTS
from tests.bench.environment import PACKAGES, describe
from tests.bench.memory import row_per_workflow
from tests.bench.page import page
from tests.bench.results import Check, Row

ENVIRONMENT = {
    "cpu": "A CPU",
    "cores": 2,
    "memory_gb": 24,
    "kernel": "6.18",
    "load_before": 0.1,
    "python": "3.11.7",
    "kubernetes": "v1.36.3",
    **dict.fromkeys(PACKAGES, "1.0"),
}


def document(*rows: Row) -> dict[str, Any]:
    return {
        "date": "2026-01-31",
        "profile": "full",
        "minutes": 8.5,
        "environment": ENVIRONMENT,
        "rows": [row.document() for row in rows],
    }


def test_a_missed_target_stands_out() -> None:
    text = page(document(Row("B4", "idle", (Check("writes", 2, "", "==", 0),))))
    assert "| B4 | idle | writes exactly 0 | writes 2 | **MISSED** |" in text


def test_a_row_without_target_promises_nothing() -> None:
    text = page(document(Row("B0", "floor", (Check("rate", 33.3, "per s"),))))
    assert "| B0 | floor | - | rate 33.3 per s | - |" in text


def test_what_was_not_measured_says_why() -> None:
    text = page(document(Row("B2", "restart", problem="NotSeenError: no")))
    assert "| B2 | restart | - | NotSeenError: no | **not measured** |" in text


def test_requests_to_vault_are_told_by_kind() -> None:
    facts = {"requests_each": {"kv_write ok": 1.0, "kv_read ok": 2.0}}
    text = page(document(Row("B6", "rotate", (Check("most", 1, "", "==", 1),), facts)))
    assert "- B6, rotate: requests to Vault for each rotation: kv_write ok 1.0, kv_read" in text


def test_method_caveats_and_versions_are_told() -> None:
    text = page(document())
    for part in ("## How it is measured", "## What to keep in mind", "kopf 1.0", "2 cores (A CPU)"):
        assert part in text


def test_the_committed_page_is_made_of_the_committed_results() -> None:
    assert PAGE.read_text() == page(orjson.loads(RESULTS.read_bytes()))


def test_the_environment_names_no_machine() -> None:
    assert set(describe()) == set(ENVIRONMENT)


def test_memory_of_few_workflows_is_held_to_no_target() -> None:
    assert row_per_workflow(80_000_000, 99_000_000, 99_000_000, 100).verdict == "-"
    assert row_per_workflow(80_000_000, 99_000_000, 99_000_000, 1000).verdict == "met"
    assert row_per_workflow(80_000_000, 99_000_000, 101_000_000, 1000).verdict == "MISSED"
