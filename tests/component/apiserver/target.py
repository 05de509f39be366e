# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which object a write is about, and the refusals that name it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.component.apiserver.refusal import Refusal

if TYPE_CHECKING:
    from tests.component.apiserver.kinds import Kind
    from tests.component.apiserver.store import Key


@dataclass(frozen=True, slots=True)
class Target:
    """What a write is about, and how it is to be done."""

    kind: Kind
    namespace: str
    name: str
    subresource: str = ""
    manager: str = "unknown"
    dry_run: bool = False

    @property
    def key(self) -> Key:
        return (self.namespace, self.name)

    def missing(self) -> Refusal:
        """404 for this object."""
        return Refusal(404, f'{self.kind.plural} "{self.name}" not found')

    def taken(self) -> Refusal:
        """409 for a name that is in use."""
        what = f'{self.kind.plural} "{self.name}"'
        return Refusal(409, f"{what} already exists", reason="AlreadyExists")

    def conflict(self, why: str) -> Refusal:
        """409 for another state than the one meant."""
        what = f'{self.kind.plural} "{self.name}"'
        return Refusal(409, f"Operation cannot be fulfilled on {what}: {why}")
