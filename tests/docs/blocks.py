# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every code block of the README and of docs/, with where it stands and what it claims to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from markdown_it import MarkdownIt

from wardkeeper.api.workflow import WorkflowSpec
from wardkeeper.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[2]
PAGES = sorted(
    str(path.relative_to(PROJECT))
    for path in (PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md"))
)

OUTPUT = ("text", "console")
"""What a program prints, or a drawing: nobody runs it."""

COMMANDS = "sh"
DOCUMENT = "yaml"
LANGUAGES = (COMMANDS, DOCUMENT, "json", *OUTPUT)


@dataclass(frozen=True)
class Block:
    """One code block.

    Attributes:
        page: its file, from the root of the project.
        line: where it begins there.
        language: the word after the fence; empty when there is none.
        text: what stands in it.
    """

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def first(self) -> str:
        """Its first line, by which tables name it."""
        return self.text.lstrip().partition("\n")[0].strip()


def blocks(*pages: str) -> list[Block]:
    """The code blocks of these pages, of all when none is named."""
    return [one for page in pages or PAGES for one in _read(page)]


def _read(page: str) -> Iterator[Block]:
    for token in MarkdownIt().parse((PROJECT / page).read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            yield Block(page, token.map[0] + 1, token.info.strip(), token.content)


def is_manifest(document: Any) -> bool:
    """Whether a YAML document is a whole object."""
    return isinstance(document, dict) and {"apiVersion", "kind"} <= document.keys()


def file_of(block: Block) -> str:
    """The file that a block is, named by a comment in its first line; empty when none is."""
    name = block.first.removeprefix("#").strip()
    named = block.first.startswith("#") and name.endswith(".yaml") and " " not in name
    return name if named else ""


def way_of(block: Block) -> str:
    """How a block is tried: commands, manifests, values, settings, spec, json; else empty."""
    if block.language == COMMANDS:
        return "commands"
    if block.language != DOCUMENT:
        return block.language if block.language == "json" else ""
    documents = [one for one in yaml.safe_load_all(block.text) if one is not None]
    if documents and all(is_manifest(one) for one in documents):
        return "manifests"
    if len(documents) != 1 or not isinstance(documents[0], dict):
        return ""
    keys = set(documents[0])
    name = file_of(block).rpartition("/")[2]
    if name.startswith("values"):
        return "values"
    if name.startswith("settings") or keys <= _names(Settings):
        return "settings"
    return "spec" if keys <= _names(WorkflowSpec) else ""


def _names(model: type[WorkflowSpec] | type[Settings]) -> set[str]:
    return {one.alias or name for name, one in model.model_fields.items()}
