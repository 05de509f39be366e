# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from wardkeeper.api.secrets import GeneratedField
from wardkeeper.rotation.decide import Wish
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.rotation.version import Version, draw_version, fingerprint_of, read_version

AT = datetime(2026, 1, 1, tzinfo=UTC)
FIELDS = (GeneratedField(name="user"), GeneratedField(name="password"))
WISH = Wish("uid-1", "db", fingerprint_of(FIELDS), timedelta(days=30), timedelta(days=45))


def drawn(before: Version | None = None, wish: Wish = WISH, seed: int = 1) -> dict[str, str]:
    return draw_version(wish, FIELDS, before=before, last_known=None, random=Random(seed))


def version(stored: dict[str, str], number: int = 1) -> Version:
    read = read_version(stored, number=number, created=AT, uid="uid-1")
    assert read is not None
    return read


def test_only_the_declared_fields_are_delivered() -> None:
    assert set(version(drawn()).data) == {"user", "password"}


def test_versions_form_a_chain_that_anybody_can_compute_again() -> None:
    first = version(drawn())
    second = version(drawn(first, seed=2), 2)
    assert first.record.rotation_id == rotation_id("uid-1", "db")
    assert second.record.rotation_id == rotation_id("uid-1", "db", first.record.rotation_id)


def test_the_chain_goes_on_from_the_delivered_secret_when_vault_lost_its_entry() -> None:
    first = version(drawn())
    again = draw_version(WISH, FIELDS, before=None, last_known=first.record, random=Random(3))
    assert version(again).record.rotation_id == version(drawn(first)).record.rotation_id


def test_the_mac_key_is_carried_on_so_that_equal_content_has_an_equal_mac() -> None:
    first = version(drawn())
    second = version(drawn(first, seed=2))
    assert first.mac_key == second.mac_key
    assert first.record.content_mac != second.record.content_mac
    assert version(drawn()).record.content_mac == first.record.content_mac


def test_a_request_is_carried_on_from_version_to_version() -> None:
    asked = version(drawn(wish=replace(WISH, request="db@1")))
    assert asked.record.request == "db@1"
    assert version(drawn(asked)).record.request == "db@1"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stored: {"password": "by hand"},
        lambda stored: {**stored, "_uid": "uid-of-a-workflow-that-is-gone"},
        lambda stored: {key: value for key, value in stored.items() if key != "_mac_key"},
    ],
    ids=["by hand", "of a namesake", "without its key"],
)
def test_a_version_that_is_not_ours_is_none(spoil: object) -> None:
    assert callable(spoil)
    assert read_version(spoil(drawn()), number=1, created=AT, uid="uid-1") is None


def test_a_version_shows_no_value() -> None:
    stored = drawn()
    shown = repr(version(stored))
    assert not [name for name in ("user", "password", "_mac_key") if stored[name] in shown]
