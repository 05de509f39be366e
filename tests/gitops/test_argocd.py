# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is for Argo CD: health and actions of recorded workflows, as Argo CD would find them."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from lupa.lua51 import LuaError

from tests.gitops import argocd, room
from tests.gitops.recorded import FOLDER, KEPT
from wardkeeper.api.asked import RECONCILE_AT
from wardkeeper.engine.secrets.facts import ROTATE_NOW
from wardkeeper.rotation.request import read_requests

if TYPE_CHECKING:
    from pathlib import Path

HEALTH_TESTS = yaml.safe_load((argocd.SCRIPTS / "health_test.yaml").read_text())["tests"]
ACTION_TESTS = yaml.safe_load((argocd.SCRIPTS / "actions" / "action_test.yaml").read_text())


def workflow(path: Path) -> dict[str, Any]:
    """A recorded workflow."""
    read: dict[str, Any] = yaml.safe_load(path.read_text())
    return read


@pytest.fixture
def ready() -> dict[str, Any]:
    """A workflow that is ready, with one secret."""
    return workflow(FOLDER / "ready.yaml")


@pytest.mark.parametrize("case", HEALTH_TESTS, ids=lambda case: case["inputPath"])
def test_health_is_as_the_table_says(case: dict[str, Any]) -> None:
    found = room.run(argocd.HEALTH, workflow(argocd.SCRIPTS / case["inputPath"]))
    assert found == case["healthStatus"]


def test_every_recorded_workflow_is_in_the_table() -> None:
    told = {case["inputPath"].removeprefix("testdata/") for case in HEALTH_TESTS}
    assert told == {path.name for path in FOLDER.iterdir()} == {f"{k}.yaml" for k in KEPT.values()}


@pytest.mark.parametrize("case", ACTION_TESTS["discoveryTests"], ids=lambda c: c["inputPath"])
def test_the_actions_that_are_offered_are_those_of_the_table(case: dict[str, Any]) -> None:
    offered = room.run(argocd.DISCOVERY, workflow(argocd.SCRIPTS / "actions" / case["inputPath"]))
    assert set(offered) == set(argocd.ACTIONS)
    found = [
        {"name": name, **{key: value for key, value in one.items() if value}}
        for name, one in sorted(offered.items())
    ]
    assert found == case["result"]


@pytest.mark.parametrize("case", ACTION_TESTS["actionTests"], ids=lambda case: case["action"])
def test_an_action_changes_what_the_table_says_and_nothing_else(case: dict[str, Any]) -> None:
    folder = argocd.SCRIPTS / "actions"
    changed = room.act(argocd.action(case["action"]), workflow(folder / case["inputPath"]))
    times = re.compile(r"\d{4}-?\d\d-?\d\dT\d\d:?\d\d:?\d\dZ")
    changed["metadata"]["annotations"] = {
        key: times.sub("0001-01-01T00:00:00Z", value)
        for key, value in changed["metadata"]["annotations"].items()
    }
    assert changed == workflow(folder / case["expectedOutputPath"])


def test_the_annotations_of_the_actions_are_those_that_the_operator_reads(
    ready: dict[str, Any],
) -> None:
    for name, annotation in (("refresh", RECONCILE_AT), ("rotate", ROTATE_NOW)):
        assert annotation in room.act(argocd.action(name), ready)["metadata"]["annotations"]


def test_rotate_asks_for_every_secret_or_for_the_one_that_is_named(ready: dict[str, Any]) -> None:
    ready["spec"]["secrets"] = [{"name": "db"}, {"name": "session"}]

    def asked(parameters: dict[str, str] | None) -> set[str]:
        changed = room.act(argocd.action("rotate"), ready, parameters)
        value = changed["metadata"]["annotations"][ROTATE_NOW]
        requests = read_requests(value, ("db", "session"))
        assert requests.unknown == ()
        return set(requests.by_secret)

    assert asked(None) == asked({}) == asked({"secret": ""}) == {"db", "session"}
    assert asked({"secret": "session"}) == {"session"}


def test_rotate_refuses_a_secret_that_the_workflow_does_not_declare(ready: dict[str, Any]) -> None:
    with pytest.raises(LuaError, match="declares no secret nobody"):
        room.act(argocd.action("rotate"), ready, {"secret": "nobody"})


@pytest.mark.parametrize(
    "script", ['return {status = string.upper("x")}', 'return {("x"):upper()}', "os.exit(1)"]
)
def test_a_script_that_needs_more_than_argo_cd_gives_fails_here_too(script: str) -> None:
    with pytest.raises(LuaError):
        room.run(script, {})


def test_the_config_map_is_made_from_the_scripts() -> None:
    if os.environ.get("WARDKEEPER_UPDATE_GOLDEN") == "1":
        argocd.CONFIG_MAP.write_text(argocd.config_map())
    assert argocd.CONFIG_MAP.read_text() == argocd.config_map(), (
        "scripts for Argo CD were changed: run the tests of this file once with "
        "WARDKEEPER_UPDATE_GOLDEN=1"
    )


def test_the_config_map_holds_the_scripts_as_argo_cd_reads_them() -> None:
    data = yaml.safe_load(argocd.CONFIG_MAP.read_text())["data"]
    kind = "wardkeeper.io_HealthcareWorkflow"
    assert data[f"resource.customizations.health.{kind}"] == argocd.HEALTH
    actions = yaml.safe_load(data[f"resource.customizations.actions.{kind}"])
    assert actions["discovery.lua"] == argocd.DISCOVERY
    assert [one["name"] for one in actions["definitions"]] == list(argocd.ACTIONS)
    for one in actions["definitions"]:
        assert one["action.lua"] == argocd.action(one["name"])
