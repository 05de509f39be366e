# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Workflows that everybody must accept: the edges of what is allowed, from inside."""

from __future__ import annotations

from typing import Any

from tests.unit.api.samples.sample import DIGEST, Sample, container

_W = "spec.workload"
_C0 = f"{_W}.containers[0]"


def _schedule(line: str) -> Sample:
    return Sample(f"the schedule {line}", {f"{_W}.schedule": line}, base="CronJob")


def _image(image: str) -> Sample:
    return Sample(f"the image {image[:40]}", {f"{_C0}.image": f"{image}@{DIGEST}"})


def _cidr(cidr: str) -> Sample:
    return Sample(f"the range {cidr}", {"spec.endpoints[0].cidrs": [cidr]})


_CONNECTION = {"host": "db.example.org", "database": "labs"}
_SOURCES: tuple[dict[str, Any], ...] = (
    {"kvGenerated": {"fields": [{"name": "a"}], "passwordPolicy": "strong", "onDelete": "Keep"}},
    {"kvSynced": {"path": "vendor-x/api-key", "fields": ["key"]}},
    *(
        {"database": {"role": "router", "strategy": each, "connection": _CONNECTION}}
        for each in ("Dynamic", "AlternatingUsers", "Static")
    ),
    {"pki": {"dnsNames": ["a.router.default.svc"], "ttl": "24h"}},
    {"transit": {"key": "records"}},
)

ACCEPTED = (
    Sample("a Deployment with everything usual", {}),
    Sample("a CronJob with nothing unusual", {}, base="CronJob"),
    Sample("a Job with nothing unusual", {}, base="Job"),
    Sample("the longest name", {"metadata.name": "a" + "b" * 51}),
    Sample("mode Audit", {"spec.mode": "Audit"}),
    Sample("High with two replicas", {"spec.criticality": "High", f"{_W}.replicas": 2}),
    Sample("a Job of criticality LifeSafety", {"spec.criticality": "LifeSafety"}, base="Job"),
    Sample("no replica at all", {f"{_W}.replicas": 0}),
    Sample(
        "every field of a CronJob",
        {
            f"{_W}.timeZone": "America/Argentina/Buenos_Aires",
            f"{_W}.concurrencyPolicy": "Replace",
            f"{_W}.startingDeadlineSeconds": 60,
            f"{_W}.backoffLimit": 0,
            f"{_W}.activeDeadlineSeconds": 3600,
        },
        base="CronJob",
    ),
    Sample("the fixed zone Etc/GMT+5", {f"{_W}.timeZone": "Etc/GMT+5"}, base="CronJob"),
    _schedule("*/15 0-6,18-23 1,15 * MON-FRI"),
    _schedule("0 0 31 DEC ?"),
    _schedule("59  23 * jan-jun/2 sun"),
    Sample(
        "an init container and a second container",
        {
            f"{_W}.initContainers": [container("prepare")],
            f"{_W}.containers[1]": container(
                "side",
                ports=[{"name": "metrics", "port": 9090}],
                probes={
                    "readiness": {"http": {"path": "/ready?deep=1", "port": "metrics"}},
                    "liveness": {"exec": {"command": ["/bin/true"]}},
                    "startup": {"tcpSocket": {"port": "metrics"}},
                },
            ),
        },
    ),
    Sample(
        "a probe in a Job",
        {f"{_C0}.probes": {"liveness": {"exec": {"command": ["/bin/true"]}}}},
        base="Job",
    ),
    _image("nginx"),
    _image("localhost:5000/a/b-c/d_e__f.g:1.27.3-alpine"),
    Sample(
        "paths beside each other",
        {
            f"{_C0}.writablePaths": [
                {"path": "/tmp", "size": "1M"},
                {"path": "/tmpfiles", "size": "64Mi"},
                {"path": "/var/run/app", "size": "1048576"},
                {"path": "/home/app/.cache", "size": "1Ki"},
            ],
            f"{_C0}.configMaps": [
                {"name": "a.b", "path": "/etc/a"},
                {"name": "a.b", "path": "/etc/b"},
            ],
            f"{_C0}.volumes": [{"claim": "spool", "path": "/var/spool", "access": "ReadWrite"}],
            f"{_C0}.workingDir": "/var/spool/in",
        },
    ),
    Sample(
        "amounts written in several ways",
        {
            f"{_C0}.resources.requests": {"cpu": "0.5", "memory": "128M"},
            f"{_C0}.resources.limits": {"cpu": "1.25", "memory": "1Gi"},
        },
    ),
    Sample(
        "writable paths that fill the limit",
        {f"{_C0}.writablePaths": [{"path": "/tmp", "size": "128Mi"}]},
    ),
    Sample("an empty variable", {f"{_C0}.env": [{"name": "LOG_LEVEL", "value": ""}]}),
    Sample(
        "rules for lists and creations without names",
        {
            "spec.access.rules": [
                {
                    "apiGroups": ["batch", ""],
                    "resources": ["jobs", "jobs/status", "pods"],
                    "verbs": ["list", "create", "deletecollection"],
                },
                {
                    "apiGroups": [""],
                    "resources": ["secrets"],
                    "resourceNames": ["router-tls"],
                    "verbs": ["get"],
                },
                {
                    "apiGroups": ["example.org"],
                    "resources": ["widgets"],
                    "resourceNames": ["a"],
                    "verbs": ["list", "watch", "update", "patch", "delete"],
                },
            ]
        },
    ),
    _cidr("203.0.113.7/32"),
    _cidr("10.0.0.0/8"),
    _cidr("2001:db8:1::/48"),
    _cidr("2001:db8::7/128"),
    Sample(
        "every kind of peer and endpoint",
        {
            "spec.network.ingress": [
                {"name": "a", "cidr": "192.0.2.0/24", "ports": ["hl7"]},
                {"name": "b", "pods": {"matchLabels": {"app": ""}}, "ports": ["hl7"]},
                {
                    "name": "c",
                    "pods": {
                        "namespace": "intake",
                        "matchLabels": {"app.kubernetes.io/name": "x_Y.z"},
                    },
                    "ports": ["hl7"],
                },
            ],
            "spec.endpoints": [
                {"name": "a", "kind": "HL7v2", "workflow": {"name": "x"}, "port": 1},
                {"name": "b", "kind": "TCP", "pods": {"matchLabels": {"a": "b"}}, "port": 65535},
            ],
        },
    ),
    Sample(
        "every field of a secret",
        {
            "spec.secrets[0]": {
                "name": "db",
                "source": {
                    "kvGenerated": {
                        "fields": [
                            {"name": "password", "length": 64, "characters": "Hex"},
                            {"name": "pin.txt", "length": 16},
                        ]
                    }
                },
                "rotation": {"every": "1h30m", "maxAge": "90m"},
                "delivery": {"onChange": "Reload"},
            }
        },
    ),
    Sample(
        "a secret from every source",
        {
            "spec.secrets": [
                {
                    "name": f"s{number}",
                    "source": source,
                    "rotation": {
                        "every": "24h",
                        "overlap": "1h",
                        "windows": [
                            {
                                "days": ["Mon", "Fri"],
                                "from": "22:00",
                                "to": "06:00",
                                "timeZone": "America/New_York",
                            }
                        ],
                    },
                }
                for number, source in enumerate(_SOURCES)
            ]
        },
    ),
)
