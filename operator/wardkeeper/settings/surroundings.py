# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Finds out what the cluster looks like around workflows: from settings, else by asking once."""

from __future__ import annotations

import ipaddress
import logging
from typing import TYPE_CHECKING, Any

from wardkeeper.kube.errors import ApiError
from wardkeeper.kube.resource import resource_of
from wardkeeper.render.surroundings import AddressAndPort, PodSelection, Surroundings

if TYPE_CHECKING:
    from wardkeeper.kube.client import Client
    from wardkeeper.settings.model import Settings

_log = logging.getLogger(__name__)


def from_settings(settings: Settings) -> Surroundings:
    """The surroundings as far as settings tell them."""
    network = settings.network
    return Surroundings(
        dns=PodSelection(network.dns.namespace, network.dns.match_labels),
        api_server=tuple(
            AddressAndPort(cidr, port)
            for cidr in network.api_server.cidrs
            for port in network.api_server.ports
        ),
        image_pull_policy=settings.images.pull_policy.value,
    )


async def discover(settings: Settings, client: Client) -> Surroundings:
    """The surroundings; the API server's addresses are asked for when settings have none.

    When they cannot be found, workflows with access rules get no way to the API server: the
    network stays closed, and a log line says what to set.
    """
    known = from_settings(settings)
    if known.api_server:
        return known
    try:
        found = [*await _endpoints(client), *await _service(client)]
    except ApiError as error:
        _log.warning(
            "the API server's addresses are unknown, set network.apiServer: workflows with "
            "access.rules cannot reach it",
            extra={"failure": error.reason},
        )
        return known
    return Surroundings(
        dns=known.dns,
        api_server=tuple(dict.fromkeys(found)),
        image_pull_policy=known.image_pull_policy,
    )


async def _endpoints(client: Client) -> list[AddressAndPort]:
    """Where packets end: the addresses behind the Service kubernetes."""
    try:
        slice_ = await client.get(resource_of("EndpointSlice"), "default", "kubernetes")
    except ApiError as error:
        if error.code == 404:
            return []
        raise
    addresses = [one for each in slice_.get("endpoints", ()) for one in each["addresses"]]
    return [
        AddressAndPort(_single(address), port["port"])
        for address in addresses
        for port in slice_.get("ports", ())
    ]


async def _service(client: Client) -> list[AddressAndPort]:
    """Where packets are sent, for network plugins that judge before translation."""
    service: dict[str, Any] = await client.get(resource_of("Service"), "default", "kubernetes")
    spec = service["spec"]
    return [
        AddressAndPort(_single(address), port["port"])
        for address in spec.get("clusterIPs", ())
        for port in spec.get("ports", ())
    ]


def _single(address: str) -> str:
    return str(ipaddress.ip_network(address))
