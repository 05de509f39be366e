# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""One container, without one field that could weaken how it runs."""

from __future__ import annotations

from enum import StrEnum
from itertools import permutations
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints
from pydantic.alias_generators import to_snake

from wardkeeper.api.probes import Probes
from wardkeeper.api.quantity import MEMORY, octets
from wardkeeper.api.resources import Memory, Resources
from wardkeeper.api.scalars import AbsolutePath, Argument, Label, MountPath, PortName, Subdomain
from wardkeeper.api.schema import Model, Rule, list_atomic, list_map, shape

_NAME = r"[a-z0-9]+([._-]+[a-z0-9]+)*"
_HOST_OR_NAME = r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:[0-9]{1,5})?"
IMAGE = rf"{_HOST_OR_NAME}(/{_NAME})*(:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?@sha256:[a-f0-9]{{64}}"


class VolumeAccess(StrEnum):
    """How a claimed volume is mounted."""

    READ_ONLY = "ReadOnly"
    READ_WRITE = "ReadWrite"


class Port(Model):
    """A port that a container listens on."""

    name: PortName = Field(
        description="Name that probes and network.ingress refer to; unique in the pod."
    )
    port: int = Field(ge=1, le=65535, description="TCP port number inside the pod.")


class EnvVar(Model):
    """One environment variable; secrets are files, declared under spec.secrets."""

    name: Annotated[
        str,
        StringConstraints(min_length=1, max_length=253),
        shape(
            r"[A-Za-z_][A-Za-z0-9_]*",
            "must be letters, digits and '_', not beginning with a digit, such as LOG_LEVEL",
        ),
    ] = Field(description="Name of the variable.")
    value: Annotated[str, StringConstraints(max_length=4096)] = Field(
        description="Value of the variable, readable by everybody who can read the workflow: "
        "never a secret."
    )


class WritablePath(Model):
    """A place in the container that can be written; memory-backed and gone with the pod."""

    path: MountPath = Field(
        description="Absolute path of a folder; everything around it stays read-only."
    )
    size: Memory = Field(
        description="Largest size, such as 64Mi; what is written counts towards limits.memory."
    )


class ConfigMapMount(Model):
    """A ConfigMap of the namespace, mounted read-only as files."""

    name: Subdomain = Field(description="Name of the ConfigMap; the pod waits until it exists.")
    path: MountPath = Field(description="Folder that shows one file for each key.")


class ClaimMount(Model):
    """A PersistentVolumeClaim of the namespace, mounted into the container."""

    claim: Subdomain = Field(
        description="Name of the PersistentVolumeClaim; the pod waits until it exists."
    )
    path: MountPath = Field(description="Folder where the volume appears.")
    access: VolumeAccess = Field(
        VolumeAccess.READ_ONLY,
        description="ReadOnly, the default, or ReadWrite for a container that writes to the "
        "volume.",
    )


_MEMORY = f"r'^({MEMORY})$'"
_MOUNTS = " + ".join(
    f"(has(self.{mounts}) ? self.{mounts}.map(mount, mount.path) : [])"
    for mounts in ("writablePaths", "configMaps", "volumes")
)


def _probe_port(probe: str, way: str) -> Rule:
    """A probe asks a port that its own container declares."""
    asked = f"self.probes.{probe}.{way}"
    attribute = to_snake(way)

    def holds(self: Container) -> bool:
        found = getattr(self.probes, probe, None)
        target = getattr(found, attribute, None)
        return target is None or any(port.name == target.port for port in self.ports)

    return Rule(
        f"!has(self.probes) || !has(self.probes.{probe}) || !has({asked}) || "
        f"(has(self.ports) && self.ports.exists(port, port.name == {asked}.port))",
        "port of a probe must be the name of a port that the same container declares; declare it "
        "under ports, or correct the name",
        holds,
        f".probes.{probe}.{way}.port",
    )


class Container(Model):
    """One container. How it is confined is not for the workflow to choose."""

    obeys: ClassVar = (
        *(
            _probe_port(probe, way)
            for probe in ("readiness", "liveness", "startup")
            for way in ("http", "tcpSocket")
        ),
        Rule(
            f"[{_MOUNTS}].all(paths, paths.all(path, paths.exists_one(other, other == path) && "
            "!paths.exists(other, other.startsWith(path + '/'))))",
            "two of writablePaths, configMaps and volumes have the same path, or one lies inside "
            "the other; give each a folder of its own",
            lambda self: (
                not any(
                    f"{inner}/".startswith(f"{outer}/")
                    for inner, outer in permutations(self.mount_paths(), 2)
                )
            ),
        ),
        Rule(
            f"!has(self.writablePaths) || !self.resources.limits.memory.matches({_MEMORY}) || "
            f"self.writablePaths.exists(place, !place.size.matches({_MEMORY})) || "
            "self.writablePaths.map(place, "
            "quantity(place.size).asInteger()).sum() "
            "<= quantity(self.resources.limits.memory).asInteger()",
            "the sizes of writablePaths together are above resources.limits.memory, which they "
            "count towards; raise the limit or make the places smaller",
            lambda self: (
                sum(octets(place.size) for place in self.writable_paths)
                <= octets(self.resources.limits.memory)
            ),
            ".writablePaths",
        ),
    )

    name: Label = Field(description="Name of the container, unique in the workload.")
    image: Annotated[
        str,
        StringConstraints(max_length=512),
        shape(
            IMAGE,
            "image must end in its digest, so that what runs cannot move; write it like "
            "registry.example.org/team/name@sha256:<64 hex digits>",
        ),
    ] = Field(
        description="Image with its digest, name@sha256:...; a tag before the digest is allowed "
        "and means nothing."
    )
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
        description="Arguments to the entry point; readable like env, never secrets.",
    )
    working_dir: AbsolutePath | None = Field(
        None, description="Folder that the command starts in; the image's own when left out."
    )
    env: tuple[EnvVar, ...] = Field(
        (),
        max_length=128,
        json_schema_extra=list_map("name"),
        description="Environment variables; secrets are files, never environment.",
    )
    ports: tuple[Port, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_map("name"),
        description="TCP ports that the container listens on; a Service is made when there are "
        "any, and who may connect stands under spec.network.",
    )
    resources: Resources = Field(description="Requests and limits; both are required.")
    probes: Probes | None = Field(
        None, description="How the kubelet tells whether the container is well."
    )
    writable_paths: tuple[WritablePath, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_map("path"),
        description="Folders that can be written; the rest of the file system is read-only.",
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
        description="PersistentVolumeClaims mounted into the container.",
    )
    user: int = Field(
        10001,
        ge=10000,
        le=2147483647,
        description="Numeric user and group that the container runs as, 10001 when left out; never "
        "below 10000, so that it meets no account of the node.",
    )

    def mount_paths(self) -> tuple[str, ...]:
        """Where anything is mounted that the workflow asks for."""
        return (
            *(place.path for place in self.writable_paths),
            *(mount.path for mount in self.config_maps),
            *(mount.path for mount in self.volumes),
        )
