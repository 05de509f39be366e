# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What holds for the children of every workflow, whatever it asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.render.golden import all_cases
from tests.unit.render.workflows import workflows
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.policy.judge import judge
from wardkeeper.policy.verdict import Problem, Verdict
from wardkeeper.render.children import Rendered, render
from wardkeeper.render.surroundings import AddressAndPort, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

AROUND = Surroundings(api_server=(AddressAndPort("192.0.2.10/32", 6443),))
ORDER = (
    "ServiceAccount",
    "NetworkPolicy",
    "NetworkPolicy",
    "Role",
    "RoleBinding",
    "Service",
    "PodDisruptionBudget",
    "Deployment",
    "CronJob",
    "Job",
)
KERNEL_OF_POD_SECURITY = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def _rendered(workflow: HealthcareWorkflow, *, peers: bool = True) -> Rendered:
    macs = {one.name: f"mac of {one.name}" for one in workflow.spec.secrets}
    return render(workflow, judge(workflow, lambda *_: peers), AROUND, macs=macs)


def _template(rendered: Rendered) -> dict[str, Any]:
    spec = rendered.workload["spec"]
    found: dict[str, Any] = spec.get("jobTemplate", {"spec": spec})["spec"]["template"]
    return found


def _containers(rendered: Rendered) -> list[dict[str, Any]]:
    pod = _template(rendered)["spec"]
    return [*pod.get("initContainers", ()), *pod["containers"]]


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value and every empty map or list, with its path."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    if not items:
        yield path, value
    for key, inner in items:
        yield from _leaves(inner, (*path, key))


@given(workflows())
def test_rendering_twice_gives_the_same_bytes(workflow: HealthcareWorkflow) -> None:
    once, again = _rendered(workflow), _rendered(workflow.model_copy(deep=True))
    assert json.dumps(once.children) == json.dumps(again.children)


@given(workflows())
def test_children_are_plain_json(workflow: HealthcareWorkflow) -> None:
    children = list(_rendered(workflow).children)
    assert json.loads(json.dumps(children)) == children
    assert all(type(value) in (str, int, bool) for _, value in _leaves(children))


@given(workflows())
def test_nothing_is_rendered_that_the_server_would_drop(workflow: HealthcareWorkflow) -> None:
    for child in _rendered(workflow).children:
        for path, value in _leaves(child):
            meant = {"apiGroups", "command", "args"} & set(path)
            assert value != "" or meant, (child["kind"], path)


@given(workflows())
def test_guards_come_in_their_order_and_the_workload_last(workflow: HealthcareWorkflow) -> None:
    kinds = [child["kind"] for child in _rendered(workflow).children]
    positions = [ORDER.index(kind) for kind in kinds]
    assert positions == sorted(positions)
    assert kinds[:3] == list(ORDER[:3])
    assert kinds[-1] == workflow.spec.workload.kind.value


@given(workflows())
def test_every_child_is_owned_labelled_and_in_the_namespace(workflow: HealthcareWorkflow) -> None:
    for child in _rendered(workflow).children:
        metadata = child["metadata"]
        (owner,) = metadata["ownerReferences"]
        assert metadata["namespace"] == workflow.metadata.namespace
        assert owner["uid"] == workflow.metadata.uid
        assert owner["controller"] is True
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "wardkeeper"
        assert metadata["labels"]["wardkeeper.io/workflow"] == workflow.metadata.name


@given(workflows())
def test_every_container_is_confined(workflow: HealthcareWorkflow) -> None:
    rendered = _rendered(workflow)
    users = {
        one.name: one.user
        for one in (*workflow.spec.workload.init_containers, *workflow.spec.workload.containers)
    }
    assert {one["name"] for one in _containers(rendered)} == set(users)
    for container in _containers(rendered):
        user = users[container["name"]]
        assert container["securityContext"] == {
            **KERNEL_OF_POD_SECURITY,
            "runAsUser": user,
            "runAsGroup": user,
        }
        assert set(container["resources"]) == {"requests", "limits"}
        assert not any("valueFrom" in one for one in container.get("env", ()))
        assert "envFrom" not in container


@given(workflows())
def test_every_pod_has_its_own_identity_and_nothing_of_the_node(
    workflow: HealthcareWorkflow,
) -> None:
    pod = _template(_rendered(workflow))["spec"]
    assert pod["serviceAccountName"] == workflow.metadata.name
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["shareProcessNamespace"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert (
        min(pod["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")) >= 10000
    )
    assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod)
    for volume in pod.get("volumes", ()):
        (kind,) = set(volume) - {"name"}
        assert kind in ("emptyDir", "configMap", "persistentVolumeClaim", "secret", "projected")
        assert volume.get("emptyDir", {"medium": "Memory"})["medium"] == "Memory"
        assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": ""})
        modes = volume.get("secret", volume.get("projected", {"defaultMode": 0o400}))
        assert modes["defaultMode"] == 0o400


@given(workflows())
def test_every_mount_has_its_volume_and_only_declared_places_can_be_written(
    workflow: HealthcareWorkflow,
) -> None:
    rendered = _rendered(workflow)
    volumes = [one["name"] for one in _template(rendered)["spec"].get("volumes", ())]
    assert len(set(volumes)) == len(volumes)
    assert all(len(name) <= 63 for name in volumes)
    mounted = {
        mount["name"] for one in _containers(rendered) for mount in one.get("volumeMounts", ())
    }
    assert mounted == set(volumes)
    workload = workflow.spec.workload
    wanted = {one.name: one for one in (*workload.init_containers, *workload.containers)}
    for container in _containers(rendered):
        spec = wanted[container["name"]]
        writable = {
            one["mountPath"] for one in container.get("volumeMounts", ()) if not one.get("readOnly")
        }
        assert writable == {one.path for one in spec.writable_paths} | {
            one.path for one in spec.volumes if one.access.value == "ReadWrite"
        }


@given(workflows(), st.booleans())
def test_no_opening_in_the_network_means_everybody(
    workflow: HealthcareWorkflow, peers: bool
) -> None:
    deny, allow = _rendered(workflow, peers=peers).guards[1:3]
    assert set(deny["spec"]) == {"podSelector", "policyTypes"}
    for policy in (deny, allow):
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
        assert policy["spec"]["podSelector"]["matchLabels"]
    openings = [
        *((rule["from"], rule["ports"]) for rule in allow["spec"].get("ingress", ())),
        *((rule["to"], rule["ports"]) for rule in allow["spec"]["egress"]),
    ]
    for sides, ports in openings:
        assert sides
        assert ports
        assert all(port["port"] for port in ports)
        for side in sides:
            if "ipBlock" in side:
                assert set(side) == {"ipBlock"}
            else:
                assert side["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
                assert side["podSelector"]["matchLabels"]


@given(workflows())
def test_only_declared_places_can_be_reached(workflow: HealthcareWorkflow) -> None:
    """Closed endpoints, and the API server without rights, leave no opening behind."""
    allow = _rendered(workflow, peers=False).guards[2]
    reached = [port["port"] for rule in allow["spec"]["egress"] for port in rule["ports"]]
    wanted = [one.port for one in workflow.spec.endpoints if one.workflow is None]
    assert reached == [*wanted, 53, 53, *([6443] if workflow.spec.access.rules else [])]


@given(workflows())
def test_selectors_find_the_pods_and_need_nothing_else(workflow: HealthcareWorkflow) -> None:
    rendered = _rendered(workflow)
    labels = _template(rendered)["metadata"]["labels"].items()
    for child in rendered.guards:
        spec = child.get("spec", {})
        for selector in (spec.get("podSelector"), spec.get("selector")):
            if selector:
                assert selector.get("matchLabels", selector).items() <= labels


@given(workflows(), st.sampled_from(["1.0.0", "2.0.0"]))
def test_an_upgrade_of_the_operator_does_not_touch_a_pod_template(
    workflow: HealthcareWorkflow, version: str
) -> None:
    verdict = judge(workflow, lambda *_: True)
    other = render(workflow, verdict, Surroundings(version=version), macs={})
    here = render(workflow, verdict, Surroundings(version="3.0.0"), macs={})
    assert _template(other) == _template(here)
    assert other.workload["metadata"]["labels"]["app.kubernetes.io/version"] == version


@given(workflows())
def test_only_secrets_that_restart_change_the_pod_template(workflow: HealthcareWorkflow) -> None:
    verdict = judge(workflow, lambda *_: True)
    macs = {one.name: "old" for one in workflow.spec.secrets}
    old = _template(render(workflow, verdict, AROUND, macs=macs))
    for one in workflow.spec.secrets:
        new = _template(render(workflow, verdict, AROUND, macs={**macs, one.name: "new"}))
        rolls = one.delivery.on_change.value == "Restart" and workflow.spec.workload.kind != "Job"
        assert (new != old) is rolls


def test_a_workflow_without_uid_gets_no_owner_that_does_not_exist() -> None:
    for case in all_cases():
        for child in case.render(case.raw(uid="")).children:
            assert "ownerReferences" not in child["metadata"]


def test_a_workflow_with_problems_is_not_rendered() -> None:
    workflow = HealthcareWorkflow.model_validate(all_cases()[0].raw())
    wrong = Verdict(problems=(Problem("spec.workload.schedule", "'x'", "write another"),))
    with pytest.raises(ValueError, match=r"first repair spec\.workload\.schedule"):
        render(workflow, wrong, AROUND, macs={})
