# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""An API server as the contract's tests see it, whichever it is."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from wardkeeper.kube.client import Client
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wardkeeper.kube.access import Access
    from wardkeeper.kube.resource import Resource

CONFIG_MAP = resource_of("ConfigMap")
DEPLOYMENT = resource_of("Deployment")
SECRET = resource_of("Secret")
NAMESPACE = resource_of("Namespace")
LEASE = resource_of("Lease")
EVENT = resource_of("Event")
WORKFLOW = resource_of("HealthcareWorkflow")


@dataclass(frozen=True, slots=True)
class Api:
    """An API server with a namespace of the test's own.

    Attributes:
        ours: a client as the operator has it, field manager `wardkeeper`.
        theirs: somebody else's, field manager `kubectl-edit`.
    """

    access: Access
    namespace: str
    ours: Client
    theirs: Client

    async def send(
        self, method: str, target: str, body: object, content_type: str
    ) -> tuple[int, dict[str, Any]]:
        """A request that the operator's client does not make: status code and answer."""
        headers = {"Content-Type": content_type}
        if token := self.access.token():
            headers["Authorization"] = f"Bearer {token}"
        connector = aiohttp.TCPConnector(ssl=self.access.ssl or True)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(
                method, self.access.server + target, data=orjson.dumps(body), headers=headers
            ) as response,
        ):
            return response.status, orjson.loads(await response.read())


@asynccontextmanager
async def opened(access: Access, namespace: str) -> AsyncIterator[Api]:
    """An `Api` over an access that may do everything in a namespace that exists."""
    async with (
        Client(access, user_agent="wardkeeper/contract") as ours,
        Client(access, user_agent="kubectl/contract", field_manager="kubectl-edit") as theirs,
    ):
        yield Api(access, namespace, ours, theirs)


def fields_of(obj: dict[str, Any], manager: str, operation: str, subresource: str = "") -> Any:
    """The fieldsV1 of one entry; empty without such an entry."""
    for entry in obj["metadata"]["managedFields"]:
        told = (entry["manager"], entry["operation"], entry.get("subresource", ""))
        if told == (manager, operation, subresource):
            return entry["fieldsV1"]
    return {}


async def version_of(api: Api, resource: Resource = CONFIG_MAP) -> str:
    """The version of the namespace's list of a kind now."""
    async with aclosing(api.ours.pages(resource, api.namespace)) as pages:
        return (await anext(pages)).resource_version


async def next_events(
    api: Api, version: str, number: int, *, seconds: float = 20.0, **options: Any
) -> list[tuple[str, str]]:
    """Type and name of the ConfigMap events after a version, bookmarks left out."""
    found: list[tuple[str, str]] = []
    async with (
        asyncio.timeout(seconds),
        aclosing(api.ours.watch(CONFIG_MAP, api.namespace, version, **options)) as events,
    ):
        async for kind, obj in events:
            if kind != "BOOKMARK":
                found.append((kind, obj["metadata"]["name"]))
            if len(found) == number:
                break
    return found
