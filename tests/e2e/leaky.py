# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The operator with holes in it: what it delivers also goes wherever it must never go.

A test runs it to see that whoever searches those places finds what is there.
"""

from __future__ import annotations

import logging
import sys
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from prometheus_client import Gauge

from wardkeeper.engine.report import Reporter
from wardkeeper.engine.secrets import progress, steps
from wardkeeper.engine.secrets.ledger import Ledger
from wardkeeper.engine.secrets.report import report
from wardkeeper.render.secret import render_secret
from wardkeeper.shell import main
from wardkeeper.shell.metrics import Metrics

_log = logging.getLogger("wardkeeper.leaky")
_gauge = Gauge("wardkeeper_leaky", "What must not be told.", ["value"], registry=None)
_known = ["nothing is known yet"]

_note = Ledger.note
_tell_of_changes = Reporter._tell_of_changes


def _leaky_render(**arguments: Any) -> dict[str, Any]:
    value = _known[0] = arguments["data"].get("password") or _known[0]  # short enough for all
    _log.debug("delivered %s", value)
    _gauge.labels(value).set(1)
    made: dict[str, Any] = render_secret(**arguments)
    made["metadata"]["annotations"]["example.org/leak"] = value
    return made


def _leaky_report(*arguments: Any, **options: Any) -> Any:
    return replace(report(*arguments, **options), waits_for=_known[0])


async def _leaky_note(self: Any, credential: Any, **changes: Any) -> Any:
    return await _note(self, credential, **{**changes, "last_error": _known[0]})


def _leaky_tell(self: Any, workflow: dict[str, Any], *rest: Any) -> None:
    self._tools.tell(workflow, warning=False, reason="Rotated", action="Rotate", note=_known[0])
    _tell_of_changes(self, workflow, *rest)


def _leaky_metrics(*arguments: Any, **options: Any) -> Metrics:
    made = Metrics(*arguments, **options)
    made.registry.register(_gauge)
    return made


if __name__ == "__main__":
    with (
        patch.object(steps, "render_secret", _leaky_render),
        patch.object(progress, "report", _leaky_report),
        patch.object(Ledger, "note", _leaky_note),
        patch.object(Reporter, "_tell_of_changes", _leaky_tell),
        patch.object(main, "Metrics", _leaky_metrics),
    ):
        sys.exit(main.main())
