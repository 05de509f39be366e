# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Reads HealthcareWorkflows from files as strictly as the API server would.

All mistakes of all files are told at once, and none is passed over: what cannot be read is an
error, never an empty result. Objects of other kinds may stand in the same files.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wardkeeper.api.document import DocumentError, documents
from wardkeeper.api.read import read_workflow
from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.workflow import KIND, HealthcareWorkflow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

STDIN = "-"
API_VERSION = f"{GROUP}/{VERSION}"


@dataclass(slots=True)
class Found:
    """What the files hold.

    Attributes:
        workflows: those without mistakes, with the file that each is from.
        mistakes: a sentence for each thing that is wrong: file, object, field, found, wanted.
        others: objects of other kinds, as `Kind/name`.
    """

    workflows: list[tuple[str, HealthcareWorkflow]] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def read_files(files: Sequence[Path], namespace: str | None) -> Found:
    """The workflows in some files.

    Args:
        files: YAML with any number of documents each; `-` is standard input.
        namespace: of workflows that name none.
    """
    found = Found()
    for file in files:
        source = "standard input" if str(file) == STDIN else str(file)
        try:
            text = sys.stdin.read() if str(file) == STDIN else file.read_text(encoding="utf-8")
            for where, raw in _objects(documents(text)):
                _sort_in(raw, source, where, namespace, found)
        except (OSError, UnicodeDecodeError) as error:
            found.mistakes.append(f"{source}: cannot be read: {type(error).__name__}")
        except DocumentError as error:
            found.mistakes.append(f"{source}: {error}")
    _refuse_twice(found)
    if not found.workflows and not found.mistakes:
        found.mistakes.append(f"no {KIND} in {', '.join(str(file) for file in files)}")
    return found


def _objects(read: list[Any]) -> Iterator[tuple[str, Any]]:
    """Every object and where it stands, those of a List one by one.

    Raises:
        DocumentError: a List lists nothing.
    """
    for number, one in enumerate(read, 1):
        if not isinstance(one, dict) or one.get("kind") != "List":
            yield f"document {number}", one
            continue
        if not isinstance(one.get("items"), list):
            raise DocumentError(f"document {number}: List has no items; write a list of objects")
        for at, item in enumerate(one["items"], 1):
            yield f"document {number}, item {at}", item


def _sort_in(raw: Any, source: str, where: str, namespace: str | None, found: Found) -> None:
    if not isinstance(raw, dict) or not isinstance(raw.get("metadata"), dict):
        wrong = "is no Kubernetes object: it has no metadata"
        found.mistakes.append(f"{source}: {where} {wrong}")
        return
    subject = f"{raw.get('kind')}/{raw['metadata'].get('name')}"
    if raw.get("kind") != KIND:
        found.others.append(subject)
        return
    if raw.get("apiVersion") != API_VERSION:
        wrong = f"apiVersion is {raw.get('apiVersion')!r}; write {API_VERSION}"
        found.mistakes.append(f"{source}: {subject}: {wrong}")
        return
    metadata = {"namespace": namespace, **raw["metadata"]}
    if not metadata["namespace"]:
        wrong = "metadata.namespace is missing; write it, or give --namespace"
        found.mistakes.append(f"{source}: {subject}: {wrong}")
        return
    extra = [key for key in raw if key not in ("apiVersion", "kind", "metadata", "spec", "status")]
    found.mistakes += [
        f"{source}: {subject}: {key} is unknown; there is no such field; remove it" for key in extra
    ]
    read = read_workflow({**raw, "metadata": metadata, "status": {}}, unknown="forbid")
    if isinstance(read, HealthcareWorkflow):
        found.workflows.append((source, read))
    else:
        found.mistakes += [f"{source}: {one.message(subject)}" for one in read]


def _refuse_twice(found: Found) -> None:
    seen: dict[tuple[str, str], str] = {}
    for source, workflow in found.workflows:
        key = (workflow.metadata.namespace, workflow.metadata.name)
        if key in seen:
            subject = f"{KIND}/{workflow.metadata.name}"
            wrong = f"stands a second time, first in {seen[key]}; keep one of them"
            found.mistakes.append(f"{source}: {subject}: {wrong}")
        seen.setdefault(key, source)
