# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What goes into and comes out of the step that supplies a workflow with its secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from wardkeeper.rotation.decide import Action, Cause

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime
    from random import Random

    from wardkeeper.api.reasons import Reason
    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.vault.workflows import WorkflowVault


class Phase(StrEnum):
    """What is being done about a secret."""

    IDLE = "Idle"
    WAITING = "Waiting"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A live Secret, as far as it is ever looked at.

    Attributes:
        metadata: the PartialObjectMetadata of the Secret.
        foreign_edit: somebody else than the operator changed it.
    """

    metadata: Mapping[str, Any]
    foreign_edit: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """The secrets of one workflow in one pass.

    Attributes:
        namespace: namespace of the workflow.
        workflow: name of the workflow, and of its ServiceAccount.
        uid: uid of the workflow.
        secrets: what the spec declares.
        delivered: the live Secrets by the name of the secret; absent when there is none.
        known: names of the secrets that status lists: there was a version before.
        dropped: names that status or live Secrets know and the spec no longer declares.
        rotate_now: value of the annotation rotate-now; empty without one.
        handled_rotate_now: value of status.lastHandledRotateNow; empty without one.
        labels: labels of the workflow's children.
        owner: owner reference to the workflow.
    """

    namespace: str
    workflow: str
    uid: str
    secrets: tuple[SecretSpec, ...]
    delivered: Mapping[str, Delivered] = field(default_factory=dict)
    known: frozenset[str] = frozenset()
    dropped: tuple[str, ...] = ()
    rotate_now: str = ""
    handled_rotate_now: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SecretServices:
    """What the step may touch outside of itself.

    Attributes:
        vault: None when no Vault is configured.
        workflow_jwt: (namespace, ServiceAccount) -> a token for the audience `vault-operator`.
        publish: replaces or creates the Secret as a whole; returns what the server stored.
        clock: the time, with time zone.
        random: source of new values; `secrets.SystemRandom()`.
    """

    vault: WorkflowVault | None
    workflow_jwt: Callable[[str, str], Awaitable[str]]
    publish: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
    clock: Callable[[], datetime]
    random: Random


@dataclass(frozen=True, slots=True)
class SecretOutcome:
    """Where one secret stands after the step; never a value.

    Attributes:
        name: name of the secret in the workflow.
        action: what was done, or is to be done when `reason` is set.
        cause: why.
        engine: where it comes from.
        phase: Idle, Waiting (Vault is away) or Failed (it refuses).
        version: version that is delivered; None when none is.
        rotated_at: when that version was made.
        due_at: when it is replaced.
        deadline: when it counts as overdue.
        content_mac: fingerprint for the pod template. None: nothing is delivered, or what is
            delivered is unknown; then the workload must not be changed.
        published: the Secret was written in this pass.
        rotated: a new version was made in this pass.
        reason: None when current; else the reason for SecretsCurrent=False.
        message: for people, with the remedy; empty when current.
        overdue: the delivered version is past its deadline.
        next_look: seconds until something must be looked at again.
    """

    name: str
    action: Action = Action.KEEP
    cause: Cause = Cause.CURRENT
    engine: str = "KvGenerated"
    phase: Phase = Phase.IDLE
    version: str | None = None
    rotated_at: datetime | None = None
    due_at: datetime | None = None
    deadline: datetime | None = None
    content_mac: str | None = None
    published: bool = False
    rotated: bool = False
    reason: Reason | None = None
    message: str = ""
    overdue: bool = False
    next_look: float | None = None


@dataclass(frozen=True, slots=True)
class Supplied:
    """The result of the step.

    Attributes:
        secrets: one outcome for each declared secret, in the order of the spec.
        removed: dropped secrets whose versions are gone from Vault: their Secret may be deleted.
        unfinished: dropped secrets that are still in Vault, with the reason and the remedy.
        unknown_requests: names in rotate-now that the workflow has no secret for.
        handled_rotate_now: value for status.lastHandledRotateNow; None while something of it waits.
    """

    secrets: tuple[SecretOutcome, ...]
    removed: tuple[str, ...] = ()
    unfinished: Mapping[str, str] = field(default_factory=dict)
    unknown_requests: tuple[str, ...] = ()
    handled_rotate_now: str | None = None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What of a deleted workflow is gone from Vault.

    Attributes:
        left: what could not be removed, by name (`KV entry db`, `auth roles`), with the reason.
        unavailable: Vault is away: wait and call again; else the rest needs a person.
        next_look: seconds until another call makes sense.
    """

    left: Mapping[str, str] = field(default_factory=dict)
    unavailable: bool = False
    next_look: float | None = None

    @property
    def done(self) -> bool:
        """Nothing of the workflow is left in Vault."""
        return not self.left
