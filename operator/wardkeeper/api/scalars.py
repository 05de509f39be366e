# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The texts that the API is written in: names, paths, durations, times.

Each has a bound, a shape and a message that says how to write it. None may accept more than
Kubernetes accepts where the text ends up.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from wardkeeper.api.schema import LABEL, Obeys, Rule, shape

SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
PATH = r"(/[.]*[A-Za-z0-9_-][A-Za-z0-9._-]*)+"
DURATION = r"([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?"

RESERVED_PATHS = ("/dev", "/proc", "/run/wardkeeper", "/sys", "/var/run/wardkeeper")
"""Nothing is mounted over, under or above these: /var/run is /run in many images."""

Label = Annotated[
    str,
    StringConstraints(min_length=1, max_length=63),
    shape(
        LABEL,
        "must be lower-case letters, digits and '-', beginning and ending with a letter or digit",
    ),
    Field(description="A DNS label."),
]

Subdomain = Annotated[
    str,
    StringConstraints(min_length=1, max_length=253),
    shape(
        SUBDOMAIN,
        "must be a name as Kubernetes accepts it: lower-case letters, digits, '-' and '.', each "
        "part beginning and ending with a letter or digit",
    ),
    Field(description="A DNS subdomain: the name of most objects."),
]

AbsolutePath = Annotated[
    str,
    StringConstraints(min_length=2, max_length=256),
    shape(
        PATH,
        "path must be absolute, without empty, '.' or '..' parts and without a '/' at the end; "
        "write it like /var/cache/app",
    ),
    Field(description="An absolute path inside the container."),
]


def _leaves_reserved_alone(path: str) -> bool:
    return all(
        path != reserved
        and not path.startswith(f"{reserved}/")
        and not reserved.startswith(f"{path}/")
        for reserved in RESERVED_PATHS
    )


MountPath = Annotated[
    AbsolutePath,
    Obeys(
        Rule(
            f"{list(RESERVED_PATHS)!r}.all(taken, self != taken && !self.startsWith(taken + '/')"
            " && !taken.startsWith(self + '/'))",
            "path covers or lies in a place that is kept for secrets, tokens or the kernel "
            f"({', '.join(RESERVED_PATHS)}); choose a folder of its own, such as /var/run/app",
            _leaves_reserved_alone,
        )
    ),
]

Duration = Annotated[
    str,
    StringConstraints(min_length=2, max_length=16),
    shape(
        DURATION,
        "must be a duration of hours, minutes and seconds such as 24h, 1h30m or 90s; write days "
        "in hours",
    ),
    Field(description="A duration in Go's way of writing; days are written in hours."),
]

Text = Annotated[
    str, StringConstraints(min_length=1, max_length=256), Field(description="A short text.")
]

Time = Annotated[
    str,
    StringConstraints(min_length=20, max_length=32),
    Field(description="A time in RFC 3339, UTC.", json_schema_extra={"format": "date-time"}),
]

PortName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=15),
    shape(
        r"([a-z0-9]-?)*[a-z](-?[a-z0-9])*",
        "must be at most 15 lower-case letters, digits and single '-', with a letter among them, "
        "such as hl7",
    ),
    Field(description="Name of a port."),
]

Argument = Annotated[
    str, StringConstraints(max_length=4096), Field(description="A word of a command line.")
]
