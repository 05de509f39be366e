# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Golden cases: what goes in, the cluster it meets, and what must come out.

A case is a folder under `cases/`. `input.yaml` is the workflow; a case without it is the sample of
the same name in `manifests/samples/`. `given.yaml`, if there, says what the cluster is like. What
must come out stands in `expected.yaml`, in the order of application.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wardkeeper.api.workflow import KIND, HealthcareWorkflow
from wardkeeper.policy.judge import judge
from wardkeeper.render.children import Rendered, render
from wardkeeper.render.surroundings import AddressAndPort, PodSelection, Surroundings

CASES = Path(__file__).parent / "cases"
SAMPLES = Path(__file__).parents[3] / "manifests" / "samples"
UID = "7b0f7c8e-3a51-4c0e-9d43-5f1f0d3c2a10"
_LICENCE = (
    "# SPDX-FileCopyrightText: The Wardkeeper Authors\n# SPDX-License-Identifier: Apache-2.0\n"
)


@dataclass(frozen=True, slots=True)
class Case:
    """One golden case."""

    name: str

    @property
    def source(self) -> Path:
        """The file with the workflow."""
        own = CASES / self.name / "input.yaml"
        return own if own.exists() else SAMPLES / f"{self.name}.yaml"

    @property
    def expected(self) -> Path:
        """The file with what must come out."""
        return CASES / self.name / "expected.yaml"

    def given(self) -> dict[str, Any]:
        """What the cluster is like, as far as the case says so."""
        path = CASES / self.name / "given.yaml"
        return yaml.safe_load(path.read_text()) if path.exists() else {}

    def raw(self, uid: str = UID, namespace: str | None = None) -> dict[str, Any]:
        """The workflow as it is written, under this uid and namespace."""
        for one in yaml.safe_load_all(self.source.read_text()):
            if one["kind"] == KIND:
                one["metadata"] |= {"uid": uid, **({"namespace": namespace} if namespace else {})}
                return dict(one)
        raise LookupError(f"{self.source} holds no {KIND}")

    def render(self, raw: dict[str, Any] | None = None) -> Rendered:
        """What the workflow becomes in the given cluster."""
        return rendered(raw or self.raw(), self.given())


def rendered(raw: dict[str, Any], given: dict[str, Any]) -> Rendered:
    """What a workflow becomes in a cluster that is like this."""
    workflow = HealthcareWorkflow.model_validate(raw)
    missing = set(given.get("missing", ()))
    verdict = judge(workflow, lambda namespace, name: f"{namespace}/{name}" not in missing)
    macs = given.get("macs", {one.name: f"mac-of-{one.name}" for one in workflow.spec.secrets})
    return render(workflow, verdict, _surroundings(given), macs=macs)


def _surroundings(given: dict[str, Any]) -> Surroundings:
    words: dict[str, Any] = {"version": "1.2.3"}
    if "dns" in given:
        words["dns"] = PodSelection(given["dns"]["namespace"], given["dns"]["matchLabels"])
    if "imagePullPolicy" in given:
        words["image_pull_policy"] = given["imagePullPolicy"]
    server = given.get("apiServer", [{"cidr": "192.0.2.10/32", "port": 6443}])
    words["api_server"] = tuple(AddressAndPort(one["cidr"], one["port"]) for one in server)
    return Surroundings(**words)


def all_cases() -> tuple[Case, ...]:
    """Every case, by name; each sample is one."""
    names = {path.name for path in CASES.iterdir()} | {path.stem for path in SAMPLES.glob("*.yaml")}
    return tuple(Case(name) for name in sorted(names))


def written(rendered: Rendered) -> str:
    """The rendered objects as a golden file holds them."""
    return _LICENCE + yaml.safe_dump_all(rendered.children, explicit_start=True, width=10000)
