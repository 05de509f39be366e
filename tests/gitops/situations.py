# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Situations in which a pipeline asks whether a workflow is ready, played on a real API server.

Each play ends with the workflow in a state that lasts, and gives every version of the workflow that
a watch tells of from its beginning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.cluster.waiting import until
from tests.component.policies import policy
from tests.component.workflows import OTHER_IMAGE, container, secret, workflow
from tests.gitops.judges import Verdict, Verdicts, judge
from tests.gitops.slow import slow_operator
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.stage import Change, Obj
    from tests.e2e.stories import Place

NAME = "router"
DELAY = 1.0
"""Seconds that a request of the slow operator takes longer; a pass makes several, one by one."""


class Seen(NamedTuple):
    """A version of the workflow, what the judges say of it, and whether it runs as it is written.

    Attributes:
        runs: whether the Deployment of that moment had rolled out this version's spec.
    """

    workflow: Obj
    verdicts: Verdicts
    runs: bool


class Situation(NamedTuple):
    """What happens, and what every judge has to say at its end."""

    name: str
    play: Callable[[Place], None]
    end: Verdict


def operator_down(place: Place) -> None:
    """The workflow is created while no operator runs."""
    place.stage.operator.stop()
    place.create(workflow(NAME))


def operator_slow(place: Place) -> None:
    """The operator takes its time between seeing the workflow and saying that it is ready."""
    place.stage.operator.stop()
    with slow_operator(place.stage.cluster, DELAY):
        place.create(workflow(NAME))
        place.until_ready(NAME)


def converging(place: Place) -> None:
    """The guards stand, the secret is delivered, the pods are not ready yet."""
    for node in place.stage.send("GET", "Node")["items"]:
        _schedule(place, node["metadata"]["name"], allowed=False)
    place.create(workflow(NAME, secrets=[secret()]))
    place.until_told(NAME, "Ready", "RolloutInProgress")


def ready(place: Place) -> None:
    """The pods become ready, and everything stays as it is."""
    place.create(workflow(NAME, secrets=[secret()]))
    place.until_ready(NAME)
    place.reconciled(NAME)


def old_ready_stands(place: Place) -> None:
    """The spec is changed, and nobody has looked at it since the workflow was ready."""
    place.create(workflow(NAME))
    place.until_ready(NAME)
    place.stage.operator.stop()
    _change_image(place)


def changed(place: Place) -> None:
    """The spec is changed, and the change is rolled out."""
    place.create(workflow(NAME))
    place.until_ready(NAME)
    _change_image(place)
    place.until_ready(NAME)


def invalid_spec(place: Place) -> None:
    """The spec cannot be carried out, which only the operator can see."""
    workload = {"kind": "CronJob", "schedule": "0 2 30 2 *"}
    plain = container(ports=[], probes=None)
    place.create(
        workflow(
            NAME,
            workload={**workload, "timeZone": "Nowhere/Atlantis", "containers": [plain]},
            network={},
        )
    )
    place.until_told(NAME, "Stalled", "SpecInvalid")


def made_invalid(place: Place) -> None:
    """A workflow that is ready is changed into one that asks for more than may be granted."""
    place.create(workflow(NAME))
    place.until_ready(NAME)
    nodes = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list"]}
    place.edit(KIND, NAME, {"spec": {"access": {"rules": [nodes]}}})
    place.until_told(NAME, "Stalled", "AccessRefused")


def opened_by_others(place: Place) -> None:
    """A policy of somebody else lets everybody in, from before the workflow is there."""
    place.create(policy("allow-all", place.namespace))
    place.create(workflow(NAME))
    place.until_told(NAME, "Stalled", "OpenedByOthers")
    until(
        lambda: place.condition(NAME, "WorkloadAvailable").get("status") == "True",
        "its pods are ready",
    )


def deleted(place: Place) -> None:
    """A workflow that is ready is deleted, and there is no operator that takes its roles away."""
    place.create(workflow(NAME, secrets=[secret()]))
    place.until_ready(NAME)
    place.stage.operator.stop()
    place.delete(KIND, NAME)


SITUATIONS = (
    Situation("created while the operator is down", operator_down, Verdict.PROGRESSING),
    Situation("operator slow", operator_slow, Verdict.READY),
    Situation("converging", converging, Verdict.PROGRESSING),
    Situation("ready", ready, Verdict.READY),
    Situation("changed while an old Ready stands", old_ready_stands, Verdict.PROGRESSING),
    Situation("changed and rolled out", changed, Verdict.READY),
    Situation("invalid spec", invalid_spec, Verdict.FAILED),
    Situation("made invalid", made_invalid, Verdict.FAILED),
    Situation("opened by others", opened_by_others, Verdict.FAILED),
    Situation("being deleted", deleted, Verdict.PROGRESSING),
)


def played(situation: Situation, place: Place) -> list[Seen]:
    """Every version of the workflow in a situation, judged."""
    since = place.version()
    try:
        situation.play(place)
        history = place.history(since, KIND, "Deployment")
    finally:
        _tidy(place)
    versions, runs = _with_truth(history)
    return [
        Seen(one, verdicts, truth)
        for one, verdicts, truth in zip(versions, judge(versions), runs, strict=True)
    ]


def _with_truth(history: list[Change]) -> tuple[list[Obj], list[bool]]:
    """The versions of the workflow, and whether each ran at its time."""
    deployment: Obj = {}
    versions, runs = [], []
    for change in history:
        if change.obj["kind"] == "Deployment":
            deployment = change.obj
        elif change.type != "DELETED":
            versions.append(change.obj)
            runs.append(bool(deployment) and _runs(deployment, change.obj))
    return versions, runs


def _runs(deployment: Obj, wanted: Obj) -> bool:
    [asked] = wanted["spec"]["workload"]["containers"]
    [running] = deployment["spec"]["template"]["spec"]["containers"]
    status = deployment["status"]
    counts = {status.get(f"{one}eplicas") for one in ("r", "updatedR", "availableR")}
    current = status.get("observedGeneration") == deployment["metadata"]["generation"]
    return bool(current and running["image"] == asked["image"] and counts == {2})


def _change_image(place: Place) -> None:
    images = [container(image=OTHER_IMAGE)]
    place.edit(KIND, NAME, {"spec": {"workload": {"containers": images}}})


def _schedule(place: Place, node: str, *, allowed: bool) -> None:
    place.stage.send(
        "PATCH",
        "Node",
        name=node,
        body={"spec": {"unschedulable": not allowed}},
        content="application/merge-patch+json",
    )


def _tidy(place: Place) -> None:
    """Let pods be scheduled and the operator run, and have it take the workflow away."""
    for node in place.stage.send("GET", "Node")["items"]:
        _schedule(place, node["metadata"]["name"], allowed=True)
    place.stage.settle()
    if place.get(KIND, NAME):
        place.delete(KIND, NAME)
    until(lambda: place.get(KIND, NAME) is None, "the workflow is gone", seconds=60)
