# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What goes into and comes out of the step that supplies a workflow with its secrets."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from wardkeeper.api.credential import Engine
from wardkeeper.api.secrets import OnChange
from wardkeeper.rotation.facts import Cause, Phase, Roll, Rolling

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime
    from random import Random

    from wardkeeper.api.reasons import Reason
    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.engine.secrets.driver import Driver
    from wardkeeper.engine.secrets.ledger import Ledger
    from wardkeeper.engine.secrets.sources import Sources
    from wardkeeper.engine.secrets.tokens import Tokens
    from wardkeeper.vault.workflows import WorkflowVault


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
        rotate_now: value of the annotation rotate-now; empty without one.
        handled_rotate_now: value of status.lastHandledRotateNow; empty without one.
        give_up_before: value of the annotation give-up-before; empty without one.
        labels: labels of the workflow's children.
        owner: owner reference to the workflow.
        rolling: how the workload takes up what is delivered as this pass begins.
    """

    namespace: str
    workflow: str
    uid: str
    secrets: tuple[SecretSpec, ...]
    delivered: Mapping[str, Delivered] = field(default_factory=dict)
    rotate_now: str = ""
    handled_rotate_now: str = ""
    give_up_before: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    owner: Mapping[str, Any] | None = None
    rolling: Rolling = field(default_factory=Rolling)

    def rolling_after(self, spec: SecretSpec) -> Rolling:
        """How the workload takes up another content of this secret, right after its delivery."""
        restarts = spec.delivery.on_change is OnChange.RESTART
        there = self.rolling.roll is not Roll.NONE
        return Rolling(Roll.DUE) if there and restarts else self.rolling


@dataclass(frozen=True, slots=True)
class SecretServices:
    """What the step may touch outside of itself.

    Attributes:
        vault: None when no Vault is configured.
        ledger: every credential that lives.
        tokens: the workflows' own tokens; None when no Vault is configured.
        drivers: what makes credentials, by engine.
        sources: what polled sources said lately.
        publish: replaces or creates the Secret as a whole; returns what the server stored.
        clock: the time, with time zone.
        random: source of new values; `secrets.SystemRandom()`.
        verify: how long a workload must be ready with a new secret before that counts as proven.
        count: told the engine, the outcome and the seconds of a rotation.
    """

    vault: WorkflowVault | None
    ledger: Ledger
    tokens: Tokens | None
    drivers: Mapping[Engine, Driver]
    sources: Sources
    publish: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
    clock: Callable[[], datetime]
    random: Random
    verify: timedelta = timedelta(seconds=10)
    count: Callable[[Engine, str, float | None], None] = lambda *_: None


@dataclass(frozen=True, slots=True)
class SecretOutcome:
    """Where one secret stands after the step; never a value.

    Attributes:
        name: name of the secret in the workflow.
        engine: where it comes from.
        delivers: it is delivered as a Secret.
        phase: where it stands.
        cause: why something is, or was last, done.
        version: version that is delivered; None when none is.
        rotated_at: when that version was made.
        due_at: when it is replaced.
        deadline: when it counts as overdue.
        expires_at: when it ends by itself.
        content_mac: fingerprint for the pod template. None: nothing is delivered, or what is
            delivered is unknown; then the workload must not be changed.
        restored: why the same content was delivered again in this pass; None when it was not.
        rotated: another credential was delivered in this pass in place of one before.
        reason: None when current; else the reason for SecretsCurrent=False.
        message: for people, with the remedy; empty when current.
        advice: what of the spec cannot be kept to the letter though all is current, with the
            remedy; empty when nothing.
        waits_for: what comes next waits for this; empty when for its time alone.
        overdue: the delivered version is past its deadline.
        request: the rotate-now request that the delivered version, or one before it, answered.
        next_look: seconds until something must be looked at again.
    """

    name: str
    engine: Engine = Engine.KV_GENERATED
    delivers: bool = True
    phase: Phase = Phase.IDLE
    cause: Cause = Cause.CURRENT
    version: str | None = None
    rotated_at: datetime | None = None
    due_at: datetime | None = None
    deadline: datetime | None = None
    expires_at: datetime | None = None
    content_mac: str | None = None
    restored: Cause | None = None
    rotated: bool = False
    reason: Reason | None = None
    message: str = ""
    advice: str = ""
    waits_for: str = ""
    overdue: bool = False
    request: str = ""
    next_look: float | None = None


@dataclass(frozen=True, slots=True)
class Supplied:
    """The result of the step.

    Attributes:
        secrets: one outcome for each declared secret, in the order of the spec.
        unknown_requests: names in rotate-now that the workflow has no secret for.
        handled_rotate_now: value for status.lastHandledRotateNow; None while something of it waits.
    """

    secrets: tuple[SecretOutcome, ...]
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
