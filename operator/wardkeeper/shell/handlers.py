# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Everything that kopf does for us: the login, and the watch on our own kind.

Handlers only pass on what they are told. kopf keeps no state on any object: there is no stateful
handler, so it writes nothing, and it may not post events or take part in peering either.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import kopf

from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.workflow import PLURAL
from wardkeeper.kube.client import PAGE

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from wardkeeper.kube.access import Access

WATCH_SECONDS = 270
"""How long one watch lasts at most; load balancers like to end streams at five minutes."""


class WatchEnded(Exception):
    """kopf watches no more though nobody stopped it; only a fresh start helps."""


class _NoDiff(kopf.DiffBaseStorage):
    """kopf's memory of the last handled spec, which nobody asks for: it costs time and space."""

    def build(self, *, body: kopf.Body, **_: object) -> kopf.BodyEssence:
        return kopf.BodyEssence({})

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        return None

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        return None


def kopf_settings() -> kopf.OperatorSettings:
    """Settings under which kopf watches and does nothing else."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.queueing.idle_timeout = 0.05
    settings.watching.chunk_size = PAGE
    settings.watching.server_timeout = WATCH_SECONDS
    settings.networking.request_timeout = 30
    settings.persistence.diffbase_storage = _NoDiff()
    settings.persistence.finalizer = f"{GROUP}/never-set"
    settings.process.ultimate_exiting_timeout = 30
    return settings


def registry(
    observe: Callable[[str | None, Mapping[str, Any]], None],
    login: Callable[[], kopf.AiohttpSession],
) -> kopf.OperatorRegistry:
    """The handlers of the operator.

    Args:
        observe: told the type of an event (None in the first list) and the object.
        login: a fresh way to the API server.
    """
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def log_in(**_: object) -> kopf.AiohttpSession:
        """Give kopf our own session, which reads the token anew for every request."""
        return login()

    @kopf.on.event(GROUP, VERSION, PLURAL, registry=handlers)
    async def observed(event: kopf.RawEvent, **_: object) -> None:
        """Remember the object and ask for a pass. Never raises, never waits."""
        observe(event["type"], event["object"])

    return handlers


def session_of(access: Access, user_agent: str) -> kopf.AiohttpSession:
    """A session for kopf that goes the way that `access` describes; kopf closes it."""

    async def authorised(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        token = access.token()
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        return await handler(request)

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=4, ssl=access.ssl or True),
        headers={"User-Agent": user_agent},
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(authorised,),
    )
    return kopf.AiohttpSession(server=access.server, aiohttp_session=session)


async def watch_workflows(
    access: Access,
    namespaces: Sequence[str],
    *,
    observe: Callable[[str | None, Mapping[str, Any]], object],
    stop: threading.Event,
    user_agent: str,
) -> None:
    """Let kopf watch, in a thread and an event loop of its own.

    At its end kopf cancels every task of its loop, and it takes the process's signals: there it
    finds neither our tasks nor the main thread.

    Args:
        access: the way to the API server.
        namespaces: where workflows live; empty is everywhere.
        observe: told, in the loop of the caller, the type of an event and the object.
        stop: ends the watch when set.
        user_agent: under which kopf asks.

    Raises:
        WatchEnded: the watch ended though nobody stopped it.
    """
    loop = asyncio.get_running_loop()

    def pass_on(kind: str | None, raw: Mapping[str, Any]) -> None:
        loop.call_soon_threadsafe(observe, kind, raw)

    # Else kopf asks for the name of the user, and platforms run pods as users that have none.
    identity: Any = user_agent

    def watch() -> None:
        asyncio.run(
            kopf.operator(
                identity=identity,
                registry=registry(pass_on, lambda: session_of(access, user_agent)),
                settings=kopf_settings(),
                clusterwide=not namespaces,
                namespaces=namespaces,
                stop_flag=stop,
            )
        )

    await asyncio.to_thread(watch)
    if not stop.is_set():
        raise WatchEnded("the watch on workflows ended; the process ends and starts anew")
