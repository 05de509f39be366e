# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whether the network of a workflow is closed, going by what a pass found. Pure.

That its policies are in place is not enough: the network plug-in must enforce them, and nobody else
may open what they close.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from wardkeeper.api.reasons import ConditionType, Reason
from wardkeeper.api.status import ConditionStatus
from wardkeeper.engine.enforcement import Enforced, Enforcement
from wardkeeper.policy.opening import describe_openers

if TYPE_CHECKING:
    from wardkeeper.api.status import WorkflowStatus
    from wardkeeper.engine.findings import Findings

_IN_PLACE = "default-deny and allow policies are in place"
_OPEN = "the network plugin does not enforce policies: "
_UNTOLD = "; whether they are enforced is not known: "
_TRUE, _FALSE, _UNKNOWN = ConditionStatus.TRUE, ConditionStatus.FALSE, ConditionStatus.UNKNOWN

NOT_CLOSED = (Reason.POLICIES_NOT_ENFORCED, Reason.OPENED_BY_OTHERS)
"""Why a network is open though its policies are in place; somebody has to act."""


class Network(NamedTuple):
    """What the condition NetworkClosed says."""

    status: ConditionStatus
    reason: Reason
    message: str


def judge_network(found: Findings) -> Network:
    """Whether the network is closed, and what tells so."""
    if not found.guards_in_place:
        return Network(_UNKNOWN, Reason.POLICIES_MISSING, "not every guard was seen in place")
    enforced, why = found.enforcement
    if enforced is Enforced.NO:
        return Network(_FALSE, Reason.POLICIES_NOT_ENFORCED, f"{_OPEN}{why}")
    if found.opened:
        return Network(_FALSE, Reason.OPENED_BY_OTHERS, describe_openers(found.opened))
    if found.quarantine:
        words = "the default-deny policy alone is in place"
        return Network(_TRUE, Reason.QUARANTINED, words)
    match enforced:
        case Enforced.YES:
            words = f"{_IN_PLACE}, and the canary found that the network plugin enforces them"
            return Network(_TRUE, Reason.POLICIES_ENFORCED, words)
        case Enforced.UNKNOWN:
            return Network(_UNKNOWN, Reason.CANARY_UNAVAILABLE, f"{_IN_PLACE}{_UNTOLD}{why}")
    words = f"{_IN_PLACE}; whether the network plugin enforces them is not probed"
    return Network(_TRUE, Reason.POLICIES_IN_PLACE, words)


def as_told(before: WorkflowStatus, pending: Enforcement) -> Enforcement:
    """What the canary found under the operator before this one; a restart changes no status."""
    kind = ConditionType.NETWORK_CLOSED
    told = next((one for one in before.conditions if one.type == kind), None)
    if told is not None and told.reason == Reason.POLICIES_ENFORCED:
        return Enforcement(Enforced.YES)
    if told is not None and told.reason == Reason.POLICIES_NOT_ENFORCED:
        return Enforcement(Enforced.NO, told.message.removeprefix(_OPEN))
    if told is not None and told.reason == Reason.CANARY_UNAVAILABLE:
        return Enforcement(Enforced.UNKNOWN, told.message.partition(_UNTOLD)[2])
    return Enforcement(Enforced.UNKNOWN, pending.why)
