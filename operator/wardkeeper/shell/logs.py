# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Log lines with stable keys, one a line, on standard error; nothing secret in any of them.

Of an exception only its type, the places it passed and, if it is our own, its text are written:
the texts of other people's exceptions quote requests and bodies. Libraries never log below INFO,
for kopf then writes whole objects. Every finished line goes through `redact`.
"""

from __future__ import annotations

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from wardkeeper.engine.workers import CURRENT_PASS
from wardkeeper.shell.redact import redact

if TYPE_CHECKING:
    from types import TracebackType

    from wardkeeper.settings import LogFormat, LogLevel

OURS = "wardkeeper"
_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_DEEPEST = 12


def set_up_logs(level: LogLevel, form: LogFormat, stream: TextIO = sys.stderr) -> None:
    """Send every log line of the process to `stream`; replaces what was set up before."""
    handler = _Handler(stream)
    handler.setFormatter(TextLines() if form == "text" else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    wanted = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(max(wanted, logging.INFO))
    logging.getLogger(OURS).setLevel(wanted)
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, msg, the workflow at hand, what else was given, and the error."""
        line = orjson.dumps(_fields(record), option=orjson.OPT_NON_STR_KEYS)
        return redact(line.decode())


class TextLines(logging.Formatter):
    """One line for a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The same as in JSON, in the order in which people look."""
        fields = _fields(record)
        clock = str(fields.pop("time"))[11:19]
        level, message = fields.pop("level"), fields.pop("msg")
        fields.pop("logger")
        place = "/".join(str(fields.pop(key)) for key in ("namespace", "name") if key in fields)
        for key in ("uid", "generation", "reconcileID"):
            fields.pop(key, None)
        rest = " ".join(f"{key}={value}" for key, value in fields.items())
        line = " ".join(part for part in (clock, f"{level:<7}", place, str(message), rest) if part)
        return redact(line.replace("\r", "\\r").replace("\n", "\\n"))


class _Handler(logging.StreamHandler[TextIO]):
    """Writes lines; a line that cannot be made is reported without what was in it."""

    def handleError(self, record: logging.LogRecord) -> None:
        self.stream.write(f"a log line of {record.name}:{record.lineno} could not be written\n")


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    fields: dict[str, Any] = {
        "time": time.replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "msg": record.getMessage(),
        **_workflow(record),
    }
    if record.name.partition(".")[0] == OURS:
        for key, value in vars(record).items():
            if key not in _OWN_ATTRIBUTES:
                fields.setdefault(key, _plain(value))
    if record.exc_info and record.exc_info[1]:
        fields["error"] = describe(record.exc_info[1])
    return fields


def _workflow(record: logging.LogRecord) -> dict[str, Any]:
    """The workflow that a line is about: that of the pass, or the one kopf names."""
    current = CURRENT_PASS.get()
    if current is not None:
        return {
            "namespace": current.namespace,
            "name": current.name,
            "uid": current.uid,
            "generation": current.generation,
            "reconcileID": current.reconcile_id,
        }
    named = getattr(record, "k8s_ref", None)
    if not isinstance(named, dict):
        return {}
    return {key: str(named[key]) for key in ("namespace", "name", "uid") if named.get(key)}


def _plain(value: object) -> object:
    """A scalar as it is; of anything else the type alone, for it may be a body."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return f"<{type(value).__name__}>"


def describe(error: BaseException) -> list[dict[str, Any]]:
    """An exception and those behind it: type, places, and the text if it is ours.

    Those in a group stand under `inner`, each with those behind it.
    """
    chain: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < _DEEPEST:
        kind = type(current)
        found: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
        if kind.__module__.partition(".")[0] == OURS:
            found["text"] = str(current)
        elif isinstance(current, OSError) and current.strerror:
            found["text"] = current.strerror
        found["at"] = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(current.__traceback__)[-_DEEPEST:]
        ]
        if isinstance(current, BaseExceptionGroup):
            found["inner"] = [describe(one) for one in current.exceptions[:_DEEPEST]]
        chain.append(found)
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
    return chain


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    logging.getLogger(OURS).critical("the process ends", exc_info=(kind, error, trace))
