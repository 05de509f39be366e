# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an installation decides: one YAML file, checked as a whole before anything starts.

The operator reads it to run, the command line reads it so that what it prints is what the
operator would apply. Every key is optional, an unknown one is refused. It never holds a secret:
tokens are named by file.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    model_validator,
)
from pydantic.alias_generators import to_camel

from wardkeeper.settings.values import (
    Cidr,
    Count,
    HttpUrl,
    Image,
    LogFormat,
    LogLevel,
    Name,
    Period,
    Port,
    PullPolicy,
    Seconds,
    Switch,
    VaultUrl,
    in_seconds,
)


class _Settings(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_name=True, extra="forbid", frozen=True
    )


class OperatorSettings(_Settings):
    """The operator's own place in the cluster."""

    namespace: Name = Field("wardkeeper-system", description="Where the operator runs.")
    service_account: Name = Field("wardkeeper", description="What it runs as.")
    lease_name: Name = Field("wardkeeper", description="Lease that one replica holds.")


class LeaderElectionSettings(_Settings):
    """Times of the Lease; retry < deadline < duration."""

    duration: Seconds = Field(15, description="Others wait this long after a renewal.")
    deadline: Seconds = Field(10, description="A holder that cannot renew stops after this long.")
    retry: Seconds = Field(2, description="Between two attempts.")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.retry < self.deadline < self.duration:
            raise ValueError("retry less than deadline, and deadline less than duration")
        return self


class ConcurrencySettings(_Settings):
    """How much is done at once."""

    requests: Count = Field(32, description="Requests to the API server under way at once.")
    workers: Count = Field(32, description="Workflows that are worked on at once.")


class DnsSettings(_Settings):
    """The pods that answer DNS queries."""

    namespace: Name = Field("kube-system", description="Namespace of the DNS pods.")
    match_labels: dict[str, str] = Field(
        {"k8s-app": "kube-dns"}, min_length=1, description="Labels of the DNS pods."
    )


class ApiServerSettings(_Settings):
    """Where the API server really is, for workflows that may reach it."""

    cidrs: tuple[Cidr, ...] = Field(
        (), description="Its addresses; empty: found in the EndpointSlices of Service kubernetes."
    )
    ports: tuple[Port, ...] = Field((), description="Its TCP ports; given together with cidrs.")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if bool(self.cidrs) != bool(self.ports):
            raise ValueError("cidrs and ports together, or neither")
        return self


class NetworkSettings(_Settings):
    """What NetworkPolicies must know about the cluster."""

    dns: DnsSettings = Field(DnsSettings(), description="The cluster's DNS.")
    api_server: ApiServerSettings = Field(ApiServerSettings(), description="The API server.")


class ImageSettings(_Settings):
    """How images are fetched."""

    pull_policy: PullPolicy = Field(PullPolicy.ALWAYS, description="imagePullPolicy of pods.")


class VaultSettings(_Settings):
    """Where Vault or OpenBao is."""

    address: VaultUrl = Field(description="URL of the server.")
    ca_file: str | None = Field(None, description="PEM of its authority; left out: the system's.")
    namespace: str | None = Field(None, description="Vault namespace; left out: the root one.")
    auth_mount: str = Field("kubernetes", min_length=1, description="Kubernetes auth method.")
    kv_mount: str = Field("secret", min_length=1, description="KV v2 engine.")
    database_mount: str = Field("database", min_length=1, description="Database engine.")
    pki_mount: str = Field("pki", min_length=1, description="PKI engine.")
    transit_mount: str = Field("transit", min_length=1, description="Transit engine.")
    trust_domain: str = Field(
        "cluster.local", min_length=1, description="Of the SPIFFE ids in certificates."
    )
    database_ca_file: str | None = Field(
        None, description="PEM that databases' certificates are checked with; left out: system's."
    )
    token_period: Period = Field(
        86400,
        description="How long a workflow's token lasts while Vault is away; `--token-period` of"
        " `wardkeeper vault bootstrap` has to say the same.",
    )
    writes_per_second: Count = Field(100, description="Requests a second that change something.")
    credentials_per_second: Count = Field(
        20, description="Credentials a second that one database server is asked for."
    )
    role: str = Field("hw-operator", min_length=1, description="Role the operator logs in with.")
    token_file: str = Field(
        "/var/run/secrets/wardkeeper/vault/token",
        min_length=1,
        description="ServiceAccount token with audience vault, replaced by kubelet.",
    )


class RotationSettings(_Settings):
    """How workloads take up replaced secrets."""

    collect: Annotated[int, BeforeValidator(in_seconds), Strict(), Field(ge=0, le=3600)] = Field(
        30, description="Changes are collected this long before a restart."
    )
    min_restart_interval: Annotated[
        int, BeforeValidator(in_seconds), Strict(), Field(ge=0, le=86400)
    ] = Field(300, description="Between two restarts of one workload.")
    restarts_per_minute: Annotated[int, Strict(), Field(ge=1, le=10000)] = Field(
        120, description="Restarts that begin in a minute, in the whole cluster."
    )
    verify_window: Annotated[int, BeforeValidator(in_seconds), Strict(), Field(ge=0, le=3600)] = (
        Field(10, description="A workload must stay ready this long with a new secret.")
    )
    metrics_per_secret: Switch = Field(
        Switch.ENABLED, description="Whether each secret has series of its own."
    )


class VerificationSettings(_Settings):
    """Whether the network plug-in is seen to enforce policies."""

    canary: Switch = Field(
        Switch.DISABLED, description="Whether a workflow wardkeeper-canary is run and asked."
    )
    image: Image | None = Field(None, description="Its image, by digest: the operator's own.")
    address: HttpUrl | None = Field(
        None,
        description="URL of the canary; left out: of its Service in the operator's namespace.",
    )
    every: Seconds = Field(60, description="Between two looks.")
    port: Port = Field(8081, description="Port of the operator that the canary must not reach.")

    @model_validator(mode="after")
    def _has_an_image(self) -> Self:
        if self.canary is Switch.ENABLED and self.image is None:
            raise ValueError("an image when the canary is Enabled")
        return self


class HttpSettings(_Settings):
    """Where probes and metrics are served."""

    host: str | None = Field(None, description="Address to listen on; left out: all of the pod's.")
    port: Port = Field(8080, description="TCP port of /healthz, /readyz and /metrics.")


class LoggingSettings(_Settings):
    """What is written to standard error."""

    level: LogLevel = Field(
        LogLevel.INFO, description="debug holds for Wardkeeper's own lines; libraries stay at info."
    )
    format: LogFormat = Field(LogFormat.JSON, description="text is for terminals.")


class Settings(_Settings):
    """Everything that an installation decides."""

    namespaces: tuple[Name, ...] = Field((), description="Where workflows live; empty: everywhere.")
    operator: OperatorSettings = Field(OperatorSettings(), description="Its own place.")
    leader_election: LeaderElectionSettings = Field(
        LeaderElectionSettings(), description="Times of the Lease, such as 15s."
    )
    concurrency: ConcurrencySettings = Field(ConcurrencySettings(), description="Bounds on work.")
    network: NetworkSettings = Field(NetworkSettings(), description="The cluster's network.")
    images: ImageSettings = Field(ImageSettings(), description="Images of workloads.")
    vault: VaultSettings | None = Field(None, description="Left out: no secrets are made.")
    rotation: RotationSettings = Field(
        RotationSettings(), description="Restarts for replaced secrets."
    )
    verification: VerificationSettings = Field(
        VerificationSettings(), description="Whether policies are enforced."
    )
    http: HttpSettings = Field(HttpSettings(), description="Probes and metrics.")
    logging: LoggingSettings = Field(LoggingSettings(), description="Log lines.")
    events: Switch = Field(Switch.ENABLED, description="Whether Events are posted.")

    @model_validator(mode="after")
    def _follows_its_canary(self) -> Self:
        followed = not self.namespaces or self.operator.namespace in self.namespaces
        if self.verification.canary is Switch.ENABLED and not followed:
            raise ValueError("the operator's namespace among namespaces, where the canary lives")
        return self
