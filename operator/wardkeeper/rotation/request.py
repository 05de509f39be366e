# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The annotation `wardkeeper.io/rotate-now`: a person asks for a rotation before it is due.

`db` asks once; `db@2`, `db@monday` ask again: a request is answered once, and another one
differs in what follows the `@`. Several secrets are separated by commas.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True)
class Requests:
    """What the annotation asks for.

    Attributes:
        by_secret: the whole request (`db@2`) by the name of the secret; the last one counts.
        unknown: names that the workflow has no secret for, in order; to be reported.
    """

    by_secret: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()

    def of(self, secret: str) -> str:
        """The request for one secret; empty when there is none."""
        return self.by_secret.get(secret, "")


def read_requests(annotation: str, secrets: Collection[str]) -> Requests:
    """Read the annotation's value; blanks around commas and empty parts do not count."""
    by_secret: dict[str, str] = {}
    unknown: dict[str, None] = {}
    for part in annotation.split(","):
        request = part.strip()
        name = request.partition("@")[0].strip()
        if name in secrets:
            by_secret[name] = request
        elif request:
            unknown[name] = None
    return Requests(by_secret, tuple(unknown))
