# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The value behind a path that was written for people."""

from __future__ import annotations

from typing import Any

import pytest

from wardkeeper.cli.values import ABSENT, shown, value_at

OBJECT: dict[str, Any] = {
    "metadata": {"labels": {"wardkeeper.io/net": "open", "wardkeeper.io": "x"}},
    "spec": {
        "containers": [{"name": "a", "image": "one"}, {"name": "b", "image": "two"}],
        "egress": [{"ports": [{"port": 443}]}],
    },
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.containers[b].image", "two"),
        ("spec.egress[0].ports[0].port", 443),
        ("metadata.labels.wardkeeper.io/net", "open"),
        ("metadata.labels.wardkeeper.io", "x"),
        ("spec.containers[a]", {"name": "a", "image": "one"}),
        ("spec.containers[c].image", ABSENT),
        ("spec.egress[1]", ABSENT),
        ("spec.egress.ports", ABSENT),
        ("spec.hostNetwork", ABSENT),
        ("spec[0]", ABSENT),
    ],
)
def test_a_path_leads_to_its_value_or_to_nothing(path: str, value: Any) -> None:
    assert value_at(OBJECT, path) == value


def test_a_value_is_shown_on_one_line_and_not_too_long() -> None:
    assert shown(True) == "true"
    assert shown({"a": [1, "x"]}) == '{"a":[1,"x"]}'
    assert shown(ABSENT) == "(none)"
    assert shown("a\nb") == '"a\\nb"'
    assert len(shown("x" * 1000)) == 100
