# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""All children of a workflow, in the order in which they are applied.

The guards (identity, closed network, rights) come before the workload: no pod template may ever
exist without them. Secrets are not here; rotation publishes them between the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.policy.verdict import Verdict
    from wardkeeper.render.metadata import Obj
    from wardkeeper.render.surroundings import Surroundings


@dataclass(frozen=True, slots=True)
class Rendered:
    """The guards in the order of their application, and the workload that comes last."""

    guards: tuple[Obj, ...]
    workload: Obj

    @property
    def children(self) -> tuple[Obj, ...]:
        """Everything, in the order of application; teardown goes the other way."""
        return (*self.guards, self.workload)


def render(
    workflow: HealthcareWorkflow,
    verdict: Verdict,
    surroundings: Surroundings,
    *,
    macs: Mapping[str, str],
) -> Rendered:
    """The objects that a workflow needs, canonical and deterministic.

    Args:
        workflow: what is wanted.
        verdict: which endpoints may be reached; `policy.judge` made it for this very workflow.
        surroundings: the cluster as it is.
        macs: the content MAC of each delivered secret, by the secret's name in the spec.

    Raises:
        ValueError: the verdict holds problems; such a spec has no children.
    """
    raise NotImplementedError
