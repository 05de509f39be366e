# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One thing that is wrong with what somebody wrote.

The same shape whether a type, a rule of the schema or a judgement found it, so that a reader meets
one kind of sentence. It must never hold a value that could be secret.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in a spec that cannot be carried out: where, what is there, what is wanted."""

    field: str
    found: str
    wanted: str

    def message(self, subject: str) -> str:
        """One sentence for people; `subject` is kind and name: `HealthcareWorkflow/router`."""
        return f"{subject}: {self.field} is {self.found}; {self.wanted}"
