# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Images from folders: the same files give the same digest, other files another one."""

from __future__ import annotations

import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.cluster.node.images import Image, pack, write
from tests.cluster.node.stock import CONTAINERFILE, container_config

if TYPE_CHECKING:
    from pathlib import Path


def image(folder: Path, *, script: str = "x", mode: int = 0o755, time: int = 0) -> Image:
    """An image of one program and a link to it."""
    root = folder / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "program").write_text(script)
    (root / "bin" / "program").chmod(mode)
    (root / "bin" / "link").symlink_to("program")
    os.utime(root / "bin" / "program", (time, time))
    layer = pack(root, folder / "layer.tar")
    return write("localhost/one", [layer], {"User": "1:1"}, folder / "image.tar")


def test_the_same_files_give_the_same_digest_whenever_they_were_written(tmp_path: Path) -> None:
    one, other = image(tmp_path / "a", time=1), image(tmp_path / "b", time=999999)
    assert one.digest == other.digest
    assert one.archive.read_bytes() == other.archive.read_bytes()
    assert one.reference == f"localhost/one@{one.digest}"


@pytest.mark.parametrize("change", [{"script": "y"}, {"mode": 0o644}])
def test_another_content_or_mode_gives_another_digest(
    tmp_path: Path, change: dict[str, str | int]
) -> None:
    assert image(tmp_path / "a").digest != image(tmp_path / "b", **change).digest  # type: ignore[arg-type]


def test_files_belong_to_root_and_to_no_time(tmp_path: Path) -> None:
    image(tmp_path, time=5)
    with tarfile.open(tmp_path / "layer.tar") as archive:
        found = {one.name: (one.uid, one.gid, one.mtime, one.mode) for one in archive}
    assert found["bin/program"] == (0, 0, 0, 0o755)


def test_the_containerfile_says_who_runs_what() -> None:
    config = container_config(CONTAINERFILE.read_text())
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["wardkeeper-operator"]
    assert "PATH=/usr/local/bin:/usr/bin" in config["Env"]


def test_a_line_of_the_containerfile_that_is_not_understood_is_an_error() -> None:
    with pytest.raises(ValueError, match="VOLUME /data: not understood"):
        container_config("FROM a AS b\n\nFROM scratch\nVOLUME /data\n")
