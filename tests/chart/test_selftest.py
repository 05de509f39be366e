# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What `helm test` does, run as the release would run it: with the rights that it gives the test.

Containers do not run on simulated nodes, so the command of the test's pod is run here, as its
ServiceAccount. What helm makes of the test and clears away is tried with a pod that does nothing;
`tests/node/test_selftest.py` has all of it on a real node.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.chart.release import NAME, Release
from tests.chart.rendering import CHART, Obj, render
from tests.cluster.cluster import Cluster
from tests.cluster.installation import NAMESPACE
from tests.cluster.waiting import COLLECTS, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRATCH, ACCOUNT = "wardkeeper-selftest", "wardkeeper-selftest"
DIGEST = "sha256:" + "a" * 64
SELFTEST = "app.kubernetes.io/component=selftest"
RAN = "its image runs to its end"


@pytest.fixture(scope="module")
def release() -> Iterator[Release]:
    """A release for the whole cluster, and its operator."""
    with Cluster("simulated") as cluster:
        made = Release(cluster, vault=False)
        with made:
            yield made


class Told(NamedTuple):
    """How the test ended."""

    code: int
    out: str
    error: str


def run(release: Release, values: Obj | None = None, *more: str) -> Told:
    """Make what helm would make for the test, and run its command."""
    hooks = [
        one
        for one in render(values=values, tests=True)
        if "helm.sh/hook" in one["metadata"].get("annotations", {})
    ]
    (pod,) = [one for one in hooks if one["kind"] == "Pod"]
    release.cluster.apply(*(one for one in hooks if one["kind"] != "Pod"))
    (container,) = pod["spec"]["containers"]
    assert container["command"][0] == "wardkeeper"
    user, kind = f"system:serviceaccount:{NAMESPACE}:{ACCOUNT}", "healthcareworkflows.wardkeeper.io"
    until(lambda: release.cluster.may(user, "create", kind, SCRATCH), "it has its rights")
    kubeconfig = release.cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT)
    command = [sys.executable, "-m", *container["command"], *container["args"]]
    environment = {k: v for k, v in os.environ.items() if k != "KUBERNETES_SERVICE_HOST"}
    done = subprocess.run(
        [*command, f"--kubeconfig={kubeconfig}", *more],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        env=environment,
    )
    return Told(done.returncode, done.stdout, done.stderr)


def left(release: Release) -> list[Any]:
    return release.cluster.items("healthcareworkflows,networkpolicies,cronjobs,jobs", SCRATCH, "")


def test_all_is_as_promised_and_nothing_is_left(release: Release) -> None:
    told = run(release)
    assert told.code == 0, told
    assert told.out.count("ok ") == 6
    assert RAN not in told.out
    assert left(release) == []


def test_an_image_by_digest_is_run_as_a_workflow(release: Release) -> None:
    told = run(release, {"image": {"digest": DIGEST}})
    assert told.code == 0, told
    assert RAN in told.out
    assert left(release) == []


def test_without_guards_what_is_taken_away_comes_back(release: Release) -> None:
    values = {"admission": {"workflowChildren": "Off", "workflowIdentity": "Off"}}
    release.upgrade(CHART, values)
    try:

        def passes() -> bool:
            told = run(release, values)  # until the API server has taken note
            assert told.code == 0, told
            return "nobody else can use its identity" not in told.out

        until(passes, "the test passes without guards")
    finally:
        release.upgrade(CHART)


def test_a_guard_that_does_not_refuse_is_told(release: Release) -> None:
    release.upgrade(CHART, {"admission": {"workflowIdentity": "Off"}})
    try:

        def told() -> bool:
            found = run(release)
            if found.code == 0:
                return False  # the API server has not taken note yet
            assert found.code == 1
            assert "a foreign pod may use ServiceAccount selftest-" in found.error
            return True

        until(told, "the test fails", seconds=60)
    finally:
        release.upgrade(CHART)
    until(
        lambda: left(release) == [],
        "the workflow is taken away after a failure, too",
        seconds=COLLECTS,
    )


def test_an_operator_that_does_not_work_is_told(release: Release) -> None:
    release.stop()
    try:
        told = run(release, None, "--timeout=2")
        assert told.code == 1
        assert "the operator says nothing of the workflow: is it running" in told.error
    finally:
        release.start()
    until(
        lambda: left(release) == [],
        "the workflow is taken away after a failure, too",
        seconds=COLLECTS,
    )


@pytest.mark.parametrize(
    ("argument", "words"),
    [("--image=wardkeeper:latest", "found 'wardkeeper:latest', wanted an image by its digest")],
)
def test_what_cannot_be_tried_is_told_at_once(release: Release, argument: str, words: str) -> None:
    told = run(release, None, argument)
    assert told.code == 2
    assert words in told.error


def test_rights_that_are_missing_are_told(release: Release) -> None:
    told = run(release, None, "--namespace=kube-system")
    assert told.code == 1
    assert "check the rights of who runs this in namespace kube-system" in told.error


def test_helm_makes_the_test_again_and_again_and_takes_its_rights_away(release: Release) -> None:
    release.cluster.kubectl("delete", "namespace", SCRATCH, "--ignore-not-found")
    pods = set()
    for _ in range(2):
        assert "Phase:          Succeeded" in release.helm("test", NAME, "--timeout=90s")
        for kind in ("serviceaccount", "networkpolicy"):
            assert release.cluster.get(kind, ACCOUNT, NAMESPACE) is None
        until(lambda: release.cluster.get("namespace", SCRATCH) is None, "the namespace is gone")
        pods |= {one["metadata"]["uid"] for one in release.cluster.items("pods", "", SELFTEST)}
    assert len(pods) == 2
