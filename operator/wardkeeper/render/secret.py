# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The Secret that delivers one version of a workflow's secret: all keys in one object, one write.

The only rendered object that holds values. It goes to the API server and nowhere else: it is not
part of `wardkeeper render`, never logged and never compared field by field.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.api.workflow import HealthcareWorkflow

DATABASE_KEYS = ("username", "password", "url")
CERTIFICATE_KEYS = ("tls.crt", "tls.key", "ca.crt")


def secret_name(workflow: str, secret: str) -> str:
    """The name of the Secret object that delivers a workflow's secret."""
    return f"{workflow}-{secret}"


def delivered_secrets(workflow: HealthcareWorkflow) -> tuple[SecretSpec, ...]:
    """The declared secrets that become Secrets; a transit key never leaves Vault."""
    return tuple(one for one in workflow.spec.secrets if one.source.transit is None)


def keys_of(spec: SecretSpec) -> tuple[str, ...]:
    """The keys of the Secret, which are the names of the files that pods see."""
    source = spec.source
    if source.kv_generated is not None:
        return tuple(one.name for one in source.kv_generated.fields)
    if source.kv_synced is not None:
        return source.kv_synced.fields
    if source.database is not None:
        return DATABASE_KEYS
    return CERTIFICATE_KEYS if source.pki is not None else ()


def render_secret(
    *,
    namespace: str,
    workflow: str,
    secret: str,
    data: Mapping[str, str],
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    owner: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """The whole Secret object, type Opaque, values base64 as the API wants them.

    Args:
        namespace: namespace of the workflow.
        workflow: name of the workflow.
        secret: name of the secret in the workflow.
        data: the values by key.
        labels: labels of the workflow's children.
        annotations: what is recorded of the version that is delivered.
        owner: owner reference to the workflow, which removes the Secret with it.
    """
    metadata: dict[str, Any] = {
        "name": secret_name(workflow, secret),
        "namespace": namespace,
        "labels": dict(labels),
        "annotations": dict(annotations),
    }
    if owner:
        metadata["ownerReferences"] = [dict(owner)]
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata,
        "type": "Opaque",
        "data": {key: b64encode(value.encode()).decode() for key, value in sorted(data.items())},
    }
