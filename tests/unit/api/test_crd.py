# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The definition keeps the rules of the API at every node, and the committed files are current.

Most rules are those of the Kubernetes API conventions as kube-api-linter checks them for Go types.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.api.samples.table import REFUSED
from wardkeeper.api import generate
from wardkeeper.api.crd import (
    definition,
    definition_yaml,
    ledger_definition,
    ledger_definition_yaml,
)
from wardkeeper.api.read import read_workflow
from wardkeeper.api.workflow import HealthcareWorkflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
Node = dict[str, Any]
Nodes = list[tuple[str, Node]]


def _version() -> Node:
    version: Node = definition()["spec"]["versions"][0]
    return version


def _walk(node: Node, path: str) -> Iterator[tuple[str, Node]]:
    yield path, node
    for name, member in node.get("properties", {}).items():
        yield from _walk(member, f"{path}.{name}".removeprefix("."))
    if "items" in node:
        yield from _walk(node["items"], f"{path}[]")
    if "additionalProperties" in node:
        yield from _walk(node["additionalProperties"], f"{path}{{}}")


def _nodes(whole: Node | None = None) -> Nodes:
    version = (whole or definition())["spec"]["versions"][0]
    root = version["schema"]["openAPIV3Schema"]
    return [
        (path, node)
        for part in ("spec", "status")
        for path, node in _walk(root["properties"][part], part)
    ]


NODES = _nodes()
LEDGER = _nodes(ledger_definition())
DEFINITIONS = (definition, ledger_definition)
of_each = pytest.mark.parametrize("nodes", [NODES, LEDGER], ids=["workflow", "ledger"])


@of_each
def test_every_node_is_described_in_a_sentence(nodes: Nodes) -> None:
    for path, node in nodes:
        assert re.fullmatch(r"[A-Z].*[.]", node["description"]), path


@of_each
def test_every_node_is_bounded(nodes: Nodes) -> None:
    for path, node in nodes:
        if node["type"] == "string":
            assert "enum" in node or node["maxLength"] <= 4096, path
        if node["type"] == "array":
            assert node["maxItems"] <= 128, path
        if "additionalProperties" in node:
            assert node["maxProperties"] <= 64, path
        if node["type"] == "integer" and "observedGeneration" not in path:
            assert "minimum" in node, path


@of_each
def test_every_list_says_how_it_merges(nodes: Nodes) -> None:
    for path, node in nodes:
        if node["type"] != "array":
            continue
        kind = node["x-kubernetes-list-type"]
        objects = node["items"]["type"] == "object"
        assert kind in {"map", "atomic"} if objects else {"set", "atomic"}, path
        if objects:
            assert node["items"]["required"], "entries are told apart by something required"
        if kind == "map":
            assert set(node["x-kubernetes-list-map-keys"]) <= set(node["items"]["required"]), path


@of_each
def test_there_are_neither_booleans_nor_floats_nor_open_objects(nodes: Nodes) -> None:
    for path, node in nodes:
        assert node["type"] in {"string", "integer", "array", "object"}, path
        assert not {"nullable", "oneOf", "anyOf", "not"} & node.keys(), path
        assert "x-kubernetes-preserve-unknown-fields" not in node, path
        assert node.get("format") in {None, "date-time"}, path
        if node["type"] == "object":
            assert ("properties" in node) != ("additionalProperties" in node), path
        if "additionalProperties" in node:
            assert path.endswith("matchLabels"), "other maps are lists with a key"


@of_each
def test_enums_and_their_values_are_written_like_kubernetes_writes_them(nodes: Nodes) -> None:
    for path, node in nodes:
        for value in node.get("enum", []):
            verb = path.endswith(".verbs[]")
            assert re.fullmatch(r"[a-z]+" if verb else r"[A-Z][A-Za-z0-9]*", value), path


@of_each
def test_names_are_camel_case_and_avoid_what_the_conventions_avoid(nodes: Nodes) -> None:
    for path, node in nodes:
        for name in node.get("properties", {}):
            assert re.fullmatch(r"[a-z][a-zA-Z0-9]*", name), path
            assert not re.search(r"(Reference|Timestamp|[tT]imeStamp)s?$", name), path
            one = path == "status.secrets[]" or nodes is LEDGER
            assert name != "phase" or one, "a phase of the whole is no state"


@of_each
def test_what_has_a_default_is_not_required(nodes: Nodes) -> None:
    for path, node in nodes:
        for name in node.get("required", []):
            assert "default" not in node["properties"][name], path


@of_each
def test_a_required_text_cannot_be_empty(nodes: Nodes) -> None:
    empty = {"spec.workload.containers[].env[].value", "status.conditions[].message"}
    empty.add("spec.workload.initContainers[].env[].value")
    for path, node in nodes:
        for name in node.get("required", []):
            member = node["properties"][name]
            if member["type"] == "string" and f"{path}.{name}" not in empty:
                rules = member.get("x-kubernetes-validations", [])
                matched = any(not re.search(_pattern(rule["rule"]), "") for rule in rules)
                assert "enum" in member or member.get("minLength") or matched, f"{path}.{name}"


def _pattern(rule: str) -> str:
    """The pattern of a rule on shape; one that matches everything for any other rule."""
    found = re.fullmatch(r"self\.matches\(r'(.*)'\)", rule)
    return found[1] if found else ""


@of_each
def test_every_rule_tells_what_to_do(nodes: Nodes) -> None:
    for path, node in nodes:
        for rule in node.get("x-kubernetes-validations", []):
            assert re.search(
                r"write it like|such as|must be|; [a-z]|is required|cannot be changed",
                rule["message"],
            ), path
            assert len(rule["message"]) <= 400, path
            assert not re.search(r"[\n\"]$", rule["message"]), path


def test_the_status_is_optional_unobserved_at_first_and_a_subresource() -> None:
    root = _version()["schema"]["openAPIV3Schema"]
    status = root["properties"]["status"]
    assert root["required"] == ["spec"]
    assert status["default"] == {"observedGeneration": -1}
    assert "required" not in status
    assert _version()["subresources"] == {"status": {}}
    assert not [path for path, node in NODES if path.startswith("status.") and "default" in node]


def test_conditions_are_what_kstatus_and_kubectl_wait_read() -> None:
    conditions = dict(NODES)["status.conditions"]
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]
    assert set(conditions["items"]["required"]) == {
        "type",
        "status",
        "reason",
        "message",
        "observedGeneration",
        "lastTransitionTime",
    }
    assert dict(NODES)["status.conditions[].status"]["enum"] == ["True", "False", "Unknown"]


def test_metadata_stays_the_business_of_kubernetes() -> None:
    root = _version()["schema"]["openAPIV3Schema"]
    assert root["properties"]["metadata"] == {"type": "object"}


def test_no_field_can_weaken_a_container() -> None:
    names = {name for _, node in NODES for name in node.get("properties", {})}
    assert not {name for name in names if "security" in name.lower() or "privilege" in name.lower()}
    assert not names & {
        "capabilities",
        "hostNetwork",
        "hostPID",
        "hostPath",
        "envFrom",
        "valueFrom",
    }


@pytest.mark.parametrize("whole", DEFINITIONS)
def test_columns_point_at_fields_that_exist(whole: Callable[[], Node]) -> None:
    paths = {path for path, _ in _nodes(whole())} | {"metadata.creationTimestamp"}
    (version,) = whole()["spec"]["versions"]
    for column in version["additionalPrinterColumns"]:
        path = re.sub(r"\[\?\(.*?\)\]", "[]", column["jsonPath"]).removeprefix(".")
        assert path in paths, column["name"]
    for selectable in version.get("selectableFields", []):
        assert selectable["jsonPath"].removeprefix(".") in paths


def test_a_column_counts_the_time_since_and_never_until() -> None:
    """kubectl shows a date that is still to come as <invalid>."""
    for whole in DEFINITIONS:
        for column in whole()["spec"]["versions"][0]["additionalPrinterColumns"]:
            past = column["jsonPath"] in (".metadata.creationTimestamp", ".status.issuedAt")
            assert (column["type"] == "date") == past, column["name"]


def test_an_entry_of_the_ledger_is_written_once_and_holds_nothing_that_was_not_written() -> None:
    root = ledger_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    rules = root["properties"]["spec"]["x-kubernetes-validations"]
    assert "self == oldSelf" in [rule["rule"] for rule in rules]
    assert not [path for path, node in LEDGER if "default" in node], "a thousand entries have it"
    names = {name for _, node in LEDGER for name in node.get("properties", {})}
    assert not names & {"password", "value", "key", "data", "token"}


def test_both_kinds_are_found_by_their_category() -> None:
    names = [whole()["spec"]["names"] for whole in DEFINITIONS]
    assert [one["shortNames"] for one in names] == [["hcw"], ["hic"]]
    assert all(one["categories"] == ["healthcare"] for one in names)
    assert all(whole()["spec"]["scope"] == "Namespaced" for whole in DEFINITIONS)


def test_every_rule_refuses_some_sample() -> None:
    """Take a rule away, and a sample is no longer refused with its words."""
    said: set[str] = set()
    for sample in REFUSED:
        problems = read_workflow(sample.raw(), unknown="forbid")
        assert not isinstance(problems, HealthcareWorkflow), sample.name
        said |= {problem.wanted for problem in problems}
    root = _version()["schema"]["openAPIV3Schema"]
    spoken = {
        rule["message"]
        for _, node in [("", root), *NODES]
        for rule in node.get("x-kubernetes-validations", [])
        if "oldSelf" not in rule["rule"]
    }
    assert not spoken - said


@pytest.mark.parametrize(
    ("written", "whole"),
    [(definition_yaml, definition), (ledger_definition_yaml, ledger_definition)],
)
def test_a_definition_is_written_the_same_every_time(
    written: Callable[[], str], whole: Callable[[], Node]
) -> None:
    text = written()
    assert text == written()
    assert yaml.safe_load(text) == whole()
    assert "&id" not in text
    assert "\t" not in text


def test_generated_files_are_current() -> None:
    assert generate.outdated(ROOT) == {}, "run `make crds`"


def test_every_definition_is_installed() -> None:
    listed = yaml.safe_load((ROOT / "crds" / "kustomization.yaml").read_text())["resources"]
    generated = {path for path in generate.files() if path.startswith("crds/")}
    assert {f"crds/{name}" for name in listed} == generated


def test_the_generator_writes_what_it_then_finds_current(tmp_path: Path) -> None:
    assert generate.main(["--check", str(tmp_path)]) == 1
    assert generate.main(["--write", str(tmp_path)]) == 0
    assert generate.main(["--check", str(tmp_path)]) == 0
    page = tmp_path / "docs" / "reasons.md"
    page.write_text(page.read_text() + "edited by hand\n")
    assert generate.main(["--check", str(tmp_path)]) == 1
