# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Somebody with the right to do so writes what is not so into the status of a workflow."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tests.e2e.stage import RefusedError
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from tests.histories.scene import Scene

FORGED = "Forged"
"""A reason that nobody has."""

_NOBODY_SAID_SO = {
    "type": "Ready",
    "status": "False",
    "reason": FORGED,
    "message": "nothing is well",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}
_COMPLETED = {**_NOBODY_SAID_SO, "type": "WorkloadAvailable", "reason": "Completed"}

FORGERIES: tuple[dict[str, Any], ...] = (
    {"conditions": [_NOBODY_SAID_SO]},
    {"conditions": [_NOBODY_SAID_SO, _COMPLETED]},
    {"conditions": None, "revision": None, "observedGeneration": -1},
    {"drift": {"repaired": 99}},
    {"revision": {"running": "sha256:0"}},
    {"lastHandledReconcileAt": FORGED, "observedGeneration": 99},
)
"""Merge patches; none says that a workflow is Ready."""


def forge_status(scene: Scene) -> str | None:
    """Write something into a status that is not so."""
    name = scene.one()
    if name is None:
        return None
    forgery = scene.rng.choice(FORGERIES)
    scene.burst.forged.add(name)
    with suppress(RefusedError):
        scene.stage.send(
            "PATCH",
            KIND,
            scene.place.namespace,
            name,
            body={"status": forgery},
            content="application/merge-patch+json",
            subresource="status",
        )
    return f"forge the status of {name}: {forgery}"
