# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Address ranges that a workflow may name: exact, narrow, and never the machine beneath it.

A range that reaches the metadata service of a cloud would hand the node's identity to the workload,
so none may touch one, however it is written.
"""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated

from pydantic import Field, StringConstraints

from wardkeeper.api.schema import Obeys, Rule

METADATA = (
    "169.254.0.0/16",
    "168.63.129.16/32",
    "100.100.100.200/32",
    "fe80::/10",
    "fd00:ec2::254/128",
    "fd20:ce::254/128",
)
"""Link-local ranges, where AWS, Google and Azure answer, and the addresses of some clouds beside
them (Azure's WireServer, Alibaba, AWS and Google over IPv6)."""

WIDEST = {4: 8, 6: 16}
"""Shortest prefix by IP version; a wider range is half an Internet and no endpoint."""

_METADATA = tuple(ip_network(each) for each in METADATA)


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """The range, if `text` is one in canonical form without host bits."""
    try:
        found = ip_network(text)
    except ValueError:
        return None
    return found if str(found) == text else None


def _is_narrow(text: str) -> bool:
    found = _network(text)
    return found is None or found.prefixlen >= WIDEST[found.version]


def _leaves_metadata_alone(text: str) -> bool:
    found = _network(text)
    return found is None or not any(
        found.version == each.version and found.overlaps(each) for each in _METADATA
    )


Cidr = Annotated[
    str,
    StringConstraints(max_length=43),
    Obeys(
        Rule(
            "isCIDR(self) && string(cidr(self).masked()) == self",
            "must be an address range in CIDR form, in its shortest spelling and without host "
            "bits; write it like 203.0.113.0/28, 203.0.113.7/32 or 2001:db8:1::/48",
            lambda self: _network(self) is not None,
        ),
        Rule(
            "!isCIDR(self) || cidr(self).prefixLength() >= "
            f"(cidr(self).ip().family() == 4 ? {WIDEST[4]} : {WIDEST[6]})",
            f"is wider than /{WIDEST[4]} (IPv4) or /{WIDEST[6]} (IPv6), which is everybody; name "
            "the ranges that are meant",
            _is_narrow,
        ),
        Rule(
            f"!isCIDR(self) || {list(METADATA)!r}.all(kept, "
            "cidr(kept).ip().family() != cidr(self).ip().family() || "
            "!(cidr(kept).containsCIDR(self) || cidr(self).containsCIDR(kept)))",
            "contains or lies in a link-local range or a cloud's metadata address "
            f"({', '.join(METADATA)}); name narrower ranges beside it",
            _leaves_metadata_alone,
        ),
    ),
    Field(description="An address range in CIDR form, without host bits."),
]
