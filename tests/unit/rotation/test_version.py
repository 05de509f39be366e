# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A version as Vault keeps it: the values, and the marks that make it ours."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING

import pytest

from wardkeeper.rotation.version import Version, read_version, write_version

if TYPE_CHECKING:
    from collections.abc import Callable

AT = datetime(2026, 1, 1, tzinfo=UTC)
DATA = {"user": "canary-user", "password": "canary-password"}


def stored(
    before: Version | None = None, *, rotation_id: str = "r1", seed: int = 1, pending: bool = False
) -> dict[str, str]:
    return write_version(
        DATA,
        rotation_id=rotation_id,
        uid="uid-1",
        before=before,
        random=Random(seed),
        beside={"lease": "database/creds/x/1", "expires": AT, "serial": "", "ends": None},
        pending=pending,
    )


def version(raw: dict[str, str], number: int = 1) -> Version:
    read = read_version(raw, number=number, created=AT, uid="uid-1")
    assert read is not None
    return read


def test_only_the_values_are_delivered() -> None:
    assert version(stored()).data == DATA


def test_what_lies_beside_comes_back_and_what_is_empty_was_left_out() -> None:
    read = version(stored())
    assert read.beside == {"lease": "database/creds/x/1", "expires": "2026-01-01T00:00:00Z"}
    assert read.time("expires") == AT
    assert read.time("ends") is None


def test_a_half_made_version_says_so() -> None:
    assert version(stored(pending=True)).pending
    assert not version(stored()).pending


def test_the_mac_key_is_carried_on_so_that_equal_content_has_an_equal_mac() -> None:
    first = version(stored())
    second = version(stored(first, rotation_id="r2", seed=2), 2)
    assert first.mac_key == second.mac_key
    assert first.content_mac == second.content_mac
    assert version(stored(seed=3)).content_mac != first.content_mac


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: {"password": "by hand"},
        lambda raw: {**raw, "_uid": "uid-of-a-workflow-that-is-gone"},
        lambda raw: {key: value for key, value in raw.items() if key != "_mac_key"},
    ],
    ids=["by hand", "of a namesake", "without its key"],
)
def test_a_version_that_is_not_ours_is_none(
    spoil: Callable[[dict[str, str]], dict[str, str]],
) -> None:
    assert read_version(spoil(stored()), number=1, created=AT, uid="uid-1") is None


def test_a_version_shows_no_value() -> None:
    raw = stored()
    shown = repr(version(raw))
    assert "canary" not in shown
    assert raw["_mac_key"] not in shown
