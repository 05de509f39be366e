# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Alerts and dashboards ask for numbers that the operator has, and alerts fire when they should."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.chart.promql import OF_THE_SCRAPE, asked, exported
from tests.chart.rendering import CHART, MONITORING, ROOT, Obj, RefusedError, named, render
from wardkeeper.shell.metrics_page import page

if TYPE_CHECKING:
    from collections.abc import Iterator

RULES = CHART / "files" / "rules.yaml"
TESTS = Path(__file__).parent / "alerts.yaml"
DASHBOARDS = sorted((CHART / "files" / "dashboards").glob("*.json"))
PAGE = ROOT / "docs" / "metrics.md"
EXPORTED = exported()


def alerts() -> list[Obj]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels(file: Path) -> list[Obj]:
    found: list[Obj] = json.loads(file.read_text())["panels"]
    return found


def queries() -> Iterator[tuple[str, str]]:
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for file in DASHBOARDS:
        for panel in panels(file):
            for target in panel.get("targets", ()):
                yield f"{file.stem}: {panel['title']}", target["expr"]


QUERIES = list(queries())


@pytest.fixture(scope="module")
def promtool() -> str:
    """The program of the Debian package `prometheus`."""
    found = shutil.which("promtool")
    if found:
        return found
    missing = "promtool is not on PATH; on Debian: apt-get install prometheus"
    if os.environ.get("E2E_REQUIRE"):
        pytest.fail(missing)
    pytest.skip(missing)


def run(promtool: str, *arguments: str, folder: Path) -> None:
    done = subprocess.run(
        [promtool, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("where", "expression"), QUERIES)
def test_a_query_parses_and_asks_for_what_is_exported(where: str, expression: str) -> None:
    found = asked(expression)
    assert found, where
    for metric, labels in found:
        assert metric in EXPORTED, f"{where} asks for {metric}, which is not exported"
        unknown = labels - EXPORTED[metric] - OF_THE_SCRAPE
        assert not unknown, f"{where} selects {metric} by {unknown}, which it does not have"


def test_a_query_for_something_else_is_noticed_so_that_the_check_can_fail() -> None:
    (one,) = asked('sum(rate(wardkeeper_rotations_total{kind="x"}[5m]))')
    assert one.metric not in EXPORTED
    with pytest.raises(ValueError, match="parenthesis"):
        asked("sum(up")


def test_the_alerts_are_rules_as_prometheus_reads_them(promtool: str, tmp_path: Path) -> None:
    run(promtool, "check", "rules", str(RULES), folder=tmp_path)


def test_each_alert_fires_when_it_should_and_none_while_all_is_well(
    promtool: str, tmp_path: Path
) -> None:
    bare = yaml.safe_load(RULES.read_text())
    for group in bare["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(bare))
    shutil.copy(TESTS, tmp_path)
    run(promtool, "test", "rules", TESTS.name, folder=tmp_path)


def test_every_alert_is_tried_both_ways() -> None:
    tried: dict[bool, set[str]] = {True: set(), False: set()}
    for test in yaml.safe_load(TESTS.read_text())["tests"]:
        for one in test["alert_rule_test"]:
            tried[bool(one["exp_alerts"])].add(one["alertname"])
    names = {rule["alert"] for rule in alerts()}
    assert tried == {True: names, False: names}


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_how_bad_it_is_and_where_help_stands(rule: Obj) -> None:
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in ("critical", "warning")
    place, _, heading = rule["annotations"]["runbook_url"].partition("#")
    assert ROOT / place == PAGE
    assert heading == rule["alert"].lower()
    assert f"### {rule['alert']}\n" in PAGE.read_text()


def test_the_page_of_metrics_and_alerts_is_up_to_date() -> None:
    made = page(yaml.safe_load(RULES.read_text()))
    assert PAGE.read_text() == made, (
        "run python -m wardkeeper.shell.metrics_page charts/wardkeeper/files/rules.yaml "
        "> docs/metrics.md"
    )


def test_the_metrics_of_the_operator_are_on_a_dashboard() -> None:
    shown = {one.metric for where, expr in QUERIES if ":" in where for one in asked(expr)}
    own = {name for name in EXPORTED if name.startswith("wardkeeper_")}
    families = {name.removesuffix("_bucket").removesuffix("_count") for name in shown}
    left_out = {name for name in own if not name.endswith(("_bucket", "_sum", "_count"))} - families
    assert left_out == set()


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: str(file.stem))
def test_a_dashboard_is_whole(file: Path) -> None:
    dashboard: dict[str, Any] = json.loads(file.read_text())
    assert dashboard["uid"] == f"wardkeeper-{file.stem}"
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard["panels"]:
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert panel["targets"], panel["title"]
    for one, other in combinations((panel["gridPos"] for panel in dashboard["panels"]), 2):
        beside = one["x"] >= other["x"] + other["w"] or other["x"] >= one["x"] + one["w"]
        above = one["y"] >= other["y"] + other["h"] or other["y"] >= one["y"] + one["h"]
        assert beside or above, (one, other)


MONITORED: dict[str, Any] = {
    "prometheusRule": {"enabled": True, "labels": {"release": "kube-prometheus"}},
    "dashboards": {"enabled": True},
}


def test_dashboards_are_installed_as_they_are() -> None:
    objects = render(values={"dashboards": {"enabled": True}})
    for file in DASHBOARDS:
        one = named(objects, "ConfigMap", f"wardkeeper-dashboard-{file.stem}")
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert json.loads(one["data"][f"wardkeeper-{file.name}"]) == json.loads(file.read_text())


def test_alerts_are_installed_as_they_are_for_the_namespace_of_the_release() -> None:
    objects = render(values=MONITORED, serves=MONITORING, namespace="ops")
    rule = named(objects, "PrometheusRule", "wardkeeper")
    assert rule["metadata"]["labels"]["release"] == "kube-prometheus"
    text = RULES.read_text().replace("-n wardkeeper-system", "-n ops")
    assert rule["spec"]["groups"] == yaml.safe_load(text)["groups"]


def test_an_alert_that_is_not_wanted_is_left_out() -> None:
    values = {"prometheusRule": {"enabled": True, "disabled": ["WardkeeperReadySlow"]}}
    rule = named(render(values=values, serves=MONITORING), "PrometheusRule", "wardkeeper")
    told = {one["alert"] for group in rule["spec"]["groups"] for one in group["rules"]}
    assert told == {one["alert"] for one in alerts()} - {"WardkeeperReadySlow"}


def test_an_alert_that_there_is_not_cannot_be_left_out() -> None:
    values = {"prometheusRule": {"disabled": ["WardkeeperSlow"]}}
    with pytest.raises(RefusedError, match=r"names WardkeeperSlow, which is no alert .* known: W"):
        render(values=values)


def test_the_page_of_alerts_is_linked_where_it_can_be_read() -> None:
    values = {"prometheusRule": {"enabled": True, "runbooks": "https://docs.example.org/metrics"}}
    rule = named(render(values=values, serves=MONITORING), "PrometheusRule", "wardkeeper")
    (first, *_) = rule["spec"]["groups"][0]["rules"]
    assert first["annotations"]["runbook_url"] == (
        "https://docs.example.org/metrics#wardkeeperdown"
    )
