# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper selftest`: what it would make, and what it says when it cannot begin.

What it does on a cluster is tried by `tests/chart/test_selftest.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest
from typer.testing import CliRunner

from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.cli import selftest
from wardkeeper.cli.main import app
from wardkeeper.cli.selftest_steps import Trial, steps_of, workflow
from wardkeeper.kube.access import Access
from wardkeeper.policy.judge import judge

if TYPE_CHECKING:
    from pathlib import Path

    from wardkeeper.kube.client import Client

IMAGE = "registry.example.org/wardkeeper@sha256:" + "a" * 64
NOBODY = cast("Client", None)


def trial(image: str = "", *, guards: bool = True) -> Trial:
    return Trial(NOBODY, "scratch", "selftest-1", image=image, guards=guards)


@pytest.mark.parametrize(("image", "kind"), [("", "CronJob"), (IMAGE, "Job")])
def test_it_makes_a_workflow_that_the_operator_accepts(image: str, kind: str) -> None:
    read = read_workflow(workflow(trial(image)))
    assert isinstance(read, HealthcareWorkflow)
    assert read.spec.workload.kind == kind == trial(image).workload
    assert judge(read, lambda *_: True).problems == ()


def test_it_tries_only_what_is_there_to_be_tried() -> None:
    bare = [words for words, _ in steps_of(trial(guards=False))]
    full = [words for words, _ in steps_of(trial(IMAGE))]
    assert set(full) - set(bare) == {
        "nobody else can use its identity",
        "its image runs to its end",
    }
    assert full[-1] == bare[-1] == "it goes, and takes along what was made of it"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["selftest", "--namespace=scratch", *arguments])
    return result.exit_code, result.stderr


def test_an_image_without_digest_is_refused() -> None:
    code, said = run("--image=wardkeeper:1")
    assert code == 2
    assert "--image: found 'wardkeeper:1', wanted an image by its digest, name@sha256:..." in said


def test_without_a_cluster_it_says_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    code, said = run()
    assert code == 2
    assert "name a kubeconfig with --kubeconfig or $KUBECONFIG" in said


def test_in_a_pod_without_a_token_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    code, said = run()
    assert code == 2
    assert "the ServiceAccount's ca.crt is missing" in said


@pytest.mark.parametrize("cause", [asyncio.CancelledError(), KeyError("a defect")])
async def test_whatever_ends_it_early_its_workflow_is_taken_away(
    monkeypatch: pytest.MonkeyPatch, cause: BaseException
) -> None:
    taken: list[str] = []

    async def ends(_: Trial) -> None:
        raise cause

    async def take_away(trial: Trial) -> None:
        taken.append(trial.name)

    monkeypatch.setattr(selftest, "steps_of", lambda _: [("it is made", ends)])
    monkeypatch.setattr(selftest, "take_away", take_away)
    access = Access("http://127.0.0.1:1", ssl=None, token=lambda: None)
    with pytest.raises(type(cause)):
        await selftest._try(access, "scratch", "", True, 1.0)
    assert len(taken) == 1
