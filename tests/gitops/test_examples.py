# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The two example repositories: a real API server takes them, by the schemas of their own tools."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.access import CommandFailedError
from tests.cluster.waiting import until
from tests.gitops import definitions
from tests.gitops.judges import EXPRESSIONS
from wardkeeper.api.schema import GROUP
from wardkeeper.api.workflow import PLURAL

if TYPE_CHECKING:
    from tests.cluster.access import ClusterAccess
    from tests.e2e.stage import Stage

EXAMPLES = Path(__file__).parents[2] / "docs" / "gitops"
FLUX, ARGOCD = EXAMPLES / "flux", EXAMPLES / "argocd"
BUILT = sorted(path.parent for path in EXAMPLES.rglob("kustomization.yaml"))
PLAIN = sorted(
    path for path in EXAMPLES.rglob("*.yaml") if not (path.parent / "kustomization.yaml").exists()
)
NAMESPACES = ("argocd", "flux-system", "radiology")
NOT_THE_TEAMS = ("deployments.apps", "roles.rbac.authorization.k8s.io", "secrets", "pods")


def name_of(path: Path) -> str:
    """How a test calls a file."""
    return str(path.relative_to(EXAMPLES))


def documents(path: Path) -> list[dict[str, Any]]:
    """The objects of a file."""
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


def of_kind(kind: str) -> list[dict[str, Any]]:
    """Every object of a kind in both repositories."""
    found = [one for path in EXAMPLES.rglob("*.yaml") for one in documents(path)]
    return [one for one in found if one["kind"] == kind and "spec" in one]


@pytest.fixture(scope="module")
def served(stage: Stage) -> ClusterAccess:
    """A cluster with Wardkeeper that knows the kinds of Argo CD and Flux."""
    stage.settle()
    definitions.serve(stage.cluster)
    for namespace in NAMESPACES:
        stage.cluster.create_namespace(namespace)
    return stage.cluster


@pytest.mark.parametrize("path", PLAIN, ids=name_of)
def test_a_file_is_taken_by_the_api_server(served: ClusterAccess, path: Path) -> None:
    said = served.kubectl("apply", "--server-side", "--dry-run=server", "-f", str(path))
    assert said.count("(server dry run)") == len(documents(path))


@pytest.mark.parametrize("folder", BUILT, ids=name_of)
def test_a_folder_builds_and_is_taken_by_the_api_server(
    served: ClusterAccess, folder: Path
) -> None:
    built = served.kubectl("kustomize", str(folder))
    objects = [one for one in yaml.safe_load_all(built) if one]
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert sorted(path.name for path in folder.glob("*.yaml")) == sorted(
        [*listed, "kustomization.yaml"]
    )
    said = served.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", stdin=built)
    assert said.count("(server dry run)") == len(objects)


def test_both_repositories_declare_the_same_workflows() -> None:
    flux, argo = (folder / "workflows" / "radiology" for folder in (FLUX, ARGOCD))
    assert {path.name: path.read_text() for path in flux.iterdir()} == {
        path.name: path.read_text() for path in argo.iterdir()
    }


@pytest.mark.parametrize("one", of_kind("Kustomization"), ids=lambda one: one["metadata"]["name"])
def test_a_path_of_flux_is_a_folder_of_the_repository_that_is_named(one: dict[str, Any]) -> None:
    root = EXAMPLES.parents[1] if one["metadata"]["name"] == "wardkeeper" else FLUX
    assert (root / one["spec"]["path"] / "kustomization.yaml").is_file()


@pytest.mark.parametrize("one", of_kind("Application"), ids=lambda one: one["metadata"]["name"])
def test_a_path_of_argo_cd_is_a_folder_of_the_repository_that_is_named(
    one: dict[str, Any],
) -> None:
    root = EXAMPLES.parents[1] if one["metadata"]["name"] == "wardkeeper" else ARGOCD
    assert (root / one["spec"]["source"]["path"]).is_dir()


def test_flux_waits_with_the_expressions_that_are_tested() -> None:
    [tested] = yaml.safe_load(EXPRESSIONS.read_text())["healthCheckExprs"]
    using = [one["spec"] for one in of_kind("Kustomization") if "healthCheckExprs" in one["spec"]]
    assert [one["healthCheckExprs"] for one in using] == [[tested]]
    assert all(one["wait"] for one in using)


def test_the_operator_comes_before_the_workflows() -> None:
    waves = {
        one["metadata"]["name"]: int(one["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for one in of_kind("Application")
        if one["metadata"]["name"] != "root"
    }
    assert waves["wardkeeper"] < waves["radiology"]
    [tenant] = [
        one for one in of_kind("Kustomization") if one["metadata"]["name"] == "tenant-radiology"
    ]
    assert tenant["spec"]["dependsOn"] == [{"name": "wardkeeper"}]


def test_a_teams_deployer_may_declare_workflows_and_make_nothing_that_guards_them(
    served: ClusterAccess,
) -> None:
    served.kubectl("apply", "-f", str(FLUX / "tenants" / "radiology" / "deployer.yaml"))
    user = "system:serviceaccount:radiology:deployer"
    deployer = (f"--as={user}", "-n", "radiology")
    workflows = f"{PLURAL}.{GROUP}"
    until(lambda: served.may(user, "patch", workflows, "radiology"), "the deployer has its rights")
    folder = str(FLUX / "workflows" / "radiology")
    served.kubectl("apply", "--server-side", "--dry-run=server", "-k", folder, *deployer)
    for resource in NOT_THE_TEAMS:
        with pytest.raises(CommandFailedError):
            served.kubectl("auth", "can-i", "create", resource, *deployer)


def test_a_teams_project_lets_it_declare_nothing_but_workflows_and_their_configuration() -> None:
    [project] = of_kind("AppProject")
    assert project["spec"]["clusterResourceWhitelist"] == []
    declared = {
        one["kind"]
        for path in BUILT
        if path.parent.parent == ARGOCD
        for file in path.glob("*.yaml")
        for one in documents(file)
    } - {"Kustomization"}
    assert {one["kind"] for one in project["spec"]["namespaceResourceWhitelist"]} == declared
