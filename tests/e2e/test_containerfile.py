# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The Containerfile gives the image that tests run, whose files come from no builder."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.cluster.node import parts, stock
from tests.cluster.progress import Report
from tests.e2e.buildah import Entry, buildah, entries

if TYPE_CHECKING:
    from pathlib import Path

OF_THE_BUILDER = "io.buildah.version"


@pytest.mark.timeout(600)
def test_a_builder_makes_of_the_containerfile_what_the_tests_run(tmp_path: Path) -> None:
    folder = tmp_path / "buildah"
    folder.mkdir()
    try:
        builder = buildah(folder)
        builder.build(parts.PROJECT, "localhost/built")
        config, built = builder.look("localhost/built")
    finally:
        shutil.rmtree(folder)
    wanted: dict[str, Entry] = {}
    for layer in (parts.python(Report()), parts.libraries(Report()), parts.operator(tmp_path)):
        wanted.update(entries(layer.archive))
    differing = {
        name: (built.get(name), wanted.get(name))
        for name in sorted(built.keys() | wanted.keys())
        if built.get(name) != wanted.get(name)
    }
    assert differing == {}
    assert len(built) > 1000
    config["Labels"].pop(OF_THE_BUILDER, None)
    assert config == stock.container_config(stock.CONTAINERFILE.read_text())
