# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Ending tasks so that none is left running and no failure is lost."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

_log = logging.getLogger(__name__)


async def end(tasks: Collection[asyncio.Task[Any]]) -> list[Exception]:
    """Cancel tasks and wait until they have ended; the failures they ended with."""
    for task in tasks:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    return [one for one in results if isinstance(one, Exception)]


async def ended(task: asyncio.Task[None]) -> list[Exception]:
    """Wait until a task has ended by itself; the failure it ended with, if any."""
    results = await asyncio.gather(task, return_exceptions=True)
    return [one for one in results if isinstance(one, Exception)]


def tell_without_content(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what asyncio caught; its own way would print arguments, and they are whole objects."""
    error = context.get("exception")
    _log.error("a callback failed", exc_info=error if isinstance(error, Exception) else None)
