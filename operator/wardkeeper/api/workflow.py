# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The kind HealthcareWorkflow."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from wardkeeper.api.access import Access
from wardkeeper.api.network import Endpoint, Network
from wardkeeper.api.schema import Model, Rule, list_map
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.api.status import WorkflowStatus
from wardkeeper.api.workload import Workload, WorkloadKind

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
        description="Team that runs it, such as integration."
    )
    contact: Annotated[str, StringConstraints(min_length=3, max_length=254)] = Field(
        description="Mail address or channel where the team answers."
    )


class Phi(Model):
    """What health information the workflow touches."""

    classification: Classification = Field(
        description="What the data is, in the words of the HIPAA Privacy Rule: None, DeIdentified, "
        "LimitedDataSet or PHI. Pods carry it as a label."
    )


_DECLARED = "self.workload.containers.map(each, has(each.ports) ? each.ports.map(p, p.name) : [])"


class WorkflowSpec(Model):
    """What the workflow is, what it may reach and who answers for it."""

    obeys: ClassVar = (
        Rule(
            "self.criticality == 'Standard' || self.workload.kind != 'Deployment' || "
            "(has(self.workload.replicas) && self.workload.replicas >= 2)",
            "replicas must be 2 or more for criticality High and LifeSafety, so that one pod may "
            "fail; set it, because an autoscaler's minimum cannot be seen from here",
            lambda self: (
                self.criticality is Criticality.STANDARD
                or self.workload.kind is not WorkloadKind.DEPLOYMENT
                or (self.workload.replicas or 0) >= 2
            ),
            ".workload.replicas",
        ),
        Rule(
            f"!has(self.network) || !has(self.network.ingress) || [{_DECLARED}].all(declared, "
            "self.network.ingress.all(peer, peer.ports.all(wanted, "
            "declared.exists(names, wanted in names))))",
            "ports of a peer must be declared by one of workload.containers; declare the name "
            "there, or correct it here",
            lambda self: (
                {port for peer in self.network.ingress for port in peer.ports}
                <= {port.name for each in self.workload.containers for port in each.ports}
            ),
            ".network.ingress",
        ),
    )

    mode: Mode = Field(
        Mode.ENFORCE,
        description="Enforce, the default, acts; Audit evaluates, reports and writes nothing but "
        "status.",
    )
    criticality: Criticality = Field(
        Criticality.STANDARD,
        description="How bad an outage is: Standard when left out. High and LifeSafety need two "
        "replicas or more, which are spread over nodes and kept through maintenance.",
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


_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


class HealthcareWorkflow(Model):
    """One piece of automation that touches patient data, and everything it may do."""

    obeys: ClassVar = (
        Rule(
            "self.metadata.name.size() <= 52",
            "metadata.name may have at most 52 characters, because its children get names from it; "
            "shorten it",
            lambda self: len(self.metadata.name) <= 52,
            ".metadata.name",
        ),
        Rule(
            "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
            "metadata.name must be lower-case letters, digits and '-', beginning with a letter and "
            "without dots, because it names a Service and is a label; rename it",
            lambda self: bool(_NAME.fullmatch(self.metadata.name)),
            ".metadata.name",
        ),
    )

    metadata: Metadata
    spec: WorkflowSpec
    status: WorkflowStatus = WorkflowStatus()
