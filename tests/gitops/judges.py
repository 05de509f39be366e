# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Four judges of readiness over recorded objects.

Argo CD runs `health.lua`, here in the same Lua with the same few functions. Flux's own evaluator
runs its health check expressions, kstatus is the library itself, and `kubectl wait` is kubectl.
What a judge says depends on the object alone, so every version of an object that a watch told of
can be judged afterwards.
"""

from __future__ import annotations

import json
import subprocess
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from tests.cluster.build import ensure
from tests.cluster.progress import Report
from tests.cluster.tools import JUDGES
from tests.gitops import argocd, room
from tests.gitops.waits import waits

if TYPE_CHECKING:
    from collections.abc import Sequence

Obj = dict[str, Any]

EXPRESSIONS = (
    Path(__file__).parents[2] / "manifests" / "gitops" / "flux" / "health-check-exprs.yaml"
)


class Verdict(Enum):
    """What a deployment pipeline makes of what its judge says."""

    READY = "goes on"
    PROGRESSING = "waits"
    FAILED = "gives up"


class Verdicts(NamedTuple):
    """What the four say of one object."""

    argocd: Verdict
    flux: Verdict
    kstatus: Verdict
    kubectl: Verdict

    @property
    def all(self) -> Verdict | None:
        """What all say; None when they differ."""
        return self[0] if len(set(self)) == 1 else None


_WORDS = {
    "Healthy": Verdict.READY,
    "Progressing": Verdict.PROGRESSING,
    "Degraded": Verdict.FAILED,
    "Current": Verdict.READY,
    "InProgress": Verdict.PROGRESSING,
    "Terminating": Verdict.PROGRESSING,
    "Failed": Verdict.FAILED,
}


def judge(objects: Sequence[Obj]) -> list[Verdicts]:
    """What each of the four says of each object, in order."""
    ready, stalled = (waits(objects, condition) for condition in ("Ready", "Stalled"))
    return [
        Verdicts(
            argocd=_WORDS[room.run(argocd.HEALTH, one)["status"]],
            flux=_WORDS[said["flux"]],
            kstatus=_WORDS[said["kstatus"]],
            kubectl=_waited(is_ready, is_stalled),
        )
        for one, said, is_ready, is_stalled in zip(
            objects, _ask(objects), ready, stalled, strict=True
        )
    ]


def _waited(ready: bool, stalled: bool) -> Verdict:
    if ready:
        return Verdict.READY
    return Verdict.FAILED if stalled else Verdict.PROGRESSING


def _ask(objects: Sequence[Obj]) -> list[dict[str, str]]:
    """What kstatus and Flux's evaluator say."""
    [expressions] = yaml.safe_load(EXPRESSIONS.read_text())["healthCheckExprs"]
    answer = subprocess.run(
        [str(ensure(JUDGES, Report()) / "judges")],
        input=json.dumps({"expressions": expressions, "objects": list(objects)}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if answer.returncode:
        raise RuntimeError(answer.stderr)
    return [json.loads(line) for line in answer.stdout.splitlines()]
