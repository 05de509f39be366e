# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Refused: peers and endpoints that are nobody, two at once, or too many."""

from __future__ import annotations

from tests.unit.api.samples.sample import GONE, Sample, one

_FORM = "write it like 203.0.113.0/28"


def _cidr(cidr: str, says: str) -> Sample:
    return Sample(
        f"the range {cidr}", {"spec.endpoints[0].cidrs": [cidr]}, "spec.endpoints[0].cidrs[0]", says
    )


NETWORK = (
    *(
        _cidr(cidr, _FORM)
        for cidr in (
            "203.0.113.7",
            "203.0.113.7/28",
            "203.0.113.0/33",
            "203.0.113/24",
            "2001:DB8:1::/48",
            "2001:db8:1:0::/48",
            "fhir.acme.example",
            "",
        )
    ),
    *(_cidr(cidr, "name the ranges") for cidr in ("0.0.0.0/0", "0.0.0.0/1", "::/0", "2000::/3")),
    *(
        _cidr(cidr, "name narrower ranges")
        for cidr in (
            "169.254.169.254/32",
            "169.254.0.0/16",
            "169.254.128.0/17",
            "169.0.0.0/8",
            "fd00:ec2::254/128",
            "fd00:ec2::/32",
            "fe80::/64",
            "168.63.129.16/32",
        )
    ),
    Sample(
        "everybody coming in",
        {
            "spec.network.ingress[0]": {"name": "all", "cidr": "0.0.0.0/0", "ports": ["hl7"]},
        },
        "spec.network.ingress[0].cidr",
        "name the ranges",
    ),
    Sample(
        "a peer of an undeclared port",
        {"spec.network.ingress[0].ports": ["hl7", "mllp"]},
        "spec.network.ingress",
        "declare the name there",
    ),
    Sample(
        "a peer that is nobody",
        {"spec.network.ingress[0].workflow": GONE},
        "spec.network.ingress[0]",
        "exactly one of workflow, pods and cidr",
    ),
    Sample(
        "a peer that is two",
        {"spec.network.ingress[0].cidr": "192.0.2.0/24"},
        "spec.network.ingress[0]",
        "exactly one of workflow, pods and cidr",
    ),
    Sample(
        "a label that is none",
        {
            "spec.network.ingress[0]": {
                "name": "a",
                "pods": {"matchLabels": {"app": "a b"}},
                "ports": ["hl7"],
            }
        },
        "spec.network.ingress[0].pods.matchLabels[app]",
        "must be a label value",
    ),
    Sample(
        "a label key that is none",
        {
            "spec.network.ingress[0]": {
                "name": "a",
                "pods": {"matchLabels": {"a b": "c"}},
                "ports": ["hl7"],
            }
        },
        "spec.network.ingress[0].pods.matchLabels",
        "keys must be label keys",
    ),
    Sample(
        "every pod of a namespace",
        {
            "spec.network.ingress[0]": {
                "name": "a",
                "pods": {"matchLabels": {}},
                "ports": ["hl7"],
            }
        },
        "spec.network.ingress[0].pods.matchLabels",
        "at least 1",
        "at least 1",
    ),
    Sample(
        "an endpoint that is nobody",
        {"spec.endpoints[0].host": GONE, "spec.endpoints[0].cidrs": GONE},
        "spec.endpoints[0]",
        "exactly one of host, workflow and pods",
    ),
    Sample(
        "an endpoint that is two",
        {"spec.endpoints[0].workflow": {"name": "x"}},
        "spec.endpoints[0]",
        "exactly one of host, workflow and pods",
    ),
    one("a host without ranges", "spec.endpoints[0].cidrs", GONE, "cidrs is required with host"),
    Sample(
        "ranges of a workflow",
        {"spec.endpoints[0].host": GONE, "spec.endpoints[0].workflow": {"name": "x"}},
        "spec.endpoints[0].cidrs",
        "cidrs belongs to host",
    ),
    one("an address for a host", "spec.endpoints[0].host", "203.0.113.7", "host is a DNS name"),
    one("a host with empty parts", "spec.endpoints[0].host", "a..b", "lower-case letters"),
    Sample(
        "two endpoints of one name",
        {
            "spec.endpoints": [
                {"name": "a", "kind": "TCP", "workflow": {"name": "x"}, "port": 1},
                {"name": "a", "kind": "TCP", "workflow": {"name": "y"}, "port": 2},
            ]
        },
        "spec.endpoints[1]",
        "Duplicate value",
        "a second time",
    ),
)
