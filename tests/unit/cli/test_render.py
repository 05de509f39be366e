# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper render` prints what would be applied, or says what is wrong and prints nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from typer.testing import CliRunner

from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import HealthcareWorkflow
from wardkeeper.cli.main import app
from wardkeeper.policy.judge import judge
from wardkeeper.render.children import render
from wardkeeper.settings import Settings
from wardkeeper.settings.surroundings import from_settings

if TYPE_CHECKING:
    from typer.testing import Result

SAMPLES = sorted((Path(__file__).parents[3] / "manifests" / "samples").glob("*.yaml"))
ROUTER = next(path for path in SAMPLES if "router" in path.name)
DIGEST = "registry.example.org/a@sha256:" + "0" * 64


def run(*arguments: object, text: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], input=text)


def workflow(**spec: Any) -> dict[str, Any]:
    resources = {"cpu": "100m", "memory": "64Mi"}
    probe = {"tcpSocket": {"port": "http"}}
    container = {
        "name": "main",
        "image": DIGEST,
        "ports": [{"name": "http", "port": 8080}],
        "resources": {"requests": resources, "limits": resources},
        "probes": {"readiness": probe, "liveness": probe},
    }
    return {
        "apiVersion": "wardkeeper.io/v1alpha1",
        "kind": "HealthcareWorkflow",
        "metadata": {"name": "app", "namespace": "team"},
        "spec": {
            "owner": {"team": "t", "contact": "t@example.org"},
            "phi": {"classification": "PHI"},
            "workload": {"kind": "Deployment", "replicas": 2, "containers": [container]},
            **spec,
        },
    }


def refused(*documents: Any) -> list[str]:
    result = run("render", "-", text="---\n".join(yaml.safe_dump(one) for one in documents))
    assert result.exit_code == 2
    assert result.stdout == ""
    return [line for line in result.stderr.splitlines() if line.startswith("error: ")]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_what_is_printed_is_what_the_operator_renders(sample: Path) -> None:
    result = run("render", sample)
    assert result.exit_code == 0
    raw = next(
        one for one in yaml.safe_load_all(sample.read_text()) if one["kind"] == "HealthcareWorkflow"
    )
    read = read_workflow(raw)
    assert isinstance(read, HealthcareWorkflow)
    verdict = judge(read, lambda *_: True)
    rendered = render(read, verdict, from_settings(Settings()), macs={})
    assert list(yaml.safe_load_all(result.stdout)) == list(rendered.children)


def test_json_is_one_list_of_the_same_objects() -> None:
    printed = run("render", "-o", "json", ROUTER)
    assert orjson.loads(printed.stdout)["kind"] == "List"
    assert orjson.loads(printed.stdout)["items"] == list(
        yaml.safe_load_all(run("render", ROUTER).stdout)
    )


def test_two_runs_print_the_same() -> None:
    assert run("render", *SAMPLES).stdout == run("render", *SAMPLES).stdout


def test_settings_change_what_is_printed(tmp_path: Path) -> None:
    file = tmp_path / "settings.yaml"
    file.write_text("images: {pullPolicy: IfNotPresent}\n")
    cidr = "network.apiServer={cidrs: [10.9.8.7/32], ports: [6443]}"
    result = run("render", "--settings", file, "--set", cidr, ROUTER)
    assert "imagePullPolicy: IfNotPresent" in result.stdout
    assert "10.9.8.7/32" in result.stdout
    assert "no way to the API server" not in result.stderr


def test_wrong_settings_are_told_and_nothing_is_printed() -> None:
    result = run("render", "--set", "image.pullPolicy=Always", ROUTER)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "error: settings: image: unknown key" in result.stderr


def test_several_workflows_may_come_from_standard_input_or_a_list() -> None:
    second = workflow()
    second["metadata"] = {"name": "other", "namespace": "team"}
    listed = {"apiVersion": "v1", "kind": "List", "items": [workflow(), second]}
    result = run("render", "-", text=yaml.safe_dump(listed))
    assert result.exit_code == 0
    kinds = [
        one["metadata"]["name"]
        for one in yaml.safe_load_all(result.stdout)
        if one["kind"] == "Deployment"
    ]
    assert kinds == ["app", "other"]


def test_what_only_a_cluster_knows_is_assumed_aloud() -> None:
    peer = {"name": "q", "kind": "Queue", "workflow": {"name": "intake"}, "port": 5671}
    result = run("render", "-", text=yaml.safe_dump(workflow(endpoints=[peer])))
    assert result.exit_code == 0
    assert "note: team/app: assumed to exist: HealthcareWorkflow team/intake" in result.stderr
    assert "wardkeeper.io/workflow: intake" in result.stdout


def test_objects_of_other_kinds_are_passed_over_aloud() -> None:
    result = run("render", ROUTER)
    assert "passed over, for they are no HealthcareWorkflows: Namespace/radiology" in result.stderr


def test_an_unknown_field_is_named() -> None:
    assert refused(workflow(colour="blue")) == [
        "error: standard input: HealthcareWorkflow/app: spec.colour is a text of 4 characters; "
        "there is no such field; remove it or correct its name"
    ]


def test_all_mistakes_of_all_documents_are_told_at_once() -> None:
    second = workflow(phi={"classification": "Secret"}, mode=3)
    second["metadata"] = {"name": "other", "namespace": "team"}
    assert len(refused(workflow(colour="blue"), second)) == 3


def test_what_the_schema_cannot_see_is_refused_in_the_same_way() -> None:
    spec = workflow()["spec"]["workload"]
    container = {k: v for k, v in spec["containers"][0].items() if k not in ("ports", "probes")}
    bad = {
        "kind": "CronJob",
        "schedule": "0 2 * * *",
        "timeZone": "Mars/Olympus",
        "containers": [container],
    }
    (line,) = refused(workflow(workload=bad))
    assert "spec.workload.timeZone is 'Mars/Olympus'" in line
    assert "timeZone must be a name of the IANA time zone database" in line


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"apiVersion": "wardkeeper.io/v9"}, "apiVersion is 'wardkeeper.io/v9'; write wardkeeper"),
        ({"metadata": {"name": "app"}}, "metadata.namespace is missing; write it, or give --names"),
        ({"speck": {}}, "HealthcareWorkflow/app: speck is unknown"),
        ({"metadata": 3}, "standard input: document 1 is no Kubernetes object: it has no metadata"),
        ({"kind": "Pod"}, "no HealthcareWorkflow in -"),
        (
            {"kind": "List"},
            "standard input: document 1: List has no items; write a list of objects",
        ),
    ],
)
def test_an_object_that_is_no_workflow_of_ours_is_an_error(
    change: dict[str, Any], sentence: str
) -> None:
    (line,) = refused({**workflow(), **change})
    assert sentence in line


def test_the_namespace_option_fills_in_and_never_overrides() -> None:
    nameless = workflow()
    del nameless["metadata"]["namespace"]
    text = yaml.safe_dump(nameless) + "---\n" + yaml.safe_dump(workflow())
    result = run("render", "-n", "given", "-", text=text)
    assert {one["metadata"]["namespace"] for one in yaml.safe_load_all(result.stdout)} == {
        "given",
        "team",
    }


def test_one_workflow_twice_is_refused() -> None:
    (line,) = refused(workflow(), workflow())
    assert "stands a second time, first in standard input" in line


def test_a_key_that_stands_twice_is_refused_as_the_api_server_would() -> None:
    text = yaml.safe_dump(workflow()) + "kind: HealthcareWorkflow\n"
    result = run("render", "-", text=text)
    assert result.exit_code == 2
    assert "key 'kind' stands here twice" in result.stderr


def test_no_yaml_at_all_is_refused_with_the_place(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("a: [1\nb: 2")
    result = run("render", file)
    assert result.exit_code == 2
    assert "broken.yaml: line 2, column 2: " in result.stderr


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    result = run("render", tmp_path / "absent.yaml")
    assert result.exit_code == 2
    assert "absent.yaml: cannot be read: FileNotFoundError" in result.stderr


def test_values_that_could_be_secret_are_not_repeated() -> None:
    bad = workflow()
    bad["spec"]["workload"]["containers"][0]["env"] = [{"name": "P", "value": ["CANARY"]}]
    assert "CANARY" not in "".join(refused(bad))
