# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""An installation from `manifests/` becomes a release of the chart, and no workflow notices."""

from __future__ import annotations

from contextlib import ExitStack

from tests.chart.release import NAME, Release
from tests.chart.rendering import CHART
from tests.cluster.cluster import Cluster
from tests.cluster.installation import NAMESPACE, PROJECT
from tests.component.workflows import workflow
from tests.e2e.stage import Stage
from tests.e2e.stories import fresh_place

OVERLAY = PROJECT / "manifests" / "overlays" / "without-vault"
ROUTER = "router"


def test_helm_takes_over_what_kubectl_applied_and_workflows_do_not_notice() -> None:
    with Cluster("simulated") as cluster:
        cluster.kubectl("apply", "--server-side", "-k", str(OVERLAY))
        release = Release(cluster, vault=False)
        release.start()
        stage = Stage(cluster, release)
        with ExitStack() as ending, stage.session, fresh_place(stage) as place:
            ending.callback(release.stop)
            place.create(workflow(ROUTER))
            place.until_ready(ROUTER)
            before = place.children(ROUTER)
            deployment = cluster.get("deployment", NAME, NAMESPACE)
            mark = stage.mark()
            over = ("--take-ownership", "--force-conflicts", "--wait")
            release.helm("upgrade", NAME, str(CHART), "--install", *over)
            place.reconciled(ROUTER)
            touched = {one.resource for one in place.writes(mark)}
            assert touched == {"healthcareworkflows/status"}
            assert place.children(ROUTER).keys() == before.keys()
            after = cluster.get("deployment", NAME, NAMESPACE)
            assert deployment
            assert after
            assert after["metadata"]["uid"] == deployment["metadata"]["uid"]
            assert after["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "Helm"
