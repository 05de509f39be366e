# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What pages name is there: reasons, metrics, tests, links, versions, situations."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from tests.cluster.openbao import NEWEST, OLDER
from tests.cluster.tools import KUBERNETES
from tests.docs.blocks import PAGES, PROJECT
from tests.gitops.definitions import RELEASES
from tests.gitops.situations import SITUATIONS
from wardkeeper.api.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

METRIC = re.compile(
    r"`((?:wardkeeper|workqueue|controller_runtime|rest_client|leader_election)_[a-z_]+)"
)
TEST_FILE = re.compile(r"`(tests/[\w/]+(?:\.py)?)`")
SOURCES = PROJECT / "operator" / "wardkeeper" / "shell"


def text(page: str) -> str:
    """The text of a page."""
    return (PROJECT / page).read_text(encoding="utf-8")


def links(page: str) -> Iterator[str]:
    """Where a page points to, within the project."""
    for token in MarkdownIt().parse(text(page)):
        for child in token.children or ():
            target = str(child.attrs.get("href") or child.attrs.get("src") or "")
            if target and "://" not in target and not target.startswith(("#", "mailto:")):
                yield target.partition("#")[0]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    folder = (PROJECT / page).parent
    assert [one for one in links(page) if not (folder / one).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_metrics_that_are_named_are_measured(page: str) -> None:
    known = "".join(path.read_text() for path in SOURCES.glob("*.py"))
    plain = (re.sub(r"_(?:bucket|count|sum)$", "", name) for name in METRIC.findall(text(page)))
    assert [name for name in plain if f'"{name}"' not in known] == []


@pytest.mark.parametrize("page", PAGES)
def test_tests_that_are_named_are_there(page: str) -> None:
    named = TEST_FILE.findall(text(page))
    assert [name for name in named if not (PROJECT / name).exists()] == []


def test_every_reason_that_needs_somebody_is_in_troubleshooting() -> None:
    page = text("docs/troubleshooting.md")
    firsts = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    named = set(re.findall(r"`(\w+)`", " ".join(firsts)))
    assert named <= {one.value for one in Reason}


def test_the_gitops_page_tells_of_every_situation_that_is_played() -> None:
    rows = text("docs/gitops.md").splitlines()
    for one in SITUATIONS:
        assert any(row.startswith(f"| {one.name} |") for row in rows), one.name


def test_versions_are_those_that_tests_run_against() -> None:
    page = text("docs/supported-versions.md")
    for row in (
        f"| Kubernetes | {KUBERNETES} |",
        f"| OpenBao | {NEWEST}; what talks to Vault also on {OLDER} |",
    ):
        assert row in page
    for release in RELEASES:
        name = Path(release.module.removesuffix("/v3")).name
        assert release.version in page, name
    for folder, module, name in (
        ("judges", "sigs.k8s.io/cli-utils", "cli-utils"),
        ("kube-router", "github.com/cloudnativelabs/kube-router/v2", "kube-router"),
    ):
        pins = (PROJECT / "tests" / "cluster" / folder / "go.mod").read_text()
        [version] = re.findall(rf"{re.escape(module)} (v\S+)", pins)
        assert f"{name} {version}" in page
