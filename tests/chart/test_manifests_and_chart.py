# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`manifests/` and the chart install the same objects, whichever way somebody likes better.

Three things differ by nature and are told apart here: the labels by which Helm knows its own, the
Namespace (Helm makes it by `--create-namespace`), and how changed settings roll the operator.
"""

from __future__ import annotations

import os
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.chart.rendering import CHART, NAMESPACE, ROOT, VALUES, Obj, named, program, render
from tests.e2e.installation import MANIFESTS, build
from wardkeeper.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from wardkeeper.settings import Settings

OVERLAYS = ("cluster-install", "namespace-install", "without-vault")
HELMS = (
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
)
SETTINGS = "wardkeeper-settings"
DIGEST = "sha256:" + "a" * 64

Key = tuple[str, str, str]


def from_manifests(overlay: str) -> list[Obj]:
    objects = build(MANIFESTS / "overlays" / overlay, program("kubectl"))
    return [one for one in objects if one["kind"] != "Namespace"]


def with_canary(folder: Path, settings: str) -> list[Obj]:
    """What an overlay makes that somebody wrote for a canary, after docs/kustomize.md."""
    base = os.path.relpath(MANIFESTS, folder)
    made = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [f"{base}/overlays/without-vault"],
        "components": [f"{base}/canary"],
        "images": [{"name": "wardkeeper", "newTag": "", "digest": DIGEST}],
        "configMapGenerator": [
            {
                "name": SETTINGS,
                "namespace": NAMESPACE,
                "behavior": "replace",
                "files": ["settings.yaml"],
            }
        ],
    }
    (folder / "settings.yaml").write_text(settings)
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(made))
    objects = build(folder, program("kubectl"))
    return [one for one in objects if one["kind"] != "Namespace"]


def from_chart(overlay: str) -> list[Obj]:
    return render(VALUES / f"{overlay}.yaml")


def by_key(objects: list[Obj]) -> dict[Key, Obj]:
    found = {
        (
            one["kind"],
            one["metadata"].get("namespace", ""),
            SETTINGS if one["kind"] == "ConfigMap" else one["metadata"]["name"],
        ): one
        for one in objects
    }
    assert len(found) == len(objects)
    return found


def plain(one: Obj) -> Obj:
    """An object without what differs by nature."""
    metadata = dict(one["metadata"])
    metadata["labels"] = {k: v for k, v in metadata["labels"].items() if k not in HELMS}
    annotations = dict(metadata.pop("annotations", {}))
    annotations.pop("helm.sh/resource-policy", None)
    if annotations:
        metadata["annotations"] = annotations
    made = {**one, "metadata": metadata}
    if one["kind"] == "ConfigMap":
        metadata["name"] = SETTINGS
        made["data"] = sorted(made["data"])
    if one["kind"] == "Deployment":
        template = made["spec"]["template"]
        template["metadata"].get("annotations", {}).pop("checksum/settings", None)
        (volume,) = [v for v in template["spec"]["volumes"] if v["name"] == "settings"]
        volume["configMap"]["name"] = SETTINGS
    return made


def settings_of(objects: list[Obj], folder: Path) -> Settings:
    (one,) = [one for one in objects if one["kind"] == "ConfigMap"]
    file = folder / "settings.yaml"
    file.write_text(one["data"]["settings.yaml"])
    return load_settings(file)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_both_install_the_same_objects(overlay: str) -> None:
    manifests, chart = by_key(from_manifests(overlay)), by_key(from_chart(overlay))
    assert sorted(manifests) == sorted(chart)
    for key, one in manifests.items():
        assert plain(chart[key]) == plain(one), key


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_both_give_the_operator_the_same_settings(overlay: str, tmp_path: Path) -> None:
    manifests = settings_of(from_manifests(overlay), tmp_path)
    assert settings_of(from_chart(overlay), tmp_path) == manifests
    assert (manifests.vault is None) == (overlay == "without-vault")


def test_both_give_the_canary_the_same_and_nothing_of_it_where_none_is_wanted(
    tmp_path: Path,
) -> None:
    values = {"image": {"digest": DIGEST}, "canary": {"enabled": True}}
    made = render(values=values)
    settings = named(made, "ConfigMap", SETTINGS)["data"]["settings.yaml"]
    manifests, chart = by_key(with_canary(tmp_path, settings)), by_key(made)
    assert sorted(manifests) == sorted(chart)
    for key, one in manifests.items():
        assert plain(chart[key]) == plain(one), key
    without = by_key(render(values={"image": {"digest": DIGEST}}))
    role, network = "wardkeeper-canary", ("NetworkPolicy", NAMESPACE, "wardkeeper")
    assert {key[:2] for key in chart.keys() - without.keys()} == {
        ("Role", NAMESPACE),
        ("RoleBinding", NAMESPACE),
    }
    assert role in str(chart[network])
    assert role not in str(without)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_object_of_the_chart_says_whose_it_is(overlay: str) -> None:
    for one in from_chart(overlay):
        assert set(HELMS) <= set(one["metadata"]["labels"]), one["metadata"]["name"]


def test_a_changed_object_is_noticed_so_that_the_comparison_can_fail() -> None:
    changed: dict[str, Any] = {"replicas": 3}
    chart = by_key(render(VALUES / "cluster-install.yaml", values=changed))
    manifests = by_key(from_manifests("cluster-install"))
    key = ("Deployment", "wardkeeper-system", "wardkeeper")
    assert plain(chart[key]) != plain(manifests[key])


def test_chart_image_and_package_have_one_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    deployment = named(from_manifests("cluster-install"), "Deployment", "wardkeeper")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert chart["version"] == chart["appVersion"] == project
    assert container["image"] == f"wardkeeper:{project}"
