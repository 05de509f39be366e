# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Write, or check, the files that are made from the API models, and the chart's copies of others.

    python -m wardkeeper.api.generate --write [ROOT]
    python -m wardkeeper.api.generate --check [ROOT]

A tool for people who change the API; nothing in the operator may import it. ROOT is the folder of
the project, the current one when left out. `--check` exits with 1 when a file is not what the
models say.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from wardkeeper.api.chart import definition_template
from wardkeeper.api.crd import definition_yaml, ledger_definition_yaml
from wardkeeper.api.credential import CREDENTIAL_PLURAL
from wardkeeper.api.page import reasons_page
from wardkeeper.api.schema import GROUP
from wardkeeper.api.workflow import PLURAL

CHART = "charts/wardkeeper"
ADMISSION = "manifests/admission"


def files() -> dict[str, str]:
    """Every file that is made from the models: its path under the project, and its text."""
    definitions = {
        f"{GROUP}_{PLURAL}.yaml": definition_yaml(),
        f"{GROUP}_{CREDENTIAL_PLURAL}.yaml": ledger_definition_yaml(),
    }
    return {
        **{f"crds/{name}": text for name, text in definitions.items()},
        **{
            f"{CHART}/templates/crds/{name}": definition_template(text)
            for name, text in definitions.items()
        },
        "docs/reasons.md": reasons_page(),
    }


def copies(root: Path) -> dict[str, str]:
    """What the chart holds of `manifests/`, for a chart cannot reach beyond its own folder."""
    policies = (root / ADMISSION).glob("*.yaml")
    return {
        f"{CHART}/files/admission/{one.name}": one.read_text(encoding="utf-8")
        for one in sorted(policies)
        if one.name != "kustomization.yaml"
    }


def outdated(root: Path) -> dict[str, str]:
    """The generated files that are missing or not what they are made from, with their text."""
    wanted = {**files(), **copies(root)}
    return {
        path: text
        for path, text in wanted.items()
        if not (root / path).is_file() or (root / path).read_text(encoding="utf-8") != text
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the tool; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m wardkeeper.api.generate")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the files that differ")
    action.add_argument("--check", action="store_true", help="exit with 1 when a file differs")
    parser.add_argument("root", nargs="?", default=Path(), type=Path, help="the project's folder")
    options = parser.parse_args(arguments)
    differing = outdated(options.root)
    for path, text in differing.items():
        if options.write:
            target = options.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path}: written\n")
        else:
            sys.stderr.write(f"{path}: not what it is made from; run `make crds`\n")
    return 1 if options.check and differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
