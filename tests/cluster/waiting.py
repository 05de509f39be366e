# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Waiting on an effect, bounded; the only place in the test cluster that sleeps."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PAUSE = 0.05
"""Seconds between two looks."""


COLLECTS = 90.0
"""Seconds for the garbage collector to take what has lost its owner, or to let it go.

It asks twice a minute which kinds there are, and then has to list those that are new. A change of a
definition ends its watch of that kind; if that happens again within two minutes it pauses longer
each time before it watches anew, for up to a minute.
"""


class NotReadyError(TimeoutError):
    """What was waited for did not happen in time."""


def until(
    probe: Callable[[], T | None],
    what: str,
    *,
    seconds: float = 30.0,
    check: Callable[[], None] = lambda: None,
    pause: float = PAUSE,
) -> T:
    """Call `probe` until it answers something true, and return the answer.

    Args:
        probe: one look; None or another false value means "not yet".
        what: what is waited for, for the message.
        seconds: how long to wait at most.
        check: called before each look; raises when waiting has become pointless.
        pause: seconds between two looks.

    Raises:
        NotReadyError: the time is over.
    """
    deadline = time.monotonic() + seconds
    while True:
        check()
        if found := probe():
            return found
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what}: not so after {seconds:g} s")
        time.sleep(pause)
