# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a pass has found out so far; status is made of it and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wardkeeper.engine.enforcement import Enforcement

if TYPE_CHECKING:
    from wardkeeper.api.status import DriftRecord
    from wardkeeper.engine.outcome import Outcome
    from wardkeeper.engine.plan import Plan
    from wardkeeper.engine.rollout import Rollout
    from wardkeeper.engine.secrets.job import Supplied
    from wardkeeper.engine.secrets.quarantine import Isolated
    from wardkeeper.policy.opening import Opener
    from wardkeeper.policy.selector import PodLabels
    from wardkeeper.policy.verdict import Verdict


@dataclass(slots=True)
class Findings:
    """Filled in from top to bottom; what a pass did not get to stays empty.

    Attributes:
        generation: generation of the spec that the pass looked at.
        digest: `sha256:...` of the spec that the pass looked at.
        running: digest of the spec whose children are live; None when none are yet.
        verdict: what policy says; None when the spec could not even be read.
        guards_in_place: every guard was seen or made as wanted.
        supplied: where the secrets stand; None when the pass did not get to them.
        rollout: where the workload stands; None when there is none.
        repaired: what others did and this pass undid.
        would: in Audit mode, what would be done.
        stop: why the pass did not get to its end.
        reconcile_at: value of the annotation reconcile-at that this pass honoured.
        rotate_now: value of the annotation rotate-now that has been honoured.
        quarantine: why the workflow is to be cut off; empty when it is not.
        enforcement: whether the network plug-in is seen to enforce policies.
        pods: labels of the pods that the pass is about; None when it could not read the workflow.
        begun: something was written, or would have been, that belongs to the spec of this pass.
        opened: NetworkPolicies of others that open these pods.
        isolated: how far it is cut off from Vault; None when the pass did not get to that.
    """

    generation: int
    digest: str
    running: str | None = None
    verdict: Verdict | None = None
    guards_in_place: bool = False
    supplied: Supplied | None = None
    rollout: Rollout | None = None
    repaired: list[DriftRecord] = field(default_factory=list)
    would: Plan | None = None
    stop: Outcome | None = None
    reconcile_at: str | None = None
    rotate_now: str | None = None
    quarantine: str = ""
    isolated: Isolated | None = None
    pods: PodLabels | None = None
    begun: bool = False
    opened: tuple[Opener, ...] = ()
    enforcement: Enforcement = field(default_factory=Enforcement)

    @property
    def succeeds(self) -> bool:
        """Whether the spec of this pass is to take the place of another one that runs."""
        return self.running is not None and self.running != self.digest
