# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The operator and the API server end and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from tests.cluster.waiting import until
from tests.e2e.stage import RefusedError
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.e2e.stage import Stage
    from tests.histories.scene import Scene


def kill(scene: Scene) -> str:
    """Kill the operator in the middle of what it does, and start another one."""
    scene.burst.rough = True
    scene.stage.operator.kill()
    scene.stage.operator.start()
    return "kill the operator"


def kill_and_wait(scene: Scene) -> str:
    """Kill the operator; the steps that follow in this burst happen while none runs."""
    scene.burst.rough = True
    scene.stage.operator.kill()
    return "kill the operator and start none for now"


def restart(scene: Scene) -> str:
    """Ask the operator to end, and start another one."""
    scene.burst.rough = True
    scene.stage.operator.stop()
    scene.stage.operator.start()
    return "restart the operator"


def restart_api_server(scene: Scene) -> str:
    """Kill the API server, and start another one."""
    scene.burst.rough = True
    server = scene.stage.cluster.processes["kube-apiserver"]
    server.kill()
    server.start()
    until(lambda: answers(scene.stage), "the API server is back", seconds=60)
    return "restart the API server"


def wake(scene: Scene) -> None:
    """Have an operator run; kubelet would start one that ended anew."""
    process = scene.stage.operator.process
    if process is None or process.identity is None:
        scene.stage.operator.start()


def answers(stage: Stage) -> bool:
    """Whether the API server serves our kind."""
    try:
        return bool(stage.send("GET", KIND))
    except (RefusedError, requests.ConnectionError):
        return False
