# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Workflows that were deleted and are kept by somebody else's finalizer: taken down all the same.

While their pods may run nothing is opened to them, and what was taken down stays so.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from tests.component.operator_fixture import SPACE, Core, annotate, story, writes, written
from tests.component.workflows import CHILDREN, workflow
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.component.apiserver.server import ApiServer

KEEP = "example.org/keep"
POLICIES = ("router-deny", "router-allow")


async def kept(server: ApiServer, core: Core, **spec: Any) -> None:
    """A workflow that somebody keeps, Ready."""
    made = workflow(**spec)
    made["metadata"]["finalizers"] = [KEEP]
    server.put(made)
    await core.ready()


async def pods_stay(server: ApiServer, core: Core) -> None:
    """Delete the workflow, and see its workload go, which takes long."""
    hold(server, "Deployment", KEEP)
    server.delete(KIND, SPACE, "router")
    await core.until(lambda: "deletionTimestamp" in workload(server)["metadata"])
    await core.quiet()


def hold(server: ApiServer, kind: str, *finalizers: str) -> None:
    server.edit(kind, SPACE, "router", lambda o: o["metadata"].update(finalizers=[*finalizers]))


def workload(server: ApiServer) -> dict[str, Any]:
    found = server.get("Deployment", SPACE, "router")
    assert found is not None
    return found


def let_pods_go(server: ApiServer) -> None:
    server.edit("Deployment", SPACE, "router", lambda o: o["metadata"]["finalizers"].remove(KEEP))


def there(server: ApiServer) -> list[tuple[str, str]]:
    return [child for child in CHILDREN if server.get(child[0], SPACE, child[1])]


def test_a_workflow_that_somebody_keeps_is_taken_down_in_reverse_and_once() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            await kept(server, core)
            before = len(server.seen)
            server.delete(KIND, SPACE, "router")
            await core.until(lambda: there(server) == [])
            await core.quiet(5)
            order = [one.call.kind.name for one in writes(server, before) if one.code == 200]
            assert order[0] == "Deployment"
            assert set(order[-3:-1]) == {"NetworkPolicy"}
            assert order[-1] == "ServiceAccount"
            assert len(order) == len(CHILDREN)
            assert server.get(KIND, SPACE, "router") is not None

            before = len(server.seen)
            server.edit(
                KIND, SPACE, "router", lambda o: annotate(o, "wardkeeper.io/reconcile-at", "1")
            )
            await core.quiet(5)
            assert written(server, before) == []
        async with Core(server) as core:
            await core.quiet(5)
            assert written(server, before) == []

    story(tell)


def test_guards_stay_as_they_are_while_pods_may_run() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            await kept(server, core)
            await pods_stay(server, core)
            assert there(server) == list(CHILDREN)
            good = {
                name: copy.deepcopy(server.get("NetworkPolicy", SPACE, name)) for name in POLICIES
            }
            for name, policy in good.items():
                server.edit("NetworkPolicy", SPACE, name, lambda o: o["spec"].update(egress=[{}]))
                await core.until(lambda n=name, p=policy: spec_of(server, n) == p["spec"])  # type: ignore[misc]
            role = copy.deepcopy(server.get("Role", SPACE, "router"))
            assert role is not None
            anything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
            server.edit("Role", SPACE, "router", lambda o: o["rules"].append(anything))
            await core.until(
                lambda: (server.get("Role", SPACE, "router") or {}).get("rules") == role["rules"]
            )
            await core.quiet()
            assert len(server.objects("Event")) == 3
            let_pods_go(server)
            await core.until(lambda: there(server) == [])

    story(tell)


@pytest.mark.parametrize("running", [True, False], ids=["operator runs", "operator starts"])
def test_of_guards_that_somebody_deletes_only_what_closes_is_made_anew(running: bool) -> None:
    async def tell(server: ApiServer) -> None:
        def harm() -> None:
            for kind, name in CHILDREN[:-1]:
                server.delete(kind, SPACE, name)

        async with Core(server) as core:
            await kept(server, core)
            await pods_stay(server, core)
            if running:
                harm()
                await core.quiet(1)
        if not running:
            harm()
        async with Core(server) as core:
            await core.until(lambda: server.get("NetworkPolicy", SPACE, "router-deny"))
            await core.quiet(1)
            assert there(server) == [("NetworkPolicy", "router-deny"), ("Deployment", "router")]
            assert spec_of(server, "router-deny").keys() == {"podSelector", "policyTypes"}
            let_pods_go(server)
            await core.until(lambda: there(server) == [])
            await core.quiet(5)
            assert there(server) == []

    story(tell)


def test_a_spec_that_was_not_carried_out_opens_nothing_to_pods_that_go() -> None:
    """Somebody asks for more and deletes the workflow in one go."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            await kept(server, core)
            before = spec_of(server, "router-allow")
            hold(server, "Deployment", KEEP)
            await core.ready()

            def more(obj: dict[str, Any]) -> None:
                (endpoint,) = obj["spec"]["endpoints"]
                endpoint["cidrs"] = ["203.0.113.0/24"]

            server.edit(KIND, SPACE, "router", more)
            server.delete(KIND, SPACE, "router")
            await core.until(lambda: "deletionTimestamp" in workload(server)["metadata"])
            server.edit("NetworkPolicy", SPACE, "router-allow", lambda o: o["spec"].clear())
            await core.until(lambda: spec_of(server, "router-allow") == before)
            await core.quiet()
            assert spec_of(server, "router-allow") == before

    story(tell)


def test_what_is_to_stay_without_its_workflow_stays() -> None:
    """Deleted with propagation Orphan, and kept by somebody after the children were let go."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            await kept(server, core)
            server.edit(
                KIND, SPACE, "router", lambda o: o["metadata"]["finalizers"].append("orphan")
            )
            before = len(server.seen)
            server.delete(KIND, SPACE, "router")
            await core.quiet(1)
            assert written(server, before) == []
            for kind, name in CHILDREN:
                server.edit(kind, SPACE, name, lambda o: o["metadata"].pop("ownerReferences"))
            hold(server, KIND, KEEP)
            await core.quiet(5)
            assert written(server, before) == []
            assert there(server) == list(CHILDREN)

    story(tell)


def test_in_mode_audit_nothing_is_taken_down() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            await kept(server, core)
            server.edit(KIND, SPACE, "router", lambda o: o["spec"].update(mode="Audit"))
            await core.quiet(1)
            before = len(server.seen)
            server.delete(KIND, SPACE, "router")
            await core.quiet(5)
            assert written(server, before) == []
            assert there(server) == list(CHILDREN)

    story(tell)


def test_what_kubernetes_collects_is_closed_until_its_pods_are_gone() -> None:
    """Deleted with propagation Foreground: everything is deleted at once, pods take longer."""

    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            server.put(workflow())
            await core.ready()
            hold(server, "Deployment", KEEP)
            await core.ready()
            server.edit(
                KIND,
                SPACE,
                "router",
                lambda o: o["metadata"].update(finalizers=["foregroundDeletion"]),
            )
            server.delete(KIND, SPACE, "router")
            left = [("NetworkPolicy", "router-deny"), ("Deployment", "router")]
            await core.until(lambda: there(server) == left)
            await core.quiet(5)
            assert there(server) == left
            found = server.get("NetworkPolicy", SPACE, "router-deny")
            assert found is not None
            assert found["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] is False
            let_pods_go(server)
            await core.until(lambda: server.get(KIND, SPACE, "router") is None)
            await core.until(lambda: there(server) == [])

    story(tell)


def spec_of(server: ApiServer, name: str) -> dict[str, Any]:
    found = server.get("NetworkPolicy", SPACE, name)
    return dict(found["spec"]) if found else {}
