# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stamp on a pod template that changes when a secret it must restart for changes. Pure."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from wardkeeper.kube.resource import Ref
from wardkeeper.render.pod import SECRETS_MAC
from wardkeeper.render.secret import secret_name
from wardkeeper.rotation.record import CONTENT_MAC

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.workflow import HealthcareWorkflow
    from wardkeeper.engine.plan import Change
    from wardkeeper.engine.seen import Child
    from wardkeeper.render.metadata import Obj


def known_macs(workflow: HealthcareWorkflow, children: Mapping[Ref, Child]) -> dict[str, str]:
    """The content MACs of the Secrets that are delivered, by the secret's name in the spec."""
    macs: dict[str, str] = {}
    for one in workflow.spec.secrets:
        name = secret_name(workflow.metadata.name, one.name)
        child = children.get(Ref("Secret", workflow.metadata.namespace, name))
        mac = (child.annotations or {}).get(CONTENT_MAC) if child else None
        if mac:
            macs[one.name] = mac
    return macs


def with_live_stamp(workload: Obj, change: Change | None) -> Obj:
    """The wanted workload with the stamp that the live one carries.

    Used while it is unknown what a Secret holds: the pods must neither restart nor be changed for
    that. `change` is what the plan would do to the live workload.
    """
    live = change.live.body if change and change.live else None
    stamp = _annotations(live).get(SECRETS_MAC) if live else None
    stamped: Obj = copy.deepcopy(workload)
    template = _template(stamped)
    annotations = template.setdefault("metadata", {}).setdefault("annotations", {})
    if stamp is None:
        annotations.pop(SECRETS_MAC, None)
    else:
        annotations[SECRETS_MAC] = stamp
    if not annotations:
        del template["metadata"]["annotations"]
    return stamped


def _annotations(workload: Mapping[str, Any]) -> Mapping[str, str]:
    annotations: Mapping[str, str] = _template(workload).get("metadata", {}).get("annotations", {})
    return annotations


def _template(workload: Mapping[str, Any]) -> dict[str, Any]:
    spec = workload["spec"]
    template: dict[str, Any] = (
        spec["jobTemplate"]["spec"]["template"] if "jobTemplate" in spec else spec["template"]
    )
    return template
