# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The record of a run: what it claims, when it counts as dead, and what cleaning up removes."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cluster.processes import Identity, Process, ProcessDiedError
from tests.cluster.runs import Run, recorded, sweep
from tests.cluster.waiting import NotReadyError, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GONE = Identity(os.getpid(), "a boot long ago/1")


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Records and folders of this test alone."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def sleeper() -> Iterator[Identity]:
    """A living process of ours."""
    with subprocess.Popen(["sleep", "600"]) as child:
        found = Identity.of(child.pid)
        assert found is not None
        yield found
        child.kill()


def test_a_run_is_read_back_as_it_was_written(sleeper: Identity) -> None:
    run = Run.begin()
    run.reserve("etcd")
    run.started("etcd", sleeper)
    run.info["level"] = "api"
    run.save()
    assert recorded() == [run]
    assert run.state.stat().st_mode & 0o077 == 0


def test_two_runs_never_get_the_same_port_even_before_anything_listens(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.sample", lambda population, k: list(population))
    one, other = Run.begin(), Run.begin()
    one.reserve("etcd", "etcd-peer")
    other.reserve("etcd", "etcd-peer")
    assert len({*one.ports.values(), *other.ports.values()}) == 4


def test_a_run_whose_owner_lives_is_left_alone() -> None:
    run = Run.begin()
    assert sweep() == []
    assert run.folder.is_dir()


def test_a_run_whose_owner_is_gone_is_removed_with_its_processes(sleeper: Identity) -> None:
    run = Run.begin()
    run.owner = GONE
    run.started("operator", sleeper)
    assert sweep() == [run.id]
    assert not sleeper.alive
    assert not run.folder.exists()
    assert recorded() == []


def test_a_run_that_was_left_running_stays_as_long_as_any_process_of_it_lives(
    sleeper: Identity,
) -> None:
    run = Run.begin()
    run.started("etcd", sleeper)
    run.started("kwok", GONE)
    run.leave()
    assert sweep() == []
    os.kill(sleeper.pid, signal.SIGKILL)
    until(lambda: not sleeper.alive, "the process is gone")
    assert sweep() == [run.id]


def test_a_folder_that_is_not_of_our_making_is_never_removed(tmp_path: Path) -> None:
    run = Run.begin()
    run.folder = tmp_path / "somebody-elses"
    run.folder.mkdir()
    run.owner = GONE
    run.save()
    sweep()
    assert run.folder.is_dir()


def test_a_process_that_does_not_listen_is_ended_by_force(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    code = f"trap '' TERM; : > {ready}; exec sleep 600"
    process = Process("deaf", ["/bin/sh", "-c", code], log=tmp_path / "log", folder=tmp_path)
    process.start()
    until(ready.exists, "it has begun not to listen")
    identity = process.identity
    assert identity is not None
    process.stop(grace=0.1)
    assert not identity.alive
    assert process.identity is None


def test_a_process_that_ended_by_itself_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    code = "echo no such flag; exit 3"
    process = Process("hasty", ["/bin/sh", "-c", code], log=tmp_path / "log", folder=tmp_path)
    process.start()
    with pytest.raises(ProcessDiedError, match=r"hasty ended with code 3.*\n.*no such flag"):
        until(lambda: None, "it never happens", seconds=20, check=process.check)
    process.stop()


def test_a_process_sees_nothing_of_our_environment_but_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "not for you")
    log = tmp_path / "log"
    process = Process("env", ["/usr/bin/env"], log=log, folder=tmp_path, env={"A": "1"})
    process.start()
    until(lambda: "A=1" in log.read_text(), "it has printed")
    process.stop()
    names = {line.partition("=")[0] for line in log.read_text().splitlines()}
    assert names == {"PATH", "HOME", "A"}


def test_waiting_is_bounded_and_says_for_what() -> None:
    with pytest.raises(NotReadyError, match="the moon is green: not so after 0 s"):
        until(lambda: False, "the moon is green", seconds=0)


def test_an_owner_is_known_by_more_than_its_number(tmp_path: Path) -> None:
    mine = Identity.of(os.getpid())
    assert mine is not None
    assert mine.alive
    assert not GONE.alive
    assert Run("x", tmp_path, GONE).abandoned
