# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.network` and `spec.endpoints`: who may come in and what may be reached; nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from wardkeeper.api.schema import Label, Model, Subdomain, list_map, list_set
from wardkeeper.api.workload import PortName

Cidr = Annotated[str, StringConstraints(min_length=4, max_length=43)]
LabelValue = Annotated[
    str, StringConstraints(max_length=63, pattern=r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$")
]
LabelKey = Annotated[str, StringConstraints(min_length=1, max_length=317)]


class EndpointKind(StrEnum):
    """What speaks at the other end."""

    FHIR = "FHIR"
    HL7V2 = "HL7v2"
    DATABASE = "Database"
    QUEUE = "Queue"
    DICOM = "DICOM"
    HTTPS = "HTTPS"
    TCP = "TCP"


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
    match_labels: dict[LabelKey, LabelValue] = Field(
        min_length=1, max_length=16, description="Labels that the pods carry, all of them."
    )


class IngressPeer(Model):
    """Somebody who may open connections to the workflow; exactly one of workflow, pods, cidr."""

    name: Label = Field(description="Name of the entry, for people and messages.")
    workflow: WorkflowPeer | None = Field(None, description="Pods of another HealthcareWorkflow.")
    pods: PodPeer | None = Field(None, description="Other pods of the cluster.")
    cidr: Cidr | None = Field(None, description="An address range outside the cluster.")
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

    name: Label = Field(description="Name of the endpoint, for people, status and messages.")
    kind: EndpointKind = Field(description="What speaks there.")
    host: Subdomain | None = Field(None, description="DNS name of a host outside the cluster.")
    workflow: WorkflowPeer | None = Field(None, description="Pods of another HealthcareWorkflow.")
    pods: PodPeer | None = Field(None, description="Other pods of the cluster.")
    cidrs: tuple[Cidr, ...] = Field(
        (),
        max_length=32,
        json_schema_extra=list_set(),
        description="Address ranges of the host; required with host: packets carry no names.",
    )
    port: int = Field(ge=1, le=65535, description="TCP port at the other end.")
