# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Admission policies of somebody else, who does not know of the operator."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.cluster.waiting import until
from tests.e2e.stage import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.stage import Obj
    from tests.e2e.stories import Place


@contextmanager
def refusing(
    place: Place, resource: str, probe: Obj, words: str, group: str = ""
) -> Iterator[None]:
    """Somebody's admission policy refuses every write of a resource here.

    Args:
        resource: its plural.
        probe: an object of it that would be let in otherwise.
        words: what the policy says, in CEL.
        group: API group of the resource.
    """
    name = f"refuse-{resource}-{place.namespace}"
    rule = {"apiGroups": [group], "apiVersions": ["*"], "resources": [resource]}
    here = {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}}
    matched = {
        "namespaceSelector": here,
        "resourceRules": [{**rule, "operations": ["CREATE", "UPDATE"]}],
    }
    no = {"expression": "false", "messageExpression": words}
    spec = {"failurePolicy": "Fail", "matchConstraints": matched, "validations": [no]}
    policy, binding = "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"
    bound = {"policyName": name, "validationActions": ["Deny"]}
    made = {policy: spec, binding: bound}
    for kind, content in made.items():
        place.stage.send("POST", kind, body={"metadata": {"name": name}, "spec": content})
    until(lambda: name in _said(place, probe), f"policy {name} is in force")
    try:
        yield
    finally:
        for kind in made:
            place.stage.send("DELETE", kind, name=name)
    until(lambda: name not in _said(place, probe), f"policy {name} is out of force")


@contextmanager
def changing(place: Place, resource: str, fields: str) -> Iterator[None]:
    """Somebody's admission policy changes every core object of a resource here.

    Args:
        resource: its plural.
        fields: what it sets, in CEL, as inside `Object{...}`.
    """
    name = f"change-{resource}-{place.namespace}"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": [resource]}
    matched = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place.namespace}},
        "resourceRules": [{**rule, "operations": ["CREATE", "UPDATE"]}],
    }
    change = {"expression": f"Object{{{fields}}}"}
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": change}
    policy, binding = "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"
    made = {
        policy: {
            "matchConstraints": matched,
            "mutations": [mutation],
            "reinvocationPolicy": "Never",
            "failurePolicy": "Fail",
        },
        binding: {"policyName": name},
    }
    for kind, content in made.items():
        place.stage.send("POST", kind, body={"metadata": {"name": name}, "spec": content})
    key = fields.partition(":")[0]
    probe = {"metadata": {"name": "probe"}}

    def changes() -> bool:
        where = ("POST", "ServiceAccount", place.namespace)
        return key in place.stage.send(*where, body=probe, dryRun="All")

    until(changes, f"policy {name} is in force")
    try:
        yield
    finally:
        for kind in made:
            place.stage.send("DELETE", kind, name=name)
    until(lambda: not changes(), f"policy {name} is out of force")


def _said(place: Place, probe: Obj) -> str:
    """What the API server says to an object; nothing is kept."""
    try:
        place.stage.send("POST", probe["kind"], place.namespace, body=probe, dryRun="All")
    except RefusedError as error:
        return str(error)
    return ""
