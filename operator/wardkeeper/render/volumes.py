# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a pod may see and write: memory, configuration, claims, secrets and tokens, by mount.

Secrets reach a container only as files, never as environment. Nothing here can name a folder of
the node, and nothing is writable that the workflow did not declare so.

About modes: the volumes ask for 0400. A kubelet gives the files to root and to the group `fsGroup`
and adds that group's right to read, so that a process that is not root can read them at all: what
the container sees is 0440 root:fsGroup. Token files follow the kubelet's own rule: 0600 for the
user when all containers run as one user, else readable by the group.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING

from wardkeeper.api.container import VolumeAccess
from wardkeeper.render import quantity
from wardkeeper.render.secret import delivered_secrets, secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wardkeeper.api.container import Container
    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.api.workload import Workload
    from wardkeeper.render.metadata import Obj

SECRETS_FOLDER = "/var/run/wardkeeper/secrets"
TOKENS_FOLDER = "/var/run/wardkeeper/tokens"
_OWNER_READS = 0o400
_ALL_READ = 0o444
_TOKENS = "tokens"


def render_volumes(workflow: HealthcareWorkflow) -> list[Obj]:
    """The volumes of the pod, each once, in a stable order."""
    spec = workflow.spec
    return [
        *_memory(spec.workload),
        *_config_maps(spec.workload),
        *_claims(spec.workload),
        *_secrets(workflow),
        *_projected_tokens(workflow),
    ]


def render_mounts(workflow: HealthcareWorkflow, container: Container) -> list[Obj]:
    """Where one container sees them; every container of the workflow gets secrets and tokens."""
    return [
        *(
            {"name": _memory_name(container, path.path), "mountPath": path.path}
            for path in container.writable_paths
        ),
        *(
            {"name": _config_map_name(one.name), "mountPath": one.path, "readOnly": True}
            for one in container.config_maps
        ),
        *(
            {"name": _claim_name(one.claim), "mountPath": one.path}
            | ({} if one.access is VolumeAccess.READ_WRITE else {"readOnly": True})
            for one in container.volumes
        ),
        *(
            {
                "name": _secret_name(one.name),
                "mountPath": f"{SECRETS_FOLDER}/{one.name}",
                "readOnly": True,
            }
            for one in delivered_secrets(workflow)
        ),
        *(
            [{"name": _TOKENS, "mountPath": TOKENS_FOLDER, "readOnly": True}]
            if workflow.spec.access.tokens
            else []
        ),
    ]


def _memory(workload: Workload) -> Iterator[Obj]:
    for container in _containers(workload):
        for path in container.writable_paths:
            yield {
                "name": _memory_name(container, path.path),
                "emptyDir": {"medium": "Memory", "sizeLimit": quantity.memory(path.size)},
            }


def _config_maps(workload: Workload) -> Iterator[Obj]:
    names = (one.name for container in _containers(workload) for one in container.config_maps)
    for name in dict.fromkeys(names):
        yield {
            "name": _config_map_name(name),
            "configMap": {"name": name, "defaultMode": _ALL_READ},
        }


def _claims(workload: Workload) -> Iterator[Obj]:
    """A claim that nobody writes to is read-only as a volume too: else a kubelet would chown it."""
    mounts = [mount for container in _containers(workload) for mount in container.volumes]
    written = {one.claim for one in mounts if one.access is VolumeAccess.READ_WRITE}
    for claim in dict.fromkeys(one.claim for one in mounts):
        volume: Obj = {"claimName": claim}
        if claim not in written:
            volume["readOnly"] = True
        yield {"name": _claim_name(claim), "persistentVolumeClaim": volume}


def _secrets(workflow: HealthcareWorkflow) -> Iterator[Obj]:
    for one in delivered_secrets(workflow):
        yield {
            "name": _secret_name(one.name),
            "secret": {
                "secretName": secret_name(workflow.metadata.name, one.name),
                "defaultMode": _OWNER_READS,
            },
        }


def _projected_tokens(workflow: HealthcareWorkflow) -> Iterator[Obj]:
    tokens = workflow.spec.access.tokens
    if tokens:
        sources = [
            {
                "serviceAccountToken": {
                    "audience": one.audience,
                    "expirationSeconds": one.expiration_seconds,
                    "path": one.name,
                }
            }
            for one in tokens
        ]
        yield {"name": _TOKENS, "projected": {"defaultMode": _OWNER_READS, "sources": sources}}


def _containers(workload: Workload) -> Iterator[Container]:
    return chain(workload.init_containers, workload.containers)


def _memory_name(container: Container, path: str) -> str:
    return _named("writable", container.name, path)


def _config_map_name(name: str) -> str:
    return _named("configmap", name)


def _claim_name(claim: str) -> str:
    return _named("claim", claim)


def _secret_name(name: str) -> str:
    return f"secret-{name}"


def _named(kind: str, *parts: str) -> str:
    """A volume name that fits into 63 characters and that its neighbours cannot change."""
    return f"{kind}-{sha256('/'.join(parts).encode()).hexdigest()[:10]}"
