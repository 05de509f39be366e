# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The last line of defence of the log: what looks like a credential is cut out of a finished line.

Nothing in Wardkeeper writes a secret on purpose; libraries and servers may. This knows shapes,
not values, so it is no excuse for logging a body.
"""

from __future__ import annotations

import re

REDACTED = "[redacted]"

_SHAPES = re.compile(
    "|".join(
        (
            r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
            r"\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]+){1,4}",
            r"\bhv[sbr]\.[A-Za-z0-9_.-]{8,}",
            r"\b[sbr]\.[A-Za-z0-9]{20,}(?:\.[A-Za-z0-9]+)?",
            r"(?<=://)[^\s/:@\"]*:[^\s/@\"]+(?=@)",
            r"(?i:(?<=\bbearer )|(?<=\bbasic ))[A-Za-z0-9._~+/=-]{6,}",
        )
    ),
    re.DOTALL,
)
"""PEM private keys; JSON Web Tokens; Vault and OpenBao tokens in their new and old form; user and
password in a URL; what follows an authentication scheme."""


def redact(text: str) -> str:
    """The text with everything that looks like a credential replaced."""
    return _SHAPES.sub(REDACTED, text)
