# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What Argo CD is told about workflows: the scripts, and the ConfigMap that is made from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from wardkeeper.api.schema import GROUP
from wardkeeper.api.workflow import KIND

FOLDER = Path(__file__).parents[2] / "manifests" / "gitops" / "argocd"
SCRIPTS = FOLDER / "resource_customizations" / GROUP / KIND
CONFIG_MAP = FOLDER / "argocd-cm.yaml"
ACTIONS = ("refresh", "rotate")
HEALTH = (SCRIPTS / "health.lua").read_text()
DISCOVERY = (SCRIPTS / "actions" / "discovery.lua").read_text()

_HEAD = """\
# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
# Made from resource_customizations/; a patch for the ConfigMap argocd-cm that Argo CD reads.
"""


def action(name: str) -> str:
    """The script of an action."""
    return (SCRIPTS / "actions" / name / "action.lua").read_text()


def config_map() -> str:
    """The text of `argocd-cm.yaml` as it follows from the scripts."""
    actions = {
        "discovery.lua": DISCOVERY,
        "definitions": [{"name": name, "action.lua": action(name)} for name in ACTIONS],
    }
    name = f"{GROUP}_{KIND}"
    return _HEAD + _dump(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-cm", "namespace": "argocd"},
            "data": {
                f"resource.customizations.health.{name}": HEALTH,
                f"resource.customizations.actions.{name}": _dump(actions),
            },
        }
    )


class _Readable(yaml.SafeDumper):
    """Writes text of several lines as such."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _text)


def _dump(document: dict[str, Any]) -> str:
    return yaml.dump(document, Dumper=_Readable, sort_keys=False, width=100)
