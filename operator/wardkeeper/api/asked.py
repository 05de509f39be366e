# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a person asks for by an annotation, which is echoed once it was acted on.

An annotation may be longer than anything that is echoed. If the echo did not fit, no status could
be written, and what the last one said would stand for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

RECONCILE_AT = "wardkeeper.io/reconcile-at"
"""Annotation that asks for another look at everything; any new value does."""

LONGEST_ECHO = 4096
"""Room for a request for each secret that a workflow may have."""


def asked(annotations: Mapping[str, str], name: str) -> str | None:
    """The value of an annotation, cut to what can be echoed; None when it is not there."""
    value = annotations.get(name)
    return None if value is None else value[:LONGEST_ECHO]
