# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every golden set of children, put before a real API server and before kubeconform.

What the unit tests hold to the letter is worth something only if a server takes it, stores it
unchanged, and finds its pods fit for the level *restricted*.
"""

from __future__ import annotations

import copy
import json
import secrets
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.access import RESTRICTED
from tests.cluster.build import ensure
from tests.cluster.progress import Report
from tests.cluster.tools import KUBECONFORM
from tests.cluster.waiting import until
from tests.e2e.openapi import LOCATION, write_schemas
from tests.unit.policy.test_cron import TAKEN
from tests.unit.render.golden import CASES, Case, all_cases
from wardkeeper.api.schema import GROUP
from wardkeeper.api.workflow import PLURAL
from wardkeeper.engine.compare import compare
from wardkeeper.kube.client import Client
from wardkeeper.kube.errors import Forbidden
from wardkeeper.kube.kubeconfig import from_kubeconfig
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.cluster.access import ClusterAccess

CRDS = Path(__file__).parents[2] / "crds"

each_case = pytest.mark.parametrize("case", all_cases(), ids=lambda case: case.name)


@pytest.fixture
async def client(cluster: ClusterAccess) -> AsyncIterator[Client]:
    """The operator's own client, as somebody who may do everything."""
    async with Client(from_kubeconfig(cluster.kubeconfig()), user_agent="rendered-sets") as api:
        yield api


@pytest.fixture
async def namespace(client: Client) -> AsyncIterator[str]:
    """A namespace of its own, which takes only pods of the level *restricted*."""
    name = f"rendered-{secrets.token_hex(4)}"
    made = await client.create(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}
    )
    yield name
    await client.delete(resource_of("Namespace"), "", name, uid=made["metadata"]["uid"])


@pytest.fixture
def definition(cluster: ClusterAccess) -> None:
    """The kind HealthcareWorkflow, served."""
    crd = yaml.safe_load((CRDS / f"{GROUP}_{PLURAL}.yaml").read_text())
    cluster.apply(crd)
    until(lambda: cluster.serves(PLURAL), "the kind is served")


@each_case
@pytest.mark.usefixtures("definition")
async def test_a_workflow_read_from_the_server_becomes_the_same_as_one_read_from_a_file(
    client: Client, namespace: str, case: Case
) -> None:
    written = case.raw(uid="", namespace=namespace)
    sent = copy.deepcopy(written)
    del sent["metadata"]["uid"]
    stored = await client.apply(sent, dry_run=True)
    stored["metadata"]["uid"] = ""
    assert case.render(stored).children == case.render(written).children


@each_case
async def test_the_server_stores_every_rendered_field_unchanged(
    client: Client, namespace: str, case: Case
) -> None:
    for desired in _children(case, namespace):
        live = await client.apply(desired)
        assert list(_changed(desired, live)) == []


@each_case
async def test_a_plan_finds_nothing_to_do_right_after_an_apply(
    client: Client, namespace: str, case: Case
) -> None:
    for desired in _children(case, namespace):
        live = await client.apply(desired)
        assert compare(desired, live).clean, desired["kind"]
        again = await client.apply(desired)
        assert again["metadata"].get("generation") == live["metadata"].get("generation")


@each_case
async def test_the_pods_of_every_set_are_fit_for_the_level_restricted(
    client: Client, namespace: str, case: Case
) -> None:
    for guard in _children(case, namespace)[:-1]:
        await client.apply(guard)
    admitted = await client.apply(_pod(case, namespace), dry_run=True)
    assert admitted["spec"]["automountServiceAccountToken"] is False
    assert not any(
        "kube-api-access" in volume["name"] for volume in admitted["spec"].get("volumes", ())
    )


def _let_escalate(pod: dict[str, Any]) -> None:
    del pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"]


def _keep_capabilities(pod: dict[str, Any]) -> None:
    del pod["spec"]["containers"][0]["securityContext"]["capabilities"]


def _mount_the_node(pod: dict[str, Any]) -> None:
    pod["spec"].setdefault("volumes", []).append({"name": "node", "hostPath": {"path": "/"}})


@pytest.mark.parametrize("case", all_cases()[:1], ids=lambda case: case.name)
@pytest.mark.parametrize("weaken", [_let_escalate, _keep_capabilities, _mount_the_node])
async def test_a_weakened_pod_is_refused_so_that_the_check_can_fail(
    client: Client, namespace: str, case: Case, weaken: Callable[[dict[str, Any]], None]
) -> None:
    for guard in _children(case, namespace)[:-1]:
        await client.apply(guard)
    pod = _pod(case, namespace)
    weaken(pod)
    with pytest.raises(Forbidden, match="violates PodSecurity"):
        await client.apply(pod, dry_run=True)


@pytest.mark.parametrize("case", [Case("nightly-claims-export")], ids=lambda case: case.name)
async def test_every_schedule_that_is_taken_is_taken_by_kubernetes(
    client: Client, namespace: str, case: Case
) -> None:
    workload = _children(case, namespace)[-1]
    for schedule in TAKEN:
        workload["spec"]["schedule"] = schedule
        live = await client.apply(workload, dry_run=True)
        assert live["spec"]["schedule"] == schedule


@pytest.fixture
def kubeconform(
    cluster: ClusterAccess, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, ...]:
    """The command that checks manifests against this server's own schemas."""
    folder = tmp_path_factory.mktemp("schemas")
    openapi = json.loads(cluster.kubectl("get", "--raw", "/openapi/v2"))
    kinds = {
        (child["apiVersion"], child["kind"]) for case in all_cases() for child in _expected(case)
    }
    write_schemas(openapi, kinds, folder)
    program = ensure(KUBECONFORM, Report()) / "kubeconform"
    return (str(program), "-strict", "-summary", "-schema-location", f"{folder}/{LOCATION}")


def test_every_set_fits_the_published_schemas(kubeconform: tuple[str, ...]) -> None:
    files = [str(case.expected) for case in all_cases()]
    done = subprocess.run([*kubeconform, *files], capture_output=True, text=True, check=False)
    children = sum(1 for case in all_cases() for _ in _expected(case))
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Valid: {children}, Invalid: 0, Errors: 0, Skipped: 0" in done.stdout


def test_an_unknown_field_does_not_fit_so_that_the_check_can_fail(
    kubeconform: tuple[str, ...], tmp_path: Path
) -> None:
    workload = list(_expected(Case("lab-results-router")))[-1]
    workload["spec"]["template"]["spec"]["hostNetwrk"] = True
    file = tmp_path / "wrong.yaml"
    file.write_text(yaml.safe_dump(workload))
    done = subprocess.run([*kubeconform, str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "hostNetwrk" in done.stdout


def _children(case: Case, namespace: str) -> list[dict[str, Any]]:
    """The children without owner: there is no workflow here that could own them."""
    return list(case.render(case.raw(uid="", namespace=namespace)).children)


def _pod(case: Case, namespace: str) -> dict[str, Any]:
    """A pod as the controllers would make it from the workload's template."""
    spec = _children(case, namespace)[-1]["spec"]
    template = copy.deepcopy(spec.get("jobTemplate", {"spec": spec})["spec"]["template"])
    metadata = {**template["metadata"], "name": "from-template", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}


def _expected(case: Case) -> Iterator[dict[str, Any]]:
    yield from yaml.safe_load_all((CASES / case.name / "expected.yaml").read_text())


def _changed(desired: Any, live: Any, path: str = "") -> Iterator[str]:
    """Paths of wanted values that are stored otherwise or not at all, types included."""
    if isinstance(desired, dict) and isinstance(live, dict):
        for key, value in desired.items():
            yield from _changed(value, live.get(key), f"{path}.{key}")
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for index, (wanted, found) in enumerate(zip(desired, live, strict=True)):
            yield from _changed(wanted, found, f"{path}[{index}]")
    elif type(desired) is not type(live) or desired != live:
        yield f"{path}: {desired!r} is stored as {live!r}"
