# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The page of conditions and reasons that a reader looks up, made from the words themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.reasons import ConditionType, Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGE = """\
<!--
SPDX-FileCopyrightText: The Wardkeeper Authors
SPDX-License-Identifier: Apache-2.0
Generated from operator/wardkeeper/api/reasons.py; change it there, then run `make crds`.
-->

# Conditions and reasons

What `kubectl describe hcw` and the events of a workflow say, and what to do about it. These words
are part of the API: none is renamed or given another meaning within an API version.

## Conditions

`kubectl wait hcw/<name> --for=condition=Ready` waits for the one that matters. Each carries the
generation of the spec that it speaks of.

{conditions}

## Reasons

{reasons}
"""


def reasons_page() -> str:
    """The page as Markdown, in the order of the enums."""
    conditions = ((f"`{one}`", one.meaning) for one in ConditionType)
    reasons = ((f"`{one}`", one.meaning, one.remedy) for one in Reason)
    return _PAGE.format(
        conditions=_table(("Condition", "What it says when it is True"), conditions),
        reasons=_table(("Reason", "What it means", "What to do"), reasons),
    )


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
