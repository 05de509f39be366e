# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.network` and `spec.endpoints`: who may come in and what may be reached; nothing else."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import Field, StringConstraints

from wardkeeper.api.address import Cidr
from wardkeeper.api.scalars import SUBDOMAIN, Label, PortName, Subdomain
from wardkeeper.api.schema import Model, Obeys, Rule, list_map, list_set, shape

_LABEL_NAME = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
LABEL_KEY = rf"({SUBDOMAIN}/)?{_LABEL_NAME}"
_LABEL_KEY = re.compile(LABEL_KEY)

LabelValue = Annotated[
    str,
    StringConstraints(max_length=63),
    shape(
        rf"({_LABEL_NAME})?",
        "must be a label value: at most 63 letters, digits, '-', '_' and '.', beginning and "
        "ending with a letter or digit",
    ),
    Field(description="Value of the label."),
]

MatchLabels = Annotated[
    dict[str, LabelValue],
    Obeys(
        Rule(
            f"self.all(key, key.size() <= 317 && key.matches(r'^({LABEL_KEY})$'))",
            "keys must be label keys; write them like app.kubernetes.io/name",
            lambda self: all(len(key) <= 317 and _LABEL_KEY.fullmatch(key) for key in self),
        )
    ),
]

Host = Annotated[
    Subdomain,
    Obeys(
        Rule(
            "!self.matches('^[0-9.]+$')",
            "host is a DNS name; write an address as a range under cidrs and name the host it "
            "belongs to",
            lambda self: not re.fullmatch(r"[0-9.]+", self),
        )
    ),
]


class EndpointKind(StrEnum):
    """What speaks at the other end."""

    FHIR = "FHIR"
    HL7V2 = "HL7v2"
    DATABASE = "Database"
    QUEUE = "Queue"
    DICOM = "DICOM"
    HTTPS = "HTTPS"
    TCP = "TCP"


def _exactly_one(message: str, *members: str) -> Rule:
    """Exactly one of the members, all of one word, is there."""

    def holds(self: Any) -> bool:
        return sum(getattr(self, member) is not None for member in members) == 1

    present = ", ".join(f"has(self.{member})" for member in members)
    return Rule(f"[{present}].exists_one(there, there)", message, holds)


class WorkflowPeer(Model):
    """Another HealthcareWorkflow of the cluster, met by its label and its namespace."""

    name: Annotated[Label, StringConstraints(max_length=52)] = Field(
        description="Name of the HealthcareWorkflow."
    )
    namespace: Label | None = Field(
        None, description="Its namespace; the workflow's own when left out."
    )


class PodPeer(Model):
    """Pods that no HealthcareWorkflow describes."""

    namespace: Label | None = Field(
        None, description="Their namespace; the workflow's own when left out."
    )
    match_labels: MatchLabels = Field(
        min_length=1, max_length=16, description="Labels that the pods carry, all of them."
    )


class IngressPeer(Model):
    """Somebody who may open connections to the workflow; exactly one of workflow, pods, cidr."""

    obeys: ClassVar = (
        _exactly_one(
            "a peer is exactly one of workflow, pods and cidr; keep one, and write another peer "
            "for each of the others",
            "workflow",
            "pods",
            "cidr",
        ),
    )

    name: Label = Field(description="Name of the entry, for people and messages.")
    workflow: WorkflowPeer | None = Field(None, description="Pods of another HealthcareWorkflow.")
    pods: PodPeer | None = Field(None, description="Other pods of the cluster.")
    cidr: Cidr | None = Field(
        None, description="An address range outside the cluster, such as 203.0.113.0/28."
    )
    ports: tuple[PortName, ...] = Field(
        min_length=1,
        max_length=16,
        json_schema_extra=list_set(),
        description="Names of declared ports that the peer may connect to.",
    )


class Network(Model):
    """Who may come in."""

    ingress: tuple[IngressPeer, ...] = Field(
        (),
        max_length=64,
        json_schema_extra=list_map("name"),
        description="Peers that may connect; nobody else gets in.",
    )


class Endpoint(Model):
    """Something the workflow may connect to; exactly one of host, workflow, pods."""

    obeys: ClassVar = (
        _exactly_one(
            "an endpoint is exactly one of host, workflow and pods; keep one, and write another "
            "endpoint for each of the others",
            "host",
            "workflow",
            "pods",
        ),
        Rule(
            "!has(self.host) || (has(self.cidrs) && self.cidrs.size() > 0)",
            "cidrs is required with host, because packets carry addresses and no names; list the "
            "ranges that the host answers from",
            lambda self: self.host is None or bool(self.cidrs),
            ".cidrs",
        ),
        Rule(
            "has(self.host) || !has(self.cidrs) || self.cidrs.size() == 0",
            "cidrs belongs to host; remove it, workflow and pods are found by their labels",
            lambda self: self.host is not None or not self.cidrs,
            ".cidrs",
        ),
    )

    name: Label = Field(description="Name of the endpoint, for people, status and messages.")
    kind: EndpointKind = Field(
        description="What speaks there: FHIR, HL7v2, Database, Queue, DICOM, HTTPS or TCP."
    )
    host: Host | None = Field(
        None, description="DNS name of a host outside the cluster; cidrs says where it answers."
    )
    workflow: WorkflowPeer | None = Field(None, description="Pods of another HealthcareWorkflow.")
    pods: PodPeer | None = Field(None, description="Other pods of the cluster.")
    cidrs: tuple[Cidr, ...] = Field(
        (),
        max_length=32,
        json_schema_extra=list_set(),
        description="Address ranges of the host; required with host, because packets carry "
        "addresses and no names.",
    )
    port: int = Field(ge=1, le=65535, description="TCP port at the other end.")
