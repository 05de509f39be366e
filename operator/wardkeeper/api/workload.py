# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.workload`: what runs, without one field that could weaken how it runs."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from wardkeeper.api.schema import AbsolutePath, Label, Model, Subdomain, list_atomic, list_map

CPU_PATTERN = r"^([1-9][0-9]{0,3}|[1-9][0-9]{0,6}m|0\.[0-9]{1,3})$"
MEMORY_PATTERN = r"^[1-9][0-9]{0,9}(Ki|Mi|Gi|k|M|G)?$"
IMAGE_PATTERN = r"^[a-zA-Z0-9][a-zA-Z0-9._:/-]*@sha256:[a-f0-9]{64}$"

Cpu = Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=CPU_PATTERN)]
Memory = Annotated[str, StringConstraints(min_length=1, max_length=16, pattern=MEMORY_PATTERN)]
PortName = Annotated[
    str, StringConstraints(min_length=1, max_length=15, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
]
Argument = Annotated[str, StringConstraints(max_length=4096)]


class WorkloadKind(StrEnum):
    """The kinds of workload that a workflow can be."""

    DEPLOYMENT = "Deployment"
    CRON_JOB = "CronJob"
    JOB = "Job"


class ConcurrencyPolicy(StrEnum):
    """What a CronJob does when a run is due and the last one still works."""

    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


class VolumeAccess(StrEnum):
    """How a claimed volume is mounted."""

    READ_ONLY = "ReadOnly"
    READ_WRITE = "ReadWrite"


class Port(Model):
    """A port that a container listens on."""

    name: PortName = Field(description="Name that probes and network.ingress refer to.")
    port: int = Field(ge=1, le=65535, description="TCP port number inside the pod.")


class EnvVar(Model):
    """One environment variable. Secrets are never environment: declare them under spec.secrets."""

    name: Annotated[
        str, StringConstraints(min_length=1, max_length=253, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    ] = Field(description="Name of the variable.")
    value: Annotated[str, StringConstraints(max_length=4096)] = Field(
        description="Value of the variable, readable by everybody who can read the workflow."
    )


class Amounts(Model):
    """An amount of processor and memory."""

    cpu: Cpu = Field(description="Processor time in cores (2) or thousandths of a core (250m).")
    memory: Memory = Field(description="Memory in bytes with a suffix such as 128Mi.")


class Resources(Model):
    """What a container is promised and what it may use at most."""

    requests: Amounts = Field(description="What the scheduler reserves.")
    limits: Amounts = Field(description="What the container may use at most.")


class HttpProbe(Model):
    """Healthy when a GET answers with a status from 200 to 399."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=r"^/")] = Field(
        description="Path of the request."
    )
    port: PortName = Field(description="Name of a declared port of the same container.")


class TcpProbe(Model):
    """Healthy when a TCP connection opens."""

    port: PortName = Field(description="Name of a declared port of the same container.")


class ExecProbe(Model):
    """Healthy when a command inside the container exits with 0."""

    command: tuple[Argument, ...] = Field(
        min_length=1,
        max_length=32,
        json_schema_extra=list_atomic(),
        description="The command and its arguments; no shell is added.",
    )


class Probe(Model):
    """A question that the kubelet asks the container again and again; exactly one kind."""

    http: HttpProbe | None = Field(None, description="Ask with an HTTP GET.")
    tcp_socket: TcpProbe | None = Field(None, description="Ask by opening a TCP connection.")
    exec: ExecProbe | None = Field(None, description="Ask by running a command.")
    initial_delay_seconds: int = Field(
        0, ge=0, le=3600, description="Seconds after start before the first question."
    )
    period_seconds: int = Field(10, ge=1, le=3600, description="Seconds between questions.")
    timeout_seconds: int = Field(1, ge=1, le=300, description="Seconds to wait for an answer.")
    failure_threshold: int = Field(
        3, ge=1, le=60, description="Failures in a row that count as unhealthy."
    )


class Probes(Model):
    """The probes of a container; a Deployment's containers need readiness and liveness."""

    readiness: Probe | None = Field(
        None, description="Whether the pod may receive traffic; required in a Deployment."
    )
    liveness: Probe | None = Field(
        None, description="Whether the container must be restarted; required in a Deployment."
    )
    startup: Probe | None = Field(
        None, description="Whether a slow start is over; the other probes wait for it."
    )


class WritablePath(Model):
    """A place in the container that can be written; memory-backed and gone with the pod."""

    path: AbsolutePath = Field(description="Absolute path; everything else stays read-only.")
    size: Memory = Field(description="Largest size; it counts towards the memory limit.")


class ConfigMapMount(Model):
    """A ConfigMap of the namespace, mounted read-only as files."""

    name: Subdomain = Field(description="Name of the ConfigMap; the pod waits until it exists.")
    path: AbsolutePath = Field(description="Folder that shows one file for each key.")


class ClaimMount(Model):
    """A PersistentVolumeClaim of the namespace."""

    claim: Subdomain = Field(description="Name of the PersistentVolumeClaim.")
    path: AbsolutePath = Field(description="Folder where the volume appears.")
    access: VolumeAccess = Field(
        VolumeAccess.READ_ONLY, description="Whether the container may write to the volume."
    )


class Container(Model):
    """One container. How it is confined is not for the workflow to choose."""

    name: Label = Field(description="Name of the container, unique in the workload.")
    image: Annotated[
        str, StringConstraints(min_length=73, max_length=512, pattern=IMAGE_PATTERN)
    ] = Field(description="Image with its digest (name@sha256:...), so that it cannot move.")
    command: tuple[Argument, ...] = Field(
        (),
        max_length=64,
        json_schema_extra=list_atomic(),
        description="Replaces the entry point of the image; no shell is added.",
    )
    args: tuple[Argument, ...] = Field(
        (),
        max_length=128,
        json_schema_extra=list_atomic(),
        description="Arguments to the entry point.",
    )
    working_dir: AbsolutePath | None = Field(None, description="Folder the command starts in.")
    env: tuple[EnvVar, ...] = Field(
        (),
        max_length=128,
        json_schema_extra=list_map("name"),
        description="Environment variables; never secrets.",
    )
    ports: tuple[Port, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_map("name"),
        description="Ports the container listens on; a Service is made when there are any.",
    )
    resources: Resources = Field(description="Requests and limits; both are required.")
    probes: Probes | None = Field(None, description="How the kubelet tells whether it is healthy.")
    writable_paths: tuple[WritablePath, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_map("path"),
        description="Places that can be written; everything else is read-only.",
    )
    config_maps: tuple[ConfigMapMount, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_map("path"),
        description="ConfigMaps mounted as files.",
    )
    volumes: tuple[ClaimMount, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_map("path"),
        description="Persistent volume claims mounted into the container.",
    )
    user: int = Field(
        10001,
        ge=10000,
        le=2147483647,
        description="Numeric user and group the container runs as; never below 10000.",
    )


class Workload(Model):
    """What runs: a Deployment that stays, a Job that ends, or a CronJob that comes again."""

    kind: WorkloadKind = Field(description="Deployment, CronJob or Job. It cannot be changed.")
    replicas: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="Deployment only: pods to run; left out, an autoscaler may own the number.",
    )
    schedule: Annotated[str, StringConstraints(min_length=1, max_length=128)] | None = Field(
        None, description="CronJob only: five fields of cron, such as 30 2 * * *."
    )
    time_zone: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = Field(
        None, description="CronJob only: IANA time zone of the schedule; Etc/UTC when left out."
    )
    concurrency_policy: ConcurrencyPolicy | None = Field(
        None, description="CronJob only: what to do while the last run still works; Forbid."
    )
    starting_deadline_seconds: int | None = Field(
        None, ge=10, le=86400, description="CronJob only: how late a run may still start; 300."
    )
    backoff_limit: int | None = Field(
        None, ge=0, le=100, description="Job and CronJob: failed pods before the run fails; 6."
    )
    active_deadline_seconds: int | None = Field(
        None, ge=1, le=604800, description="Job and CronJob: seconds a run may take at most."
    )
    containers: tuple[Container, ...] = Field(
        min_length=1,
        max_length=8,
        json_schema_extra=list_map("name"),
        description="The containers of a pod.",
    )
    init_containers: tuple[Container, ...] = Field(
        (),
        max_length=8,
        json_schema_extra=list_map("name"),
        description="Containers that run to their end, in order, before the others start.",
    )
