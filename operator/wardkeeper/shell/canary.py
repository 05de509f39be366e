# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Asks the canary again and again what it can reach, and tries what must not be reached of it.

Four connections, one each way that its workflow declares and one each way that it does not. All
four have a listener, so a refusal is the network's.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from typing import TYPE_CHECKING, Annotated, Any

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wardkeeper.engine.enforcement import Enforced, Enforcement, EnforcementJudge, Look
from wardkeeper.proof.reach import reaches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)

ASK_SECONDS = 10.0
TRY_SECONDS = 3.0
LONGEST_ANSWER = 4096

NO_ADDRESS = "the operator does not know its own address: set POD_IP from status.podIP"


class _Reached(BaseModel):
    model_config = ConfigDict(strict=True)

    declared: bool
    undeclared: bool


class _Answer(BaseModel):
    """What the canary answers; checked like everything that comes over a network."""

    model_config = ConfigDict(strict=True)

    address: str
    undeclared_port: Annotated[int, Field(alias="undeclaredPort", ge=1, le=65535)]
    reached: _Reached


class Canary:
    """Looks at intervals and knows the answer.

    Args:
        url: of the canary.
        address: of this pod, which the canary tries; empty when it is not known.
        make: sees to it that the canary runs; says why it cannot, or nothing.
        changed: called when the answer is another one than before.
        every: seconds between two looks.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        url: str,
        address: str,
        *,
        make: Callable[[], Awaitable[str]],
        changed: Callable[[], None],
        every: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url = url
        self._address = address
        self._make = make
        self._changed = changed
        self._every = every
        self._sleep = sleep
        self._judge = EnforcementJudge()

    def answer(self) -> Enforcement:
        """Whether policies are enforced."""
        return self._judge.answer

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            look = await self.look()
            if self._judge.take(look):
                answer = self._judge.answer
                level = logging.INFO if answer.enforced is Enforced.YES else logging.WARNING
                extra = {"enforced": answer.enforced.value, "why": answer.why}
                _log.log(level, "the canary's answer has changed", extra=extra)
                self._changed()
            await self._sleep(self._every)

    async def look(self) -> Look:
        """One look."""
        if not self._address:
            return Look(missing=NO_ADDRESS)
        if failed := await self._make():
            return Look(missing=failed)
        try:
            answer = await self._ask()
            target = str(ipaddress.ip_address(answer.address))
        except (aiohttp.ClientError, TimeoutError) as error:
            return Look(missing=f"the canary does not answer ({type(error).__name__})")
        except (ValidationError, ValueError):
            return Look(missing="the canary answers something else than what it has found")
        leaks = []
        if answer.reached.undeclared:
            leaks.append("the canary reached a port of another pod that it does not declare")
        if await reaches(target, answer.undeclared_port, timeout=TRY_SECONDS):
            leaks.append("a port of the canary was reached that it does not declare")
        if not leaks and not answer.reached.declared:
            return Look(missing="the canary cannot reach what it declares")
        return Look(tuple(leaks))

    async def _ask(self) -> _Answer:
        timeout = aiohttp.ClientTimeout(total=ASK_SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(
                f"{self._url}/probe", params={"address": self._address}, allow_redirects=False
            ) as response,
        ):
            response.raise_for_status()
            body: Any = await response.content.read(LONGEST_ANSWER)
        return _Answer.model_validate_json(body)
