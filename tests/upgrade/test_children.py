# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Children are rendered as each release rendered them, so that an upgrade restarts nothing.

Where a version wants a child otherwise, `releases/intended.yaml` says which and why, and
docs/upgrade.md tells people before they upgrade.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.unit.render.golden import rendered
from tests.upgrade.freeze import RELEASES, children_of, packages

if TYPE_CHECKING:
    from collections.abc import Iterator

Obj = dict[str, Any]
INTENDED: dict[str, dict[str, str]] = yaml.safe_load((RELEASES / "intended.yaml").read_text()) or {}


def frozen() -> Iterator[tuple[str, Obj]]:
    for package in packages():
        for case in yaml.safe_load_all(children_of(package).read_text()):
            yield package.stem, case


FROZEN = list(frozen())


def keyed(children: list[Obj]) -> dict[str, Obj]:
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in children}


def test_every_release_has_told_its_children() -> None:
    assert {release for release, _ in FROZEN} == {package.stem for package in packages()}
    assert FROZEN


@pytest.mark.parametrize(
    ("release", "case"), FROZEN, ids=[f"{release}-{case['case']}" for release, case in FROZEN]
)
def test_the_children_of_a_release_are_those_of_today(release: str, case: Obj) -> None:
    then = keyed(case["children"])
    now = keyed(list(rendered(case["workflow"], case["given"]).children))
    changed = {key for key in then.keys() | now.keys() if then.get(key) != now.get(key)}
    intended = INTENDED.get(release, {}).keys()
    unsaid = {key for key in changed if not {key, key.partition("/")[0]} & intended}
    assert unsaid == set(), (
        "an upgrade would write these; if that is wanted, say so in docs/upgrade.md and in "
        "tests/upgrade/releases/intended.yaml"
    )


def test_a_changed_child_is_noticed_so_that_the_comparison_can_fail() -> None:
    _, case = FROZEN[0]
    then = keyed(case["children"])
    key = next(iter(then))
    then[key]["metadata"]["labels"]["example.org/new"] = "x"
    assert then[key] != keyed(list(rendered(case["workflow"], case["given"]).children))[key]
