# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Gives the memory back that only the start needed.

At its start the operator holds every child in full until a pass has compared it. What is freed
then stays with the C library, in pieces; once, when the first passes are done, it is asked to
return them. Where the C library cannot do that, nothing happens.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK = 1.0
CALM_LOOKS = 3


async def give_back(calm: Callable[[], bool]) -> None:
    """Wait until it has been calm for a few looks in a row, then return what is free."""
    looks = 0
    while looks < CALM_LOOKS:
        await asyncio.sleep(LOOK)
        looks = looks + 1 if calm() else 0
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
