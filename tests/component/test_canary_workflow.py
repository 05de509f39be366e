# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The canary's own workflow: valid, made once, put right, and gone where nobody wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.component.operator_fixture import Core, story, written
from tests.component.policies import LEAVING_OUT, policy
from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import KIND, HealthcareWorkflow
from wardkeeper.engine.canary import CanaryKeeper
from wardkeeper.engine.pod_labels import any_labels_of
from wardkeeper.engine.seen import Key
from wardkeeper.render.canary import CANARY, canary_workflow

if TYPE_CHECKING:
    from typing import Any

    from tests.component.apiserver.server import ApiServer

IMAGE = f"registry.example.org/wardkeeper@sha256:{'0' * 64}"
HOME = "radiology"
HERE = Key(HOME, CANARY)
ANY = any_labels_of(CANARY)
WANTED = canary_workflow(namespace=HOME, image=IMAGE, operator_port=8080, operator_undeclared=8081)


def test_it_is_a_workflow_like_any_other_and_declares_one_port_each_way() -> None:
    raw = {**WANTED, "metadata": {**WANTED["metadata"], "uid": "u", "generation": 1}}
    workflow = read_workflow(raw)
    assert isinstance(workflow, HealthcareWorkflow), workflow
    assert [one.port for one in workflow.spec.endpoints] == [8080]
    assert [port.port for port in workflow.spec.workload.containers[0].ports] == [8080]


def role() -> dict[str, Any]:
    """The right to make the canary, which owns it."""
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": CANARY, "namespace": HOME},
        "rules": [],
    }


def scale(workflow: dict[str, Any], replicas: int) -> None:
    workflow["spec"]["workload"]["replicas"] = replicas


def generation(core: Core) -> int:
    seen = core.world.workflow(HERE)
    return seen.generation if seen else 0


def writes(server: ApiServer) -> int:
    return written(server).count(("apply", KIND, CANARY))


def test_it_is_written_once_and_again_only_when_somebody_changed_it() -> None:
    async def tell(server: ApiServer) -> None:
        server.put(role())
        async with Core(server) as core:
            keeper = CanaryKeeper(core.client, core.world, HERE, core.observer.workflow)
            for _ in range(3):
                assert await keeper.keep(WANTED) == ""
            assert writes(server) == 1
            server.edit(KIND, HOME, CANARY, lambda obj: scale(obj, 3))
            await core.until(lambda: generation(core) == 2)
            assert await keeper.keep(WANTED) == ""
            assert writes(server) == 2
            stored = server.get(KIND, HOME, CANARY)
            assert stored
            assert stored["spec"]["workload"]["replicas"] == 1

    story(tell)


def test_where_nobody_wants_it_it_goes() -> None:
    async def tell(server: ApiServer) -> None:
        server.put(role())
        async with Core(server) as core:
            keeper = CanaryKeeper(core.client, core.world, HERE, core.observer.workflow)
            await keeper.remove()
            await keeper.keep(WANTED)
            await keeper.remove()
            await core.until(lambda: core.world.workflow(HERE) is None)

    story(tell)


def test_it_belongs_to_the_right_to_make_it_and_goes_with_that() -> None:
    async def tell(server: ApiServer) -> None:
        right = server.put(role())
        async with Core(server) as core:
            keeper = CanaryKeeper(core.client, core.world, HERE, core.observer.workflow)
            assert await keeper.keep(WANTED) == ""
            stored = server.get(KIND, HOME, CANARY)
            assert stored
            (owner,) = stored["metadata"]["ownerReferences"]
            assert owner == {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "name": CANARY,
                "uid": right["metadata"]["uid"],
            }
            server.delete("Role", HOME, CANARY)
            await keeper.remove()
            await core.until(lambda: core.world.workflow(HERE) is None)
            assert ("delete", KIND, CANARY) not in written(server)

    story(tell)


def test_one_of_an_earlier_version_belongs_to_nobody_and_is_given_an_owner() -> None:
    async def tell(server: ApiServer) -> None:
        right = server.put(role())
        server.put(WANTED)
        async with Core(server) as core:
            await core.until(lambda: core.world.workflow(HERE) is not None)
            keeper = CanaryKeeper(core.client, core.world, HERE, core.observer.workflow)
            assert await keeper.keep(WANTED) == ""
            stored = server.get(KIND, HOME, CANARY)
            assert stored
            (owner,) = stored["metadata"]["ownerReferences"]
            assert owner["uid"] == right["metadata"]["uid"]

    story(tell)


def test_one_of_an_earlier_version_is_deleted_though_its_right_is_gone() -> None:
    async def tell(server: ApiServer) -> None:
        server.put(WANTED)
        async with Core(server) as core:
            await core.until(lambda: core.world.workflow(HERE) is not None)
            await CanaryKeeper(core.client, core.world, HERE, core.observer.workflow).remove()
            await core.until(lambda: core.world.workflow(HERE) is None)

    story(tell)


def test_without_the_right_to_it_there_is_none_and_it_says_so() -> None:
    async def tell(server: ApiServer) -> None:
        async with Core(server) as core:
            keeper = CanaryKeeper(core.client, core.world, HERE, core.observer.workflow)
            said = await keeper.keep(WANTED)
            assert f"there is no Role {CANARY} in namespace {HOME}" in said
            assert writes(server) == 0

    story(tell)


def test_it_is_no_witness_while_somebody_else_opens_its_network() -> None:
    async def tell(server: ApiServer) -> None:
        server.put(role())
        async with Core(server) as core:
            keeper = CanaryKeeper(core.client, core.world, HERE, core.observer.workflow)
            server.put(policy("allow-all", HOME))
            await core.until(lambda: len(core.world.strangers))
            said = await keeper.keep(WANTED)
            assert "its network is opened by NetworkPolicy of others: allow-all (ingress)" in said
            assert writes(server) == 1
            server.put(policy("allow-all", HOME, LEAVING_OUT))
            await core.until(lambda: not core.world.strangers.openers(HERE, "", ANY, guarded=True))
            assert await keeper.keep(WANTED) == ""

    story(tell)
