# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The kind HealthcareWorkflow."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from wardkeeper.api.access import Access
from wardkeeper.api.network import Endpoint, Network
from wardkeeper.api.schema import Model, list_map
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.api.status import WorkflowStatus
from wardkeeper.api.workload import Workload

KIND = "HealthcareWorkflow"
PLURAL = "healthcareworkflows"


class Mode(StrEnum):
    """Whether the operator acts or only looks."""

    ENFORCE = "Enforce"
    AUDIT = "Audit"


class Criticality(StrEnum):
    """How bad an outage of the workflow is."""

    STANDARD = "Standard"
    HIGH = "High"
    LIFE_SAFETY = "LifeSafety"


class Classification(StrEnum):
    """What the data that the workflow handles is, in the words of the HIPAA Privacy Rule."""

    NONE = "None"
    DE_IDENTIFIED = "DeIdentified"
    LIMITED_DATA_SET = "LimitedDataSet"
    PHI = "PHI"


class Owner(Model):
    """Who answers for the workflow."""

    team: Annotated[str, StringConstraints(min_length=1, max_length=63)] = Field(
        description="Team that runs it."
    )
    contact: Annotated[str, StringConstraints(min_length=3, max_length=254)] = Field(
        description="Mail address or channel where the team answers."
    )


class Phi(Model):
    """What health information the workflow touches."""

    classification: Classification = Field(
        description="None, DeIdentified, LimitedDataSet or PHI; shown as a label on pods."
    )


class WorkflowSpec(Model):
    """What the workflow is, what it may reach and who answers for it."""

    mode: Mode = Field(
        Mode.ENFORCE,
        description="Enforce acts; Audit evaluates and reports and writes nothing but status.",
    )
    criticality: Criticality = Field(
        Criticality.STANDARD,
        description="High and LifeSafety need two replicas or more and are spread over nodes.",
    )
    owner: Owner = Field(description="Who answers for the workflow.")
    phi: Phi = Field(description="What health information it touches.")
    workload: Workload = Field(description="What runs.")
    access: Access = Field(Access(), description="Rights and tokens of its own identity.")
    network: Network = Field(Network(), description="Who may come in.")
    endpoints: tuple[Endpoint, ...] = Field(
        (),
        max_length=64,
        json_schema_extra=list_map("name"),
        description="What it may connect to; nothing else can be reached.",
    )
    secrets: tuple[SecretSpec, ...] = Field(
        (),
        max_length=32,
        json_schema_extra=list_map("name"),
        description="Secrets that are made, delivered and rotated for it.",
    )


class Metadata(Model):
    """The part of metadata that decisions and rendering read."""

    name: str
    namespace: str
    uid: str = ""
    generation: int = 0
    annotations: dict[str, str] = Field(default_factory=dict)


class HealthcareWorkflow(Model):
    """One piece of automation that touches patient data, and everything it may do."""

    metadata: Metadata
    spec: WorkflowSpec
    status: WorkflowStatus = WorkflowStatus()
