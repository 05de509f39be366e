# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from typer.testing import CliRunner

from wardkeeper.cli.talk import EXIT_INVALID
from wardkeeper.cli.vault import app

SAMPLE = Path(__file__).parents[1] / "render/cases/smallest-deployment/input.yaml"
CONNECTION = {"host": "db.clinic.example", "database": "claims"}


def database(role: str, strategy: str) -> dict[str, Any]:
    return {"database": {"role": role, "strategy": strategy, "connection": CONNECTION}}


SECRETS = [
    {"name": "app", "source": database("app", "Dynamic")},
    {"name": "pair", "source": database("pair", "AlternatingUsers")},
    {"name": "fixed", "source": database("fixed", "Static")},
    {"name": "records", "source": {"transit": {"key": "records"}}},
    {"name": "vendor", "source": {"kvSynced": {"path": "x/key", "fields": ["token"]}}},
    {"name": "tls", "source": {"pki": {}}},
]


def write(path: Path, secrets: list[dict[str, Any]]) -> Path:
    """A workflow in a file."""
    workflow = yaml.safe_load(SAMPLE.read_text())
    workflow["metadata"] = {"name": "router", "namespace": "radiology"}
    workflow["spec"]["secrets"] = secrets
    path.write_text(yaml.safe_dump(workflow))
    return path


def run(file: Path, *options: str) -> str:
    result = CliRunner().invoke(
        app, ["bootstrap", "--for", str(file), *options], env={"VAULT_TOKEN": "canary"}
    )
    assert result.exit_code == 0, result.output
    assert "canary" not in result.output
    return result.output


def bodies(output: str) -> dict[str, dict[str, Any]]:
    """What is written, by path."""
    found = {}
    for part in output.split("bao write ")[1:]:
        path, rest = part.split(" - <<'EOF'\n", 1)
        found[path] = json.loads(rest.split("\nEOF", 1)[0])
    return found


def test_everything_that_only_an_admin_may_make_is_printed(tmp_path: Path) -> None:
    found = bodies(run(write(tmp_path / "w.yaml", SECRETS)))
    assert list(found) == [
        "database/roles/hw.radiology.router.app",
        "database/static-roles/hw.radiology.router.pair.a",
        "database/static-roles/hw.radiology.router.pair.b",
        "database/static-roles/hw.radiology.router.fixed",
        "transit/keys/hw.radiology.router.records",
        "secret/data/hw-synced/radiology/router/x/key",
    ]
    assert (
        "VALID UNTIL" in found["database/roles/hw.radiology.router.app"]["creation_statements"][0]
    )
    pair = found["database/static-roles/hw.radiology.router.pair.a"]
    assert pair["rotation_period"] == "8760h"
    assert found["transit/keys/hw.radiology.router.records"]["exportable"] is False


def test_other_mounts_are_named(tmp_path: Path) -> None:
    file = write(tmp_path / "w.yaml", SECRETS[:1])
    assert list(bodies(run(file, "--database-mount", "clinic-db"))) == [
        "clinic-db/roles/hw.radiology.router.app"
    ]


def test_a_workflow_that_needs_nothing_is_told_so(tmp_path: Path) -> None:
    output = run(write(tmp_path / "w.yaml", [SECRETS[-1]]))
    assert "radiology/router needs nothing" in output


def test_a_file_with_mistakes_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "w.yaml", [{"name": "x", "source": {}}])
    result = CliRunner().invoke(app, ["bootstrap", "--for", str(file)])
    assert result.exit_code == EXIT_INVALID
