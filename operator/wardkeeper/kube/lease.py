# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Which replica may write: one holder of one `coordination.k8s.io/v1` Lease.

Expiry is measured on the local monotonic clock from the moment a changed record was seen;
times written by others are never compared, so a wrong clock cannot make two leaders. A leader
that cannot renew stops by itself before anybody else may start. Kubernetes has no fencing:
every write must stay harmless when it arrives late.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from wardkeeper.kube.errors import ApiError, NotFound
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wardkeeper.kube.client import Client

_log = logging.getLogger(__name__)

_JITTER = 0.2


class Elector:
    """Takes the Lease when it is free, keeps it while it can, gives it back on a clean stop.

    Args:
        client: one of its own, with `may_write` always true, so that neither a queue of other
            requests nor a pause asked for elsewhere can cost the Lease.
        namespace: where the Lease lies.
        name: of the Lease.
        identity: of this process, unique in the cluster: pod name and uid.
        duration: seconds others wait after a renewal before they take over.
        deadline: seconds after its last renewal began that the holder stops by itself; less
            than `duration`.
        retry: seconds between attempts, and the longest one attempt may take.
        clock: monotonic seconds.
        now: the time of day, written for people to read.
        rng: a number in [0, 1), for jitter.
    """

    def __init__(
        self,
        client: Client,
        *,
        namespace: str,
        name: str,
        identity: str,
        duration: float = 15.0,
        deadline: float = 10.0,
        retry: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        rng: Callable[[], float] = random.random,
    ) -> None:
        if not retry < deadline < duration:
            raise ValueError("a Lease needs retry < deadline < duration")
        self._client = client
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._duration = duration
        self._deadline = deadline
        self._retry = retry
        self._patience = deadline / 2  # a slow server may still answer, a second attempt still fits
        self._clock = clock
        self._now = now
        self._rng = rng
        self._leading = False
        self._renewed = 0.0
        self._seen_spec: dict[str, Any] = {}
        self._seen_at = 0.0
        self._acquired = asyncio.Event()

    @property
    def held(self) -> bool:
        """Whether this process may write, as of now."""
        return self._leading and self._clock() < self._renewed + self._deadline

    async def acquired(self) -> None:
        """Wait until the Lease was won."""
        await self._acquired.wait()

    async def run(self, on_lost: Callable[[], Awaitable[None]]) -> None:
        """Win the Lease, keep it, and return once it was lost and `on_lost` has finished.

        When cancelled the Lease is given back, so end everything that writes before.

        Args:
            on_lost: ends and joins everything that writes; `held` is false by then.
        """
        try:
            await self._win()
            self._acquired.set()
            _log.info("lease won", extra={"identity": self._identity})
            await self._keep()
        except asyncio.CancelledError:
            await self._release()
            raise
        _log.error("lease lost", extra={"identity": self._identity})
        await on_lost()

    async def _win(self) -> None:
        while True:
            if await self._attempt(self._patience):
                return
            await asyncio.sleep(self._pause())

    def _pause(self) -> float:
        """Until the next attempt: one retry, or less when what was seen grows old before that."""
        retry = self._retry * (1 + _JITTER * self._rng())
        left = self._seen_at + self._lasts(self._seen_spec) - self._clock()
        return min(retry, left + _JITTER * self._rng()) if left > 0 else retry

    def _lasts(self, spec: dict[str, Any]) -> float:
        """How long a record must be seen unchanged before somebody else may take over."""
        return max(self._duration, float(spec.get("leaseDurationSeconds") or 0))

    async def _keep(self) -> None:
        while (left := self._left()) > 0:
            await asyncio.sleep(min(self._retry, left))
            if (left := self._left()) > 0:
                await self._attempt(min(self._patience, left))
        self._leading = False

    def _left(self) -> float:
        return self._renewed + self._deadline - self._clock() if self._leading else 0.0

    async def _attempt(self, seconds: float) -> bool:
        """Take or renew once; counted from before the first request, as the server may."""
        began = self._clock()
        try:
            async with asyncio.timeout(seconds):
                won = await self._take()
        except (ApiError, TimeoutError) as error:
            _log.warning("lease not taken", extra={"failure": type(error).__name__})
            return False
        if won:
            self._renewed = began
            self._leading = True
        return won

    async def _take(self) -> bool:
        lease = await self._read()
        if lease is None:
            await self._write(self._client.create, self._fresh(), {})
            return True
        spec = lease.get("spec") or {}
        if spec != self._seen_spec:
            self._seen_spec, self._seen_at = spec, self._clock()
        holder = spec.get("holderIdentity") or ""
        if holder not in ("", self._identity):
            self._leading = False
            waited = self._clock() - self._seen_at
            if waited < self._lasts(spec):
                return False
        await self._write(self._client.replace, lease, spec)
        return True

    async def _read(self) -> dict[str, Any] | None:
        try:
            return await self._client.get(resource_of("Lease"), self._namespace, self._name)
        except NotFound:
            return None

    async def _write(
        self,
        write: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
        lease: dict[str, Any],
        spec: dict[str, Any],
    ) -> None:
        """Put our name in; a conflict says that somebody was quicker."""
        written = await write({**lease, "spec": self._claim(spec)})
        self._seen_spec, self._seen_at = written["spec"], self._clock()

    def _fresh(self) -> dict[str, Any]:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"namespace": self._namespace, "name": self._name},
        }

    def _claim(self, spec: dict[str, Any]) -> dict[str, Any]:
        now = self._stamp()
        claim = {
            **spec,
            "holderIdentity": self._identity,
            "leaseDurationSeconds": round(self._duration),
            "renewTime": now,
        }
        if spec.get("holderIdentity") != self._identity:
            claim["acquireTime"] = now
            claim["leaseTransitions"] = (spec.get("leaseTransitions") or 0) + bool(spec)
        return claim

    async def _release(self) -> None:
        """Clear the holder, so that the next one need not wait for the record to grow old."""
        if not self.held:
            self._leading = False
            return
        self._leading = False
        try:
            async with asyncio.timeout(self._patience):
                # Read again: a renewal may have been under way when the stop came.
                lease = await self._read()
                if lease is not None and lease["spec"].get("holderIdentity") == self._identity:
                    ended = {"holderIdentity": "", "leaseDurationSeconds": 1}
                    spec = {**lease["spec"], **ended, "renewTime": self._stamp()}
                    await self._client.replace({**lease, "spec": spec})
        except (ApiError, TimeoutError) as error:
            _log.warning("lease not given back", extra={"failure": type(error).__name__})

    def _stamp(self) -> str:
        return self._now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
