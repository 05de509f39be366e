# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The audit log of an API server is told whole, and from a mark on, however soon it is asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster import audit
from tests.cluster.audit import COME, DONE, AuditLog
from tests.cluster.processes import Process

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BEGAN = 1000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def log(path: Path) -> AuditLog:
    server = Process("server", ["true"], log=path, folder=path.parent)
    server.began = BEGAN
    return AuditLog(path, server)


def write(path: Path, stage: str, name: str, *, at: float = BEGAN + 1) -> None:
    """One line as the API server writes it."""
    time = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    event = {"stage": stage, "auditID": name, "requestReceivedTimestamp": time}
    with path.open("a") as file:
        file.write(json.dumps(event) + "\n")


def told(log: AuditLog, mark: int = 0) -> list[str]:
    return [str(one["auditID"]) for one in log.since(mark)]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What happens when somebody waits; nobody may wait for anything else."""
    acts: list[Callable[[], None]] = []

    def until(probe: Callable[[], Any], what: str) -> Any:
        assert not probe()
        assert acts, f"nobody will do what is waited for: {what}"
        acts.pop(0)()
        return probe()

    monkeypatch.setattr(audit, "until", until)
    return acts


def test_a_write_that_is_under_way_is_waited_for(
    path: Path, log: AuditLog, meanwhile: list[Callable[[], None]]
) -> None:
    write(path, COME, "one")
    meanwhile.append(lambda: write(path, DONE, "one"))
    assert told(log) == ["one"]


def test_what_came_before_a_mark_is_not_told_though_it_is_done_after_it(
    path: Path, log: AuditLog, meanwhile: list[Callable[[], None]]
) -> None:
    write(path, COME, "before")
    mark = log.mark()
    write(path, COME, "after")
    write(path, DONE, "after")
    write(path, DONE, "before")
    assert told(log, mark) == ["after"]
    assert not meanwhile


def test_what_a_server_before_has_left_undone_is_not_waited_for(
    path: Path, log: AuditLog, meanwhile: list[Callable[[], None]]
) -> None:
    write(path, COME, "cut off", at=BEGAN - 1)
    write(path, COME, "one")
    write(path, DONE, "one")
    assert told(log) == ["one"]
    assert not meanwhile


def test_half_a_line_is_left_at_either_end(path: Path, log: AuditLog) -> None:
    write(path, COME, "one")
    whole = log.mark()
    write(path, COME, "two")
    write(path, DONE, "two")
    with path.open("a") as file:
        file.write('{"stage": "Requ')
    assert told(log, whole) == ["two"]
    assert told(log, whole - 5) == ["two"]


def test_a_log_that_was_not_begun_tells_nothing(log: AuditLog) -> None:
    assert log.mark() == 0
    assert told(log) == []
