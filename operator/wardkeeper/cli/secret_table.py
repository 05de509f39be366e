# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What `wardkeeper secrets` shows: where each secret stands, for people and for programs. Pure.

It is made of a workflow's status and of the ledger alone, neither of which holds a value; handles,
which could find a credential, are left out all the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from wardkeeper.api.credential import CredentialPhase
from wardkeeper.rotation.facts import Phase
from wardkeeper.rotation.record import read_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta

    from wardkeeper.api.credential import IssuedCredential
    from wardkeeper.api.status import Condition, SecretStatus

NOTHING = "-"
TOKEN = "(its own token)"  # noqa: S105 - a word for people
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


class Fault(StrEnum):
    """Why a secret is not current."""

    FAILED = "Failed"
    OVERDUE = "Overdue"
    EXPIRED = "Expired"
    MISSING = "Missing"


@dataclass(frozen=True, slots=True)
class Standing:
    """The secrets of one workflow.

    Attributes:
        namespace: of the workflow.
        name: of the workflow.
        secrets: those that status knows.
        unknown: those that are declared, and that status says nothing about yet.
        condition: SecretsCurrent; None before the first pass.
        ledger: live credentials; None when they could not be read.
    """

    namespace: str
    name: str
    secrets: tuple[SecretStatus, ...]
    unknown: tuple[str, ...] = ()
    condition: Condition | None = None
    ledger: tuple[IssuedCredential, ...] | None = None

    def current(self, now: datetime) -> bool:
        """Whether every secret is delivered, young enough and without a failure."""
        return not self.unknown and not any(faults_of(one, now) for one in self.secrets)


def faults_of(secret: SecretStatus, now: datetime) -> tuple[Fault, ...]:
    """Everything that is wrong with it; being replaced, or waiting for Vault, is not."""
    found = {
        Fault.FAILED: secret.phase == Phase.FAILED,
        Fault.OVERDUE: _past(secret.deadline, now),
        Fault.EXPIRED: _past(secret.expires_at, now),
        Fault.MISSING: secret.version is None,
    }
    return tuple(fault for fault, there in found.items() if there)


def table_of(standing: Standing, now: datetime, *, fold: bool) -> Table:
    """The table of one workflow; `fold` lets it be as narrow as a terminal."""
    headings = (
        *("SECRET", "ENGINE", "PHASE", "VERSION", "AGE"),
        *("NEXT ROTATION", "DEADLINE", "EXPIRES", "WAITS FOR"),
    )
    table = _table(headings, fold=fold)
    for one in standing.secrets:
        faults = faults_of(one, now)
        bad = "red" if faults else ""
        words = ", ".join((one.phase, *(each for each in faults if each != one.phase)))
        table.add_row(
            _text(one.name),
            _text(one.engine),
            _text(words, bad or ("" if one.phase == Phase.IDLE else "yellow")),
            _text(one.version),
            _text(_age(one.rotated_at, now)),
            _text(_moment(one.due_at, now)),
            _text(_moment(one.deadline, now), "red" if Fault.OVERDUE in faults else ""),
            _text(_moment(one.expires_at, now), "red" if Fault.EXPIRED in faults else ""),
            _text(one.waits_for),
        )
    for name in standing.unknown:
        table.add_row(_text(name), *(NOTHING for _ in headings[2:]), _text("its first pass"))
    return table


def ledger_of(entries: Iterable[IssuedCredential], now: datetime, *, fold: bool) -> Table:
    """The table of live credentials."""
    headings = ("CREDENTIAL OF", "ENGINE", "PHASE", "ISSUED", "EXPIRES", "REVOKED", "TROUBLE")
    table = _table((*headings, "LEDGER ENTRY"), fold=fold)
    for one in entries:
        spec, status = one.spec, one.status
        trouble = f"{status.last_error or 'failed'}, {status.failures} times"
        table.add_row(
            _text(spec.secret or TOKEN),
            _text(spec.engine),
            _text(status.phase, "" if status.phase is CredentialPhase.CURRENT else "yellow"),
            _text(_age(status.issued_at, now, after=" ago")),
            _text(_moment(status.expires_at, now)),
            _text(_moment(status.revoke_after, now)),
            _text(trouble, "red") if status.failures else NOTHING,
            _text(one.metadata.name),
        )
    return table


def document(standings: Iterable[Standing], now: datetime) -> dict[str, Any]:
    """The same for programs; a stable form, in which what is not known is null."""
    return {"workflows": [_workflow(one, now) for one in standings]}


def _workflow(one: Standing, now: datetime) -> dict[str, Any]:
    condition = one.condition
    return {
        "namespace": one.namespace,
        "name": one.name,
        "current": one.current(now),
        "condition": condition
        and {
            "status": condition.status.value,
            "reason": condition.reason,
            "message": condition.message,
        },
        "secrets": [_secret(each, now) for each in one.secrets],
        "unknown": list(one.unknown),
        "ledger": None if one.ledger is None else [_credential(each) for each in one.ledger],
    }


def _secret(one: SecretStatus, now: datetime) -> dict[str, Any]:
    rotated = _time(one.rotated_at)
    return {
        **one.model_dump(mode="json", by_alias=True),
        "ageSeconds": max(0, int((now - rotated).total_seconds())) if rotated else None,
        "faults": [each.value for each in faults_of(one, now)],
    }


def _credential(one: IssuedCredential) -> dict[str, Any]:
    status = one.status.model_dump(mode="json", by_alias=True, exclude={"handle"})
    return {
        "name": one.metadata.name,
        "secret": one.spec.secret or None,
        "engine": one.spec.engine.value,
        "rotationId": one.spec.rotation_id,
        **status,
    }


def in_short(span: timedelta) -> str:
    """A length of time in its two largest units: `3d4h`, `12m`, `0s`."""
    left, parts = max(0, int(span.total_seconds())), []
    for unit, seconds in _UNITS:
        if left >= seconds:
            parts.append(f"{left // seconds}{unit}")
            left %= seconds
        elif parts:
            break
    return "".join(parts[:2]) or "0s"


def _age(text: str | None, now: datetime, *, after: str = "") -> str | None:
    time = _time(text)
    return f"{in_short(now - time)}{after}" if time else None


def _moment(text: str | None, now: datetime) -> str | None:
    """A time, first as seen from now."""
    time = _time(text)
    if time is None:
        return None
    seen = f"in {in_short(time - now)}" if time > now else f"{in_short(now - time)} ago"
    return f"{seen} ({time:%Y-%m-%d %H:%M}Z)"


def _past(text: str | None, now: datetime) -> bool:
    time = _time(text)
    return time is not None and time <= now


def _time(text: str | None) -> datetime | None:
    """A time of the API; None when there is none, or it is illegible."""
    try:
        return read_time(text) if text else None
    except ValueError:
        return None


def _table(headings: Iterable[str], *, fold: bool) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for heading in headings:
        table.add_column(heading, no_wrap=not fold, overflow="fold")
    return table


def plain(words: str, style: str = "") -> Text:
    """Words of the API as they are, but nothing that a terminal would obey."""
    return Text("".join(each if each.isprintable() else "?" for each in words), style=style)


def _text(words: str | None, style: str = "") -> Text:
    return plain(words or NOTHING, style)
