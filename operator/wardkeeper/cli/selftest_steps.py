# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What `wardkeeper selftest` does, step by step, in one namespace and with one workflow of its own.

It acts as an ordinary person: it writes the workflow, tries what must not go through, and takes the
workflow away again. It never touches another object.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from wardkeeper.api.reasons import ConditionType
from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.workflow import KIND
from wardkeeper.kube.errors import Forbidden, NotFound
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wardkeeper.kube.client import Client

IDENTITY_GUARD = "wardkeeper-workflow-identity"
CHILDREN_GUARD = "wardkeeper-workflow-children"
NEVER_PULLED = "registry.invalid/selftest@sha256:" + "0" * 64
Step: TypeAlias = "tuple[str, Callable[[Trial], Awaitable[None]]]"
"""What a step shows, and the step."""

NEVER = "0 0 29 2 *"
"""A schedule whose next time is far away."""

PAUSE = 0.2
"""Seconds between two looks."""


class FailedError(Exception):
    """Something that Wardkeeper promises is not so; the text says what, and where to look."""


@dataclass(frozen=True)
class Trial:
    """What is tried, and where.

    Attributes:
        client: speaks to the API server as the one who tries.
        namespace: where the workflow is made.
        name: of the workflow.
        image: by digest, runs `wardkeeper version`; empty: nothing is run.
        guards: whether the policy on identities is there to refuse.
        seconds: patience for each step.
    """

    client: Client
    namespace: str
    name: str
    image: str = ""
    guards: bool = True
    seconds: float = 120.0

    @property
    def workload(self) -> str:
        """The kind of the workload."""
        return "Job" if self.image else "CronJob"

    async def read(self, kind: str, name: str) -> dict[str, Any] | None:
        """One object; None when it is not there."""
        try:
            return await self.client.get(resource_of(kind), self.namespace, name)
        except NotFound:
            return None

    async def until(self, look: Callable[[], Awaitable[str]]) -> None:
        """Look until there is nothing to complain of.

        Raises:
            FailedError: there still is, at the end of the patience.
        """
        deadline = time.monotonic() + self.seconds
        while complaint := await look():
            if time.monotonic() > deadline:
                raise FailedError(f"{complaint} (waited {self.seconds:.0f} s)")
            await asyncio.sleep(PAUSE)


def workflow(trial: Trial) -> dict[str, Any]:
    """The workflow: a Job that runs the image, or a CronJob whose time never comes."""
    kind: dict[str, Any] = {"kind": "CronJob", "schedule": NEVER}
    if trial.image:
        kind = {"kind": "Job", "backoffLimit": 0, "activeDeadlineSeconds": 300}
    amounts = {"cpu": "50m", "memory": "128Mi"}
    container = {
        "name": "selftest",
        "image": trial.image or NEVER_PULLED,
        "command": ["wardkeeper", "version"],
        "resources": {"requests": amounts, "limits": amounts},
    }
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": KIND,
        "metadata": {"name": trial.name, "namespace": trial.namespace},
        "spec": {
            "owner": {"team": "wardkeeper", "contact": "wardkeeper selftest"},
            "phi": {"classification": "None"},
            "workload": {**kind, "containers": [container]},
        },
    }


async def make(trial: Trial) -> None:
    """The API server takes the workflow."""
    await trial.client.create(workflow(trial))


async def become_ready(trial: Trial) -> None:
    """The operator makes it Ready, for the generation it has."""

    async def look() -> str:
        raw = await trial.read(KIND, trial.name)
        if raw is None:
            return "the workflow is gone; somebody deleted it"
        found = raw.get("status", {}).get("conditions") or ()
        ready = next((one for one in found if one["type"] == ConditionType.READY), None)
        if ready is None:
            return (
                "the operator says nothing of the workflow: is it running, does a replica lead, "
                f"and do its settings name namespace {trial.namespace}?"
            )
        current = ready.get("observedGeneration") == raw["metadata"]["generation"]
        if ready["status"] == "True" and current:
            return ""
        return f"the workflow is not Ready: {ready['reason']}, {ready['message']}"

    await trial.until(look)


async def be_guarded(trial: Trial) -> None:
    """Its network is closed, its identity is its own, its workload is there."""
    deny = await trial.read("NetworkPolicy", f"{trial.name}-deny")
    if deny is None or set(deny["spec"]["policyTypes"]) != {"Ingress", "Egress"}:
        raise FailedError(f"NetworkPolicy {trial.name}-deny does not close its network")
    account = await trial.read("ServiceAccount", trial.name)
    if account is None or account.get("automountServiceAccountToken") is not False:
        raise FailedError(f"ServiceAccount {trial.name} is missing, or hands out tokens")
    if await trial.read(trial.workload, trial.name) is None:
        raise FailedError(f"{trial.workload} {trial.name} is missing")


async def keep_its_identity(trial: Trial) -> None:
    """A pod that is not its own cannot use its ServiceAccount."""
    try:
        await trial.client.apply(_stranger(trial), dry_run=True)
    except Forbidden as refused:
        if IDENTITY_GUARD in str(refused):
            return
        raise
    raise FailedError(
        f"a foreign pod may use ServiceAccount {trial.name}: {IDENTITY_GUARD} does not refuse"
    )


async def keep_its_guards(trial: Trial) -> None:
    """A guard that somebody takes away is not let go, or is back at once."""
    resource, name = resource_of("NetworkPolicy"), f"{trial.name}-deny"
    taken = await trial.client.get(resource, trial.namespace, name)
    uid = taken["metadata"]["uid"]
    try:
        await trial.client.delete(resource, trial.namespace, name, uid=uid)
    except Forbidden as refused:
        if CHILDREN_GUARD in str(refused):
            return
        raise

    async def look() -> str:
        found = await trial.read("NetworkPolicy", name)
        back = found is not None and found["metadata"]["uid"] != uid
        return "" if back else f"NetworkPolicy {name} was deleted and is not back"

    await trial.until(look)


async def run(trial: Trial) -> None:
    """The image runs to its end, as confined as every workflow is."""

    async def look() -> str:
        job = await trial.read("Job", trial.name) or {}
        status = job.get("status", {})
        if status.get("failed"):
            raise FailedError(
                f"the run of {trial.image} failed: look at the pods of Job {trial.name}"
            )
        return "" if status.get("succeeded") else f"the run of {trial.image} has not ended"

    await trial.until(look)


async def take_away(trial: Trial) -> None:
    """Delete the workflow, if there is one, and leave the rest to the operator."""
    raw = await trial.read(KIND, trial.name)
    if raw is not None:
        where = (resource_of(KIND), trial.namespace, trial.name)
        await trial.client.delete(*where, uid=raw["metadata"]["uid"])


async def go(trial: Trial) -> None:
    """The workflow goes, and what was made of it goes along."""
    await take_away(trial)

    async def look() -> str:
        for kind, name in (
            (KIND, trial.name),
            (trial.workload, trial.name),
            ("NetworkPolicy", f"{trial.name}-deny"),
            ("NetworkPolicy", f"{trial.name}-allow"),
            ("ServiceAccount", trial.name),
        ):
            if await trial.read(kind, name) is not None:
                return f"{kind} {name} is still there"
        return ""

    await trial.until(look)


def steps_of(trial: Trial) -> tuple[Step, ...]:
    """What is tried, in this order, each with what it shows."""
    return (
        ("the API server takes a workflow", make),
        ("the operator makes it Ready", become_ready),
        ("its guards are in place", be_guarded),
        *([("nobody else can use its identity", keep_its_identity)] if trial.guards else ()),
        ("its guards cannot be taken away", keep_its_guards),
        *([("its image runs to its end", run)] if trial.image else ()),
        ("it goes, and takes along what was made of it", go),
    )


def _stranger(trial: Trial) -> dict[str, Any]:
    """A pod of somebody else with the workflow's ServiceAccount, hardened so that it is let in."""
    security = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {"name": "c", "image": NEVER_PULLED, "securityContext": security}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{trial.name}-stranger", "namespace": trial.namespace},
        "spec": {"serviceAccountName": trial.name, "containers": [container]},
    }
