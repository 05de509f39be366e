# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Damages children, as an administrator with kubectl would, and reads them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tests.bench.edits import Mischief, content, patch
from tests.bench.wire import JSON_PATCH
from wardkeeper.kube.resource import Ref, ref_of, resource_of

if TYPE_CHECKING:
    from tests.bench.specimen import Specimen
    from tests.bench.wire import Wire


def child_of(specimen: Specimen, kind: str) -> Ref:
    """The first child of a kind that a workflow has."""
    return next(ref_of(child) for child in specimen.children() if child["kind"] == kind)


async def damage(wire: Wire, ref: Ref, mischief: Mischief) -> None:
    """Do it; it is committed when this returns, and maybe repaired as well."""
    path = _path(ref)
    if mischief is Mischief.DELETE:
        await wire.send("DELETE", path)
        return
    ops = orjson.dumps(patch(ref.kind, mischief))
    await wire.send("PATCH", f"{path}?fieldManager=kubectl-edit", ops, JSON_PATCH)


async def content_of(wire: Wire, ref: Ref) -> dict[str, Any]:
    """What a child contains now."""
    return content(await wire.read(_path(ref)))


def _path(ref: Ref) -> str:
    return resource_of(ref.kind).path(ref.namespace, ref.name)
