# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Refused: what runs, when it runs, and how its containers fit together."""

from __future__ import annotations

from typing import Any

from tests.unit.api.samples.sample import GONE, Sample, container, one

_W = "spec.workload"
_C0 = "spec.workload.containers[0]"
_EXEC = {"exec": {"command": ["/bin/true"]}}


def _schedule(line: str) -> Sample:
    name = f"the schedule {line!r}"
    return one(name, f"{_W}.schedule", line, "write it like '30 2 * * *'", base="CronJob")


def _foreign(member: str, value: Any, belongs: str, base: str) -> Sample:
    return one(
        f"{member} in a {base}",
        f"{_W}.{member}",
        value,
        f"{member} is for a {belongs} only; remove it",
        base=base,
    )


WORKLOAD = (
    _foreign("replicas", 2, "Deployment", "Job"),
    _foreign("replicas", 2, "Deployment", "CronJob"),
    _foreign("schedule", "30 2 * * *", "CronJob", "Deployment"),
    _foreign("timeZone", "Etc/UTC", "CronJob", "Job"),
    _foreign("concurrencyPolicy", "Forbid", "CronJob", "Job"),
    _foreign("startingDeadlineSeconds", 60, "CronJob", "Deployment"),
    _foreign("backoffLimit", 1, "Job or CronJob", "Deployment"),
    _foreign("activeDeadlineSeconds", 60, "Job or CronJob", "Deployment"),
    one("a CronJob without schedule", f"{_W}.schedule", GONE, "is required", base="CronJob"),
    *map(
        _schedule,
        (
            "",
            "every night",
            "@daily",
            "30 2 * *",
            "30 2 * * * *",
            "60 2 * * *",
            "0 24 * * *",
            "0 0 32 * *",
            "0 0 0 * *",
            "0 0 * 13 *",
            "0 0 * * 7",
            "0 0 * * MON-",
            "0 0 * * */0",
            "TZ=UTC 0 0 * * *",
            "0 0 * * *\n",
        ),
    ),
    one("the zone of the machine", f"{_W}.timeZone", "Local", "Etc/UTC", base="CronJob"),
    one("a zone in words", f"{_W}.timeZone", "New York", "America/New_York", base="CronJob"),
    Sample(
        "criticality High, one replica",
        {"spec.criticality": "High", f"{_W}.replicas": 1},
        f"{_W}.replicas",
        "2 or more",
    ),
    Sample(
        "criticality LifeSafety, replicas left out",
        {"spec.criticality": "LifeSafety"},
        f"{_W}.replicas",
        "2 or more",
    ),
    Sample(
        "a Deployment without probes",
        {f"{_C0}.probes": GONE},
        f"{_W}.containers",
        "probes.readiness and probes.liveness",
    ),
    Sample(
        "a Deployment without liveness",
        {f"{_C0}.probes.liveness": GONE},
        f"{_W}.containers",
        "probes.readiness and probes.liveness",
    ),
    Sample(
        "a Deployment without readiness",
        {f"{_C0}.probes.readiness": GONE},
        f"{_W}.containers",
        "probes.readiness and probes.liveness",
    ),
    Sample(
        "probes of an init container",
        {f"{_W}.initContainers": [container("prepare", probes={"liveness": _EXEC})]},
        f"{_W}.initContainers",
        "remove them",
    ),
    Sample(
        "ports of an init container",
        {f"{_W}.initContainers": [container("prepare", ports=[{"name": "a", "port": 1}])]},
        f"{_W}.initContainers",
        "remove them",
    ),
    Sample(
        "an init container called like a container",
        {f"{_W}.initContainers": [container("router")]},
        f"{_W}.initContainers",
        "a name of its own",
    ),
    Sample(
        "two containers of one name",
        {f"{_W}.containers": [container("a"), container("a")]},
        f"{_W}.containers[1]",
        "Duplicate value",
        "a second time",
        base="Job",
    ),
    Sample(
        "one port number in two containers",
        {
            f"{_W}.containers": [
                container("a", ports=[{"name": "x", "port": 80}]),
                container("b", ports=[{"name": "y", "port": 80}]),
            ]
        },
        f"{_W}.containers",
        "declares a port number that is declared twice",
        base="Job",
    ),
    Sample(
        "one port number twice in a container",
        {f"{_C0}.ports": [{"name": "x", "port": 80}, {"name": "y", "port": 80}]},
        f"{_W}.containers",
        "declares a port number that is declared twice",
        base="Job",
    ),
    Sample(
        "one port name in two containers",
        {
            f"{_W}.containers": [
                container("a", ports=[{"name": "x", "port": 80}]),
                container("b", ports=[{"name": "x", "port": 81}]),
            ]
        },
        f"{_W}.containers",
        "declares a port name that is declared twice",
        base="Job",
    ),
)
