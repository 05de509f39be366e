# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The largest workflow that the bounds allow: what rules cost, they cost here."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.unit.api.samples.sample import DEPLOYMENT, DIGEST, Raw, container

_DEEP = "/" + "a/" * 120


def _container(number: int, *, port: int = 0) -> Raw:
    """A container with every list full; with ports and probes when `port` is its first."""
    made = container(
        f"c{number:02}-{'n' * 50}",
        image=f"{'r' * 200}/{'i' * 230}@{DIGEST}",
        env=[{"name": f"E{each}_{'V' * 200}", "value": ""} for each in range(128)],
        writablePaths=[{"path": f"{_DEEP}w{each:02}", "size": "1Ki"} for each in range(16)],
        configMaps=[{"path": f"{_DEEP}m{each:02}", "name": "x" * 253} for each in range(16)],
        volumes=[{"path": f"{_DEEP}v{each:02}", "claim": "x" * 253} for each in range(16)],
    )
    if port:
        ports = [{"name": f"pabcdefghi-{each}", "port": each} for each in range(port, port + 16)]
        probe = {"http": {"path": "/" + "x" * 255, "port": ports[-1]["name"]}}
        made["ports"] = ports
        made["probes"] = {"readiness": probe, "liveness": probe, "startup": probe}
    return made


def _network(ports: list[str]) -> dict[str, Any]:
    labels = {f"{'a.' * 100}b{each:02}/{'k' * 63}": "v" * 63 for each in range(16)}
    pods = {"namespace": "n" * 63, "matchLabels": labels}
    return {
        "ingress": [
            {"name": f"i{each:02}-{'n' * 59}", "ports": ports, "pods": pods} for each in range(64)
        ]
    }


def _endpoint(number: int) -> Raw:
    return {
        "name": f"e{number:02}",
        "kind": "TCP",
        "host": "h." * 120 + "a",
        "port": 65535,
        "cidrs": [f"2001:db8:{number + 1:x}:{each + 1:x}::/64" for each in range(32)],
    }


def _secret(number: int) -> Raw:
    fields = [{"name": f"f{each:02}{'f' * 60}"} for each in range(16)]
    host = "h." * 120 + "a"
    connection = {"host": host, "database": "d" * 63}
    sources: tuple[Raw, ...] = (
        {"kvGenerated": {"fields": fields, "passwordPolicy": "p" * 64}},
        {"kvSynced": {"path": "/".join(["p" * 30] * 8), "fields": [f["name"] for f in fields]}},
        {"database": {"role": "r" * 40, "strategy": "AlternatingUsers", "connection": connection}},
        {"pki": {"dnsNames": [f"n{each:02}.{host}" for each in range(16)], "ttl": "2160h"}},
        {"transit": {"key": "k" * 40}},
    )
    window = {
        "days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
        "from": "00:00",
        "to": "23:59",
        "timeZone": "America/Argentina/ComodRivadavia",
    }
    return {
        "name": f"s{number:02}-{'n' * 36}",
        "source": sources[number % len(sources)],
        "rotation": {
            "every": "1h30m",
            "overlap": "5400s",
            "maxAge": "99999m",
            "windows": [window] * 16,
        },
    }


def _rule() -> Raw:
    return {
        "apiGroups": [f"g{each}.{'g' * 200}" for each in range(8)],
        "resources": [f"r{each:02}{'r' * 200}" for each in range(16)],
        "resourceNames": [f"n{each:02}{'n' * 200}" for each in range(32)],
        "verbs": ["get", "list", "watch", "update", "patch", "delete"],
    }


def largest() -> Raw:
    """Every list full, every text long, and each rule with as much to compare as it can have."""
    raw = deepcopy(DEPLOYMENT)
    containers = [_container(each, port=1000 + 16 * each) for each in range(8)]
    raw["metadata"]["name"] = "a" * 52
    raw["spec"] |= {
        "workload": {
            "kind": "Deployment",
            "containers": containers,
            "initContainers": [_container(each) for each in range(10, 18)],
        },
        "network": _network([port["name"] for port in containers[-1]["ports"]]),
        "endpoints": [_endpoint(each) for each in range(64)],
        "secrets": [_secret(each) for each in range(32)],
        "access": {"rules": [_rule()] * 32},
    }
    return raw
