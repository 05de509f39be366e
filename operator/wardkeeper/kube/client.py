# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Objects in, objects out: every request Wardkeeper makes of the API server goes through here.

Plain JSON both ways, no models. Only load shedding (429, or 503 with Retry-After) is waited out;
what any other failure means is for the caller to decide, who can read again. Of a Secret every
verb answers with the metadata alone.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from wardkeeper.kube import requests
from wardkeeper.kube.errors import NotFound
from wardkeeper.kube.exchange import Call, Exchange
from wardkeeper.kube.lanes import Gate, Lane
from wardkeeper.kube.stream import Lines, read_event
from wardkeeper.kube.transport import Transport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
    from types import TracebackType

    from wardkeeper.kube.credentials import Access
    from wardkeeper.kube.resource import Resource

__all__ = ["PAGE", "Call", "Client", "Lane", "Page"]

PAGE = 100
"""Objects in one page of a list: many small pages take hardly longer than few large ones, and a
page takes about ten times its bytes in memory while it is read."""


class Page(NamedTuple):
    """Part of a list; `resource_version` is the same for all pages of one list."""

    items: list[dict[str, Any]]
    resource_version: str


class Client:
    """A bounded HTTP client for the kinds of `resource_of`; an async context manager.

    Args:
        access: where and as whom.
        user_agent: `wardkeeper/<version>`.
        field_manager: the owner of what is applied.
        limit: requests under way at once, over both lanes.
        timeout: seconds for one exchange.
        may_write: asked right before each write is sent; when it says no, `NotLeading` is raised.
        observe: told about each exchange.
        clock: monotonic seconds.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        access: Access,
        *,
        user_agent: str,
        field_manager: str = "wardkeeper",
        limit: int = 16,
        timeout: float = 15.0,
        may_write: Callable[[], bool] = lambda: True,
        observe: Callable[[Call], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = Transport(access, user_agent=user_agent, limit=limit, timeout=timeout)
        self._exchange = Exchange(
            self._transport,
            Gate(limit, clock=clock, sleep=sleep),
            may_write=may_write,
            observe=observe,
            clock=clock,
        )
        self._manager = field_manager

    async def __aenter__(self) -> Self:
        """Open the connection pools."""
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        await self._transport.__aexit__(kind, error, trace)

    async def get(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        metadata_only: bool = False,
        lane: Lane = Lane.LIVE,
    ) -> dict[str, Any]:
        """One object.

        Raises:
            ApiError: `NotFound` when it is not there.
        """
        return await self._send(
            requests.get_one(resource, namespace, name, metadata_only=metadata_only, lane=lane)
        )

    async def pages(
        self,
        resource: Resource,
        namespace: str | None = None,
        *,
        label_selector: str = "",
        metadata_only: bool = False,
        limit: int = PAGE,
        lane: Lane = Lane.BACKGROUND,
    ) -> AsyncGenerator[Page, None]:
        """All objects of a kind, as of one moment, page by page.

        Raises:
            ApiError: `Gone` when the list outlived what the server remembers; begin again.
        """
        token = version = ""
        while True:
            answer = await self._exchange.send(
                requests.list_page(
                    resource,
                    namespace,
                    label_selector=label_selector,
                    metadata_only=metadata_only,
                    limit=limit,
                    token=token,
                    lane=lane,
                )
            )
            metadata = answer["metadata"]
            version = version or metadata["resourceVersion"]
            yield Page([_stamped(item, resource) for item in answer["items"] or ()], version)
            token = metadata.get("continue", "")
            if not token:
                return

    async def watch(
        self,
        resource: Resource,
        namespace: str | None,
        resource_version: str,
        *,
        label_selector: str = "",
        metadata_only: bool = False,
        idle: float = 70.0,
        seconds: int = 270,
    ) -> AsyncGenerator[tuple[str, dict[str, Any]], None]:
        """Event type and object of each change after a version, bookmarks included.

        Ends when the server ends it, about `seconds` later. Takes no place among the requests.

        Raises:
            ApiError: `Gone` when the version is too old, `Unreachable` when the stream broke or
                brought nothing for `idle` seconds.
        """
        request = requests.watch_from(
            resource,
            namespace,
            resource_version,
            label_selector=label_selector,
            metadata_only=metadata_only,
            seconds=seconds,
        )
        lines = Lines()
        async with self._exchange.stream(request, idle=idle) as chunks:
            async for chunk in chunks:
                for line in lines.feed(chunk):
                    kind, obj = read_event(line, what=request.what, secret=request.secret)
                    yield kind, _stamped(obj, resource)

    async def apply(
        self,
        obj: dict[str, Any],
        *,
        subresource: str = "",
        dry_run: bool = False,
        lane: Lane = Lane.LIVE,
    ) -> dict[str, Any]:
        """Make the fields given here so, and ours; the object as the server then has it.

        A dry run persists nothing and so does not ask `may_write`.
        """
        return await self._send(
            requests.apply_object(
                obj, manager=self._manager, subresource=subresource, dry_run=dry_run, lane=lane
            )
        )

    async def create(self, obj: dict[str, Any], *, lane: Lane = Lane.LIVE) -> dict[str, Any]:
        """A new object.

        Raises:
            ApiError: `Conflict` with reason AlreadyExists when the name is taken.
        """
        return await self._send(requests.create_object(obj, manager=self._manager, lane=lane))

    async def replace(
        self, obj: dict[str, Any], *, subresource: str = "", lane: Lane = Lane.LIVE
    ) -> dict[str, Any]:
        """The whole object, exactly so; with a resourceVersion in it, only if that is current.

        Raises:
            ApiError: `Conflict` when somebody wrote in between.
        """
        return await self._send(
            requests.replace_object(obj, manager=self._manager, subresource=subresource, lane=lane)
        )

    async def json_patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        ops: Sequence[dict[str, Any]],
        *,
        subresource: str = "",
        lane: Lane = Lane.LIVE,
    ) -> dict[str, Any]:
        """RFC 6902 operations, all or none.

        Raises:
            ApiError: `Invalid` when a `test` operation fails.
        """
        return await self._send(
            requests.patch_object(
                resource,
                namespace,
                name,
                ops,
                manager=self._manager,
                subresource=subresource,
                lane=lane,
            )
        )

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str,
        propagation: str = "Background",
        lane: Lane = Lane.LIVE,
    ) -> bool:
        """Delete exactly the object with this uid; False when nothing of that name is left.

        Raises:
            ApiError: `Conflict` when another object bears the name by now.
        """
        request = requests.delete_object(
            resource, namespace, name, uid=uid, propagation=propagation, lane=lane
        )
        try:
            await self._exchange.send(request)
        except NotFound:
            return False
        return True

    async def token(self, namespace: str, service_account: str, audience: str, seconds: int) -> str:
        """A token of that ServiceAccount for one audience, valid that long (TokenRequest)."""
        request = requests.request_token(namespace, service_account, audience, seconds)
        return str((await self._exchange.send(request))["status"]["token"])

    async def _send(self, request: requests.Request) -> dict[str, Any]:
        return _stamped(await self._exchange.send(request), request.resource)


def _stamped(obj: dict[str, Any], resource: Resource) -> dict[str, Any]:
    """With its real kind: list items come without one, metadata-only objects with another."""
    obj["kind"] = resource.kind
    obj["apiVersion"] = resource.api_version
    return obj
