# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What others do to children is undone, exactly that, and told without a value."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.operator_fixture import (
    SPACE,
    Core,
    status_of,
    story,
    written,
)
from tests.component.workflows import CHILDREN, OTHER_IMAGE, workflow
from wardkeeper.engine.seen import Key

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.server import ApiServer

    Edit = Callable[[dict[str, Any]], object]

STATUS = ("patch", "HealthcareWorkflow/status", "router")
MARK = "s3cr3t-looking-value"


def _pod(deployment: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def _router(deployment: dict[str, Any]) -> dict[str, Any]:
    named = (one for one in _pod(deployment)["containers"] if one["name"] == "router")
    return next(named)


def _drop_owner(obj: dict[str, Any]) -> None:
    del obj["metadata"]["ownerReferences"]


def _drop_owner_and_label(obj: dict[str, Any]) -> None:
    del obj["metadata"]["ownerReferences"]
    del obj["metadata"]["labels"]["wardkeeper.io/workflow"]


def _drop_selected_label(obj: dict[str, Any]) -> None:
    del obj["metadata"]["labels"]["app.kubernetes.io/managed-by"]


def _add_foreign_label(obj: dict[str, Any]) -> None:
    obj["metadata"]["labels"]["example.org/seen"] = "yes"


def _drop_labels(obj: dict[str, Any]) -> None:
    del obj["metadata"]["labels"]


EDITS: list[tuple[str, str, str, Edit]] = [
    (
        "ServiceAccount",
        "router",
        "automountServiceAccountToken",
        lambda o: o.update(automountServiceAccountToken=True),
    ),
    (
        "NetworkPolicy",
        "router-deny",
        "spec.ingress",
        lambda o: o["spec"].update(ingress=[{}]),
    ),
    (
        "NetworkPolicy",
        "router-deny",
        "spec.podSelector",
        lambda o: o["spec"]["podSelector"].update(
            matchExpressions=[{"key": "nobody", "operator": "Exists"}]
        ),
    ),
    (
        "NetworkPolicy",
        "router-deny",
        "spec.policyTypes",
        lambda o: o["spec"].update(policyTypes=["Ingress"]),
    ),
    (
        "NetworkPolicy",
        "router-allow",
        "spec.egress",
        lambda o: o["spec"]["egress"].append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}),
    ),
    (
        "NetworkPolicy",
        "router-allow",
        "spec.egress",
        lambda o: o["spec"]["egress"][0]["ports"][0].update(endPort=65535),
    ),
    ("NetworkPolicy", "router-allow", "spec.ingress", lambda o: o["spec"].pop("ingress")),
    (
        "Role",
        "router",
        "rules",
        lambda o: o["rules"].append({"apiGroups": [""], "resources": ["*"], "verbs": ["*"]}),
    ),
    ("Role", "router", "rules", lambda o: o["rules"][0].pop("resourceNames")),
    ("Role", "router", "rules", lambda o: o["rules"][0]["verbs"].append("delete")),
    (
        "RoleBinding",
        "router",
        "subjects",
        lambda o: o["subjects"].append({"kind": "User", "name": "eve"}),
    ),
    (
        "Service",
        "router",
        "spec.externalIPs",
        lambda o: o["spec"].update(externalIPs=["198.51.100.1"]),
    ),
    ("Service", "router", "spec.type", lambda o: o["spec"].update(type="NodePort")),
    (
        "PodDisruptionBudget",
        "router",
        "spec.selector",
        lambda o: o["spec"]["selector"].update(
            matchExpressions=[{"key": "nobody", "operator": "Exists"}]
        ),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.hostNetwork",
        lambda o: _pod(o).update(hostNetwork=True),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.containers[eve]",
        lambda o: _pod(o)["containers"].insert(0, {"name": "eve", "image": MARK}),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.initContainers",
        lambda o: _pod(o).update(initContainers=[{"name": "eve", "image": MARK}]),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.containers[router].image",
        lambda o: _router(o).update(image=OTHER_IMAGE),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.containers[router].env[EVE]",
        lambda o: _router(o)["env"].insert(0, {"name": "EVE", "value": MARK}),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.containers[router].env[LOG_LEVEL].value",
        lambda o: _router(o)["env"][0].update(value=MARK),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.containers[router].command",
        lambda o: _router(o).update(command=["sh", "-c", MARK]),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.containers[router].securityContext.privileged",
        lambda o: _router(o)["securityContext"].update(privileged=True),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.containers[router].securityContext.capabilities.add",
        lambda o: _router(o)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
    ),
    (
        "Deployment",
        "router",
        "spec.template.spec.containers[router].readinessProbe",
        lambda o: _router(o).pop("readinessProbe"),
    ),
    (
        "Deployment",
        "router",
        "spec.template.metadata.labels.wardkeeper.io/net",
        lambda o: o["spec"]["template"]["metadata"]["labels"].pop("wardkeeper.io/net"),
    ),
    ("Deployment", "router", "spec.paused", lambda o: o["spec"].update(paused=True)),
    ("Deployment", "router", "spec.replicas", lambda o: o["spec"].update(replicas=0)),
]


@pytest.mark.parametrize(("kind", "name", "field", "edit"), EDITS)
def test_an_edit_is_undone_and_told(kind: str, name: str, field: str, edit: Edit) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            good = _without_notes(server, kind, name)
            before = len(server.seen)
            edited = server.edit(kind, SPACE, name, edit)
            assert _without_notes(server, kind, name) != good
            on_record = {one["manager"] for one in edited["metadata"]["managedFields"]}
            manager = "kubectl-edit" if "kubectl-edit" in on_record else "unknown"
            await core.ready()
            assert _without_notes(server, kind, name) == good
            repairs = {one[1:] for one in written(server, before)}
            assert repairs == {(kind, name), STATUS[1:]}
            drift = status_of(server)["drift"]
            assert drift["repaired"] == 1
            told = {key: drift["last"][key] for key in ("kind", "name", "manager")}
            assert told == {"kind": kind, "name": name, "manager": manager}
            assert field in drift["last"]["fields"]
            (event,) = server.objects("Event")
            assert event["reason"] == "DriftRepaired"
            assert field in event["note"]
            assert manager in event["note"]
            assert MARK not in str(drift) + str(event)

    story(tell)


@pytest.mark.parametrize(("kind", "name"), CHILDREN)
def test_a_deleted_child_comes_back_and_is_told(kind: str, name: str) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            good = _without_notes(server, kind, name)
            before = len(server.seen)
            server.delete(kind, SPACE, name)
            await core.until(lambda: server.get(kind, SPACE, name))
            await core.ready()
            assert _without_notes(server, kind, name) == good
            assert written(server, before).count(("apply", kind, name)) == 1
            assert {one[1:] for one in written(server, before)} == {(kind, name), STATUS[1:]}
            drift = status_of(server)["drift"]
            assert drift["repaired"] == 1
            assert (drift["last"]["kind"], drift["last"]["name"]) == (kind, name)
            (event,) = server.objects("Event")
            assert "was deleted" in event["note"]

    story(tell)


@pytest.mark.parametrize("strip", [_drop_owner, _drop_owner_and_label, _drop_labels])
@pytest.mark.parametrize(("kind", "name"), CHILDREN)
def test_a_child_cannot_be_taken_from_its_workflow(kind: str, name: str, strip: Edit) -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            good = _without_notes(server, kind, name)
            server.edit(kind, SPACE, name, strip)
            await core.until(lambda: _without_notes(server, kind, name) == good)
            await core.ready()

    story(tell)


@pytest.mark.parametrize(("kind", "name"), CHILDREN)
def test_a_child_that_left_the_watch_is_watched_again(kind: str, name: str) -> None:
    """Without the label by which it is selected it is told as deleted, but it never was."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            good = _without_notes(server, kind, name)
            for strip in (_drop_selected_label, _drop_owner):
                server.edit(kind, SPACE, name, strip)
                await core.until(lambda: _without_notes(server, kind, name) == good)
                await core.ready()
            before = len(server.seen)
            server.edit(kind, SPACE, name, _add_foreign_label)
            await core.quiet(1)
            assert written(server, before) == []

    story(tell)


def test_edits_made_while_no_operator_ran_are_undone_exactly_those() -> None:
    async def tell(server: ApiServer) -> None:
        names = [f"router-{number}" for number in range(6)]
        async with Core(server) as core:
            for name in names:
                server.put(workflow(name))
            for name in names:
                await core.ready(name)
        server.edit("Role", SPACE, "router-1", lambda o: o["rules"].clear())
        server.edit("Deployment", SPACE, "router-2", lambda o: _pod(o).update(hostPID=True))
        server.delete("NetworkPolicy", SPACE, "router-3-deny")
        server.delete("ServiceAccount", SPACE, "router-4")
        before = len(server.seen)
        async with Core(server) as core:
            await core.quiet(5)
            repaired = {one[1:] for one in written(server, before) if "/" not in one[1]}
            assert repaired == {
                ("Role", "router-1"),
                ("Deployment", "router-2"),
                ("NetworkPolicy", "router-3-deny"),
                ("ServiceAccount", "router-4"),
            }
            for name in names[1:5]:
                assert status_of(server, name)["drift"]["repaired"] == 1
            assert "drift" not in status_of(server, "router-5")

    story(tell)


def test_a_repair_goes_on_whatever_is_edited_meanwhile() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            good = {child: _without_notes(server, *child) for child in CHILDREN}
            for kind, name, _, edit in EDITS * 3:
                server.edit(kind, SPACE, name, edit) if _fits(server, kind, name, edit) else None
                if len(server.seen) % 3 == 0:
                    await core.pass_time(0.001)
            await core.ready()
            assert {child: _without_notes(server, *child) for child in CHILDREN} == good

    story(tell)


def test_what_nobody_guards_is_left_to_others() -> None:
    async def tell(server: ApiServer) -> None:
        made = workflow()
        del made["spec"]["workload"]["replicas"]
        async with Core(server) as core:
            server.put(made)
            await core.ready()
            before = len(server.seen)
            server.edit("Deployment", SPACE, "router", lambda o: o["spec"].update(replicas=7))
            restart = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
            server.edit(
                "Deployment",
                SPACE,
                "router",
                lambda o: o["spec"]["template"]["metadata"].update(annotations=restart),
            )
            server.edit(
                "ServiceAccount",
                SPACE,
                "router",
                lambda o: o.update(imagePullSecrets=[{"name": "pull"}]),
            )
            await core.quiet(5)
            assert [one for one in written(server, before) if one != STATUS] == []
            found = server.get("Deployment", SPACE, "router")
            assert found is not None
            assert found["spec"]["replicas"] == 7

    story(tell)


def test_a_restart_by_hand_is_not_blamed_for_a_later_change_of_the_spec() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            stamp = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}
            server.edit(
                "Deployment",
                SPACE,
                "router",
                lambda o: o["spec"]["template"]["metadata"].update(annotations=stamp),
            )
            await core.ready()
            changed = workflow()
            changed["spec"]["workload"]["containers"][0]["image"] = OTHER_IMAGE
            server.put(changed)
            await core.ready()
            assert "drift" not in status_of(server)

    story(tell)


def test_a_policy_that_is_put_back_by_a_webhook_is_never_called_ready() -> None:
    """Whoever changes a child in the very request that repairs it wins; the status says so."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            open_up = lambda obj: obj["spec"].update(egress=[{}])  # noqa: E731
            _interfere(server, "NetworkPolicy", "router-deny", open_up)
            server.edit("NetworkPolicy", SPACE, "router-deny", open_up)
            await core.until(lambda: _ready(server)["reason"] == "WriteRefused")
            await core.pass_time(60)
            assert _ready(server)["status"] == "False"
            assert "spec.egress" in _ready(server)["message"]
            assert len(written(server, before)) < 12

    story(tell)


@pytest.mark.parametrize("running", [True, False])
@pytest.mark.parametrize(("kind", "name"), CHILDREN)
def test_wiping_the_record_of_field_owners_hides_no_edit(
    kind: str, name: str, running: bool
) -> None:
    """Somebody edits an object and then wipes `managedFields`, also while no operator runs."""

    def hide(obj: dict[str, Any]) -> None:
        obj["metadata"]["managedFields"] = [{}]

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            good = _without_notes(server, kind, name)
            if running:
                server.edit(kind, SPACE, name, lambda obj: obj.update(eve=MARK))
                server.edit(kind, SPACE, name, hide)
                await core.until(lambda: _without_notes(server, kind, name) == good)
                await core.ready()
        if not running:
            server.edit(kind, SPACE, name, lambda obj: obj.update(eve=MARK))
            server.edit(kind, SPACE, name, hide)
        before = len(server.seen)
        async with Core(server) as core:
            await core.until(lambda: _without_notes(server, kind, name) == good)
            await core.ready()
            repairs = [one for one in written(server, before) if one != STATUS]
            assert len(repairs) == (0 if running else 3)
        before = len(server.seen)
        async with Core(server) as core:
            await core.quiet()
            assert written(server, before) == []

    story(tell)


def test_children_of_a_deleted_workflow_are_not_made_again() -> None:
    """Their own watches may tell of their going before the workflow's does."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            before = len(server.seen)
            for stream in server.streams:
                if stream.call.kind.name == "HealthcareWorkflow":
                    stream.stall()
            server.delete("HealthcareWorkflow", SPACE, "router")
            await core.until(
                lambda: not any(server.get(kind, SPACE, n) for kind, n in CHILDREN), seconds=10
            )
            await core.pass_time(1)
            assert core.world.workflow(Key(SPACE, "router")) is not None
            assert written(server, before) == []

    story(tell)


def _interfere(server: ApiServer, kind: str, name: str, edit: Edit) -> None:
    """Let a webhook change an object whenever the operator writes it."""
    stored = server.edit

    def interfered(target: Any) -> dict[str, Any] | None:
        if (target.kind.name, target.name, target.manager) == (kind, name, "wardkeeper"):
            return stored(kind, SPACE, name, edit, manager="a-webhook")
        return None

    writer: Any = server._writer
    apply, update = writer.apply, writer.update

    def apply_and_change(target: Any, body: Any, *, force: bool) -> Any:
        code, obj = apply(target, body, force=force)
        return code, interfered(target) or obj

    def update_and_change(target: Any, body: Any) -> Any:
        return (update(target, body), interfered(target))[1] or server.get(
            target.kind.name, target.namespace, target.name
        )

    writer.apply, writer.update = apply_and_change, update_and_change


def _ready(server: ApiServer) -> dict[str, Any]:
    return next(one for one in status_of(server)["conditions"] if one["type"] == "Ready")


def _fits(server: ApiServer, kind: str, name: str, edit: Edit) -> bool:
    """Whether an edit can be made to the object as it is now."""
    found = server.get(kind, SPACE, name)
    if found is None:
        return False
    try:
        edit(copy.deepcopy(found))
    except (KeyError, IndexError, StopIteration):
        return False
    return True


def _without_notes(server: ApiServer, kind: str, name: str) -> dict[str, Any]:
    """An object without what the server notes about it."""
    found = server.get(kind, SPACE, name)
    if found is None:
        return {}
    metadata = {key: found["metadata"].get(key) for key in ("labels", "ownerReferences")}
    return {**found, "metadata": metadata, "status": None}
