# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Workflows as a real API server showed them, kept beside `health.lua` without what is by chance.

`WARDKEEPER_UPDATE_GOLDEN=1` with the tests of the situations writes them anew.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import yaml

from tests.gitops.argocd import SCRIPTS

FOLDER = SCRIPTS / "testdata"

KEPT = {
    "created while the operator is down": "not_seen_yet",
    "converging": "converging",
    "ready": "ready",
    "changed while an old Ready stands": "changed_since_it_was_ready",
    "invalid spec": "invalid",
    "being deleted": "being_deleted",
}
"""Files by the situation whose last version they keep."""

_HEAD = """\
# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""
_CHANCE = (
    (re.compile(r"story-[0-9a-f]{8}"), "radiology"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "2026-01-01T00:00:00Z"),
    (re.compile(r'"version": "[^"]+"'), '"version": "1"'),
    (re.compile(r'(econcile-?[aA]t": )"[0-9a-f]{8}"'), r'\1"2026-01-01T00:00:00Z"'),
)


def keep(situation: str, workflow: dict[str, Any]) -> None:
    """Keep the last version of a situation, if that is asked for and it is one to be kept."""
    if os.environ.get("WARDKEEPER_UPDATE_GOLDEN") == "1" and situation in KEPT:
        path = FOLDER / f"{KEPT[situation]}.yaml"
        path.write_text(_HEAD + yaml.safe_dump(_plain(workflow), sort_keys=False))


def _plain(workflow: dict[str, Any]) -> dict[str, Any]:
    metadata = {
        **workflow["metadata"],
        "uid": "00000000-0000-0000-0000-000000000001",
        "resourceVersion": "1",
    }
    metadata.pop("managedFields")
    text = json.dumps({**workflow, "metadata": metadata})
    for pattern, constant in _CHANCE:
        text = pattern.sub(constant, text)
    plain: dict[str, Any] = json.loads(text)
    return plain
