# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stamp on a pod template that changes when a secret it must restart for changes. Pure."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from wardkeeper.kube.resource import Ref
from wardkeeper.render.pod import SECRETS_MAC
from wardkeeper.render.secret import delivered_secrets, secret_name
from wardkeeper.rotation.record import CONTENT_MAC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.seen import Child
    from wardkeeper.render.metadata import Obj


def known_macs(workflow: HealthcareWorkflow, children: Mapping[Ref, Child]) -> dict[str, str]:
    """The content MACs of the Secrets that are delivered, by the secret's name in the spec."""
    macs: dict[str, str] = {}
    for one in delivered_secrets(workflow):
        name = secret_name(workflow.metadata.name, one.name)
        child = children.get(Ref("Secret", workflow.metadata.namespace, name))
        mac = (child.annotations or {}).get(CONTENT_MAC) if child else None
        if mac:
            macs[one.name] = mac
    return macs


def with_stamp(workload: Obj, stamp: str) -> Obj:
    """The wanted workload with the stamp that the live one carries; empty: with none.

    Used while it is unknown what a Secret holds, and while a restart has to wait: the pods must
    neither restart nor be changed for that.
    """
    stamped: Obj = copy.deepcopy(workload)
    template = _template(stamped)
    annotations = template.setdefault("metadata", {}).setdefault("annotations", {})
    if not stamp:
        annotations.pop(SECRETS_MAC, None)
    else:
        annotations[SECRETS_MAC] = stamp
    if not annotations:
        del template["metadata"]["annotations"]
    return stamped


def _template(workload: Mapping[str, Any]) -> dict[str, Any]:
    spec = workload["spec"]
    template: dict[str, Any] = (
        spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
    )
    return template
