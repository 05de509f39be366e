# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The one seam to hvac: a bounded set of threads, a token per call, every error a `VaultError`.

hvac is synchronous and its clients carry a mutable token, so each call gets a client of its own
over shared connections. The threads are not those of the event loop's default executor, where a
Vault that hangs would block name resolution for the whole process.

A request is repeated here at most once, after a connection that broke, and never when it creates
something: a GET that mints a credential would mint another one.

No value, token or body may get into an exception: errors are raised outside of `except`, so that
no chained exception carries one along.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import hvac
import requests

from wardkeeper.vault.errors import Kind, VaultError, kind_of
from wardkeeper.vault.session import Refused, Session, shared_connections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from requests.adapters import BaseAdapter

    from wardkeeper.vault.access import VaultAccess
    from wardkeeper.vault.breaker import Breaker
    from wardkeeper.vault.pace import Pace

    Observe = Callable[[str, str, float], None]

Result = TypeVar("Result")


def keys_of(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The names in the answer to a list request; none where there is nothing."""
    return tuple(map(str, answer["data"].get("keys") or ()))


class Effect(StrEnum):
    """What a request does to Vault, whatever its HTTP method says."""

    PURE = "Pure"
    IDEMPOTENT = "Idempotent"
    CREATES = "Creates"


@dataclass(frozen=True, slots=True)
class Operation:
    """One request.

    Attributes:
        words: what it does, in words that follow `cannot`.
        effect: what repeating it would do.
        login: it is a login.
        label: one of few words, for metrics and for telling errors apart.
    """

    words: str
    effect: Effect
    login: bool = False
    label: str = "other"


class VaultClient:
    """Runs requests to one Vault; to be closed."""

    def __init__(
        self,
        access: VaultAccess,
        breaker: Breaker | None = None,
        transport: BaseAdapter | None = None,
        pace: Pace | None = None,
        observe: Observe | None = None,
    ) -> None:
        """Make it; nothing is asked yet.

        Args:
            access: where Vault is.
            breaker: refuses requests while Vault is away; None asks every time.
            transport: takes the place of the network.
            pace: bounds how many requests that change something are sent in a second.
            observe: told the label, the outcome and the seconds of each request.
        """
        self.access = access
        self._breaker = breaker
        self._pace = pace
        self._observe = observe
        self._connections = transport or shared_connections(access)
        self._threads = ThreadPoolExecutor(access.connections, thread_name_prefix="vault")

    async def run(
        self,
        operation: Operation,
        act: Callable[[Any], Any],
        read: Callable[[Mapping[str, Any]], Result],
        *,
        token: str = "",
    ) -> Result:
        """Run one request in a thread.

        Args:
            operation: what it is.
            act: makes the request with the hvac client it is given; may be called twice unless
                the operation creates something.
            read: makes a result of the answer's JSON; an empty mapping when there is no body.
            token: sent with it; the environment's is never used.

        Raises:
            VaultError: whatever went wrong.
        """
        if self._breaker is not None:
            self._breaker.check(operation.words)
        if self._pace is not None and operation.effect is not Effect.PURE:
            await self._pace.take()
        loop = asyncio.get_running_loop()
        began = loop.time()
        outcome = await loop.run_in_executor(
            self._threads, self._perform, operation, act, read, token
        )
        error = outcome if isinstance(outcome, VaultError) else None
        if self._breaker is not None:
            self._breaker.note(error)
        if self._pace is not None:
            self._pace.note(error)
        if self._observe is not None:
            told = str(error.kind) if error else "ok"
            self._observe(operation.label, told, loop.time() - began)
        if isinstance(outcome, VaultError):
            raise outcome
        return outcome

    def close(self) -> None:
        """Let go of threads and connections; requests under way end by their own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._connections.close()

    def _perform(
        self,
        operation: Operation,
        act: Callable[[Any], Any],
        read: Callable[[Mapping[str, Any]], Result],
        token: str,
    ) -> Result | VaultError:
        """Make the request, in a thread; an error is returned, not raised, to leave no chain."""
        attempts = 1 if operation.effect is Effect.CREATES else 2
        kind, wait = Kind.UNREACHABLE, None
        for _ in range(attempts):
            try:
                answer = act(self._speaker(token))
            except Refused as refused:
                kind = kind_of(
                    refused.status, refused.errors, login=operation.login, label=operation.label
                )
                wait = _retry_after(refused.headers)
                break
            except requests.Timeout:
                break
            except requests.RequestException:
                continue
            except OSError:  # of requests, when there is no file to verify with
                kind = Kind.NO_AUTHORITY
                break
            try:
                return read(_payload(answer))
            except (AttributeError, LookupError, TypeError, ValueError):
                kind = Kind.NOT_VAULT
                break
        return VaultError(kind, operation.words, retry_after=wait)

    def _speaker(self, token: str) -> Any:
        """An hvac client for one call. The empty token keeps hvac from looking for one."""
        session = Session(self.access, self._connections)
        return hvac.Client(
            url=self.access.address,
            token=token,
            verify=session.verify,
            timeout=self.access.timeout,
            namespace=self.access.namespace,
            session=session,
        )


def nothing(_: Mapping[str, Any]) -> None:
    """For requests whose answer holds nothing of interest."""


def _payload(answer: Any) -> Mapping[str, Any]:
    """The JSON object of an answer; hvac gives a response, or None, where there is none."""
    if isinstance(answer, dict):
        return answer
    if answer is None or (isinstance(answer, requests.Response) and not answer.content):
        return {}
    raise TypeError("no JSON object")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks to wait; None when it does not say so in seconds."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isdecimal() else None
