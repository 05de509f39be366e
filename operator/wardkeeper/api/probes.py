# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How the kubelet finds out whether a container is up, well and ready for traffic."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from wardkeeper.api.scalars import Argument, PortName
from wardkeeper.api.schema import Model, Rule, list_atomic, shape


class HttpProbe(Model):
    """Well when a GET answers with a status from 200 to 399."""

    path: Annotated[
        str,
        StringConstraints(min_length=1, max_length=256),
        shape(r"/[!-~]*", "path must begin with '/'; write it like /healthz"),
    ] = Field(description="Path of the request, such as /healthz.")
    port: PortName = Field(description="Name of a port that the same container declares.")


class TcpProbe(Model):
    """Well when a TCP connection opens."""

    port: PortName = Field(description="Name of a port that the same container declares.")


class ExecProbe(Model):
    """Well when a command inside the container exits with 0."""

    command: tuple[Argument, ...] = Field(
        min_length=1,
        max_length=32,
        json_schema_extra=list_atomic(),
        description="The command and its arguments; no shell is added.",
    )


class Probe(Model):
    """A question that the kubelet asks the container again and again; exactly one kind."""

    obeys: ClassVar = (
        Rule(
            "[has(self.http), has(self.tcpSocket), has(self.exec)].exists_one(asked, asked)",
            "a probe asks in exactly one way; keep one of http, tcpSocket and exec",
            lambda self: [self.http, self.tcp_socket, self.exec].count(None) == 2,
        ),
    )

    http: HttpProbe | None = Field(None, description="Ask with an HTTP GET.")
    tcp_socket: TcpProbe | None = Field(None, description="Ask by opening a TCP connection.")
    exec: ExecProbe | None = Field(None, description="Ask by running a command.")
    initial_delay_seconds: int = Field(
        0,
        ge=0,
        le=3600,
        description="Seconds after the start before the first question; 0 when left out.",
    )
    period_seconds: int = Field(
        10,
        ge=1,
        le=3600,
        description="Seconds from one question to the next; 10 when left out.",
    )
    timeout_seconds: int = Field(
        1, ge=1, le=300, description="Seconds to wait for an answer; 1 when left out."
    )
    failure_threshold: int = Field(
        3,
        ge=1,
        le=60,
        description="Failures in a row after which the probe has failed; 3 when left out.",
    )


class Probes(Model):
    """The probes of a container; those of a Deployment need readiness and liveness."""

    readiness: Probe | None = Field(
        None,
        description="Whether the pod gets traffic; required in a Deployment, where a roll-out "
        "waits for it.",
    )
    liveness: Probe | None = Field(
        None,
        description="Whether the container goes on; it is restarted when this fails. Required in "
        "a Deployment.",
    )
    startup: Probe | None = Field(
        None, description="Whether the start is over; the other probes wait for it."
    )
