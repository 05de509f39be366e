# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A proxy between the operator and Vault that passes everything on, except what a test planned.

It also counts what passes, by kind. It is made of the standard library's server, because Vault's
method LIST is no method to the parser of aiohttp. It never repeats a request by itself.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from tests.faults.kinds import kind_of
from tests.faults.listening import Listener, calls, passed_on
from tests.faults.plan import Answer, Cut, Delay, Fault, Garble, LoseAnswer, Plan, Quote, Rule
from tests.faults.stops import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.listening import Call, Headers
    from tests.faults.stops import Stops

    Listen = Callable[[str, bytes, bytes], None]

_SECONDS = 60.0


class VaultProxy:
    """A proxy on the loopback address, in threads of its own; a context manager.

    Attributes:
        address: URL to give to whoever shall meet the faults.
        skew: what Vault's clock is ahead by, as `sys/health` tells it.
    """

    def __init__(
        self, target: str, stops: Stops | None = None, listen: Listen = lambda *_: None
    ) -> None:
        """Nothing is listened on yet.

        Args:
            target: `http://` URL of the real server.
            stops: where requests are held up so that whoever asks can be killed meanwhile.
            listen: told every path, what was sent to it and what was answered.
        """
        url = urlsplit(target)
        self._target = (url.hostname or "", url.port or 80)
        self._plan = Plan()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._stops = stops
        self._listen = listen
        self.address = ""
        self.skew = timedelta()

    def __enter__(self) -> Self:
        """Listen."""
        self._server = Listener(calls(self.serve))
        self.address = self._server.address
        self._server.begin()
        return self

    def __exit__(self, *_: object) -> None:
        """Cut every connection and wait until nothing runs."""
        self._ending.set()
        self._server.end()

    def on(
        self, method: str, path: str, fault: Fault, *, nth: int = 1, times: int | None = 1
    ) -> Rule:
        """Plan a fault.

        Args:
            method: such as `GET`; `*` is every method.
            path: regular expression for all of the path without `/v1/`.
            fault: what happens.
            nth: the first matching request from now on that meets it.
            times: how many in a row meet it; None is all.

        Returns:
            the rule, which tells how often it has happened.
        """
        return self._plan.add(Rule(method, re.compile(path), fault, nth, times))

    def clear(self) -> None:
        """Let everything pass from now on."""
        self._plan.clear()

    def counts(self) -> Counter[tuple[str, str]]:
        """How many requests came, by method and kind of path (`tests/faults/kinds.py`)."""
        with self._lock:
            return Counter(self._counts)

    def forget(self) -> None:
        """Count from zero again."""
        with self._lock:
            self._counts.clear()

    def cut_all(self) -> None:
        """Cut every connection: whoever had one is gone."""
        self._server.cut_all()

    def serve(self, call: Call) -> None:
        """Deal with one request, in the thread of its connection."""
        path = urlsplit(call.path).path.removeprefix("/v1/")
        with self._lock:
            self._counts[call.command, kind_of(path)] += 1
        fault = self._plan.fault_for(call.command, path)
        body = call.body()
        stop = self._stops.meet(Request("vault", call.command, path, body)) if self._stops else None
        if isinstance(fault, Cut) or (stop and stop.before()):
            call.close_connection = True
            return
        if isinstance(fault, Quote):
            self._listen(path, body, b"")
            fault = Answer(fault.status, (f"refused: {body.decode()}",))
        if isinstance(fault, Answer):
            call.answer(fault.status, *_injected(fault))
            return
        if isinstance(fault, Delay) and not fault.after:
            self._ending.wait(fault.seconds)
        told = self._ask(call, body)
        self._listen(path, body, told[2] if told else b"")
        if told is None or isinstance(fault, LoseAnswer) or (stop and stop.after()):
            call.close_connection = True
            return
        if isinstance(fault, Delay) and fault.after:
            self._ending.wait(fault.seconds)
        status, headers, content = told
        if path == "sys/health" and self.skew:
            content = _shifted(content, self.skew)
        if isinstance(fault, Garble):
            content = content[: len(content) * 3 // 4]
        call.answer(status, headers, content)

    def _ask(self, call: Call, body: bytes) -> tuple[int, Headers, bytes] | None:
        """Pass a request on; None when the server does not answer."""
        connection = http.client.HTTPConnection(*self._target, timeout=_SECONDS)
        try:
            headers = dict(passed_on(call.headers.items()))
            connection.request(call.command, call.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, passed_on(answer.getheaders()), answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()


def _injected(fault: Answer) -> tuple[Headers, bytes]:
    headers = [("Content-Type", "application/json")]
    if fault.retry_after is not None:
        headers.append(("Retry-After", str(fault.retry_after)))
    return headers, json.dumps({"errors": list(fault.errors)}).encode()


def _shifted(content: bytes, skew: timedelta) -> bytes:
    """The health document of a server whose clock is ahead."""
    document: dict[str, Any] = json.loads(content)
    if "server_time_utc" in document:
        document["server_time_utc"] += int(skew.total_seconds())
    return json.dumps(document).encode()
