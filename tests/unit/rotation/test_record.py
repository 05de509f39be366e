# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardkeeper.rotation import record as stored
from wardkeeper.rotation.record import Record, annotations_of, read_time, record_of, write_time

RECORD = Record("id-1", 3, "mac", datetime(2026, 1, 1, tzinfo=UTC), "source", "db@1")
END = datetime(2026, 2, 1, tzinfo=UTC)


def test_what_is_recorded_is_read_back() -> None:
    assert record_of(annotations_of(RECORD, END)) == replace(RECORD, not_after=END)


@pytest.mark.parametrize(
    "name",
    [
        stored.ROTATION_ID,
        stored.VERSION,
        stored.CONTENT_MAC,
        stored.ROTATED_AT,
        stored.NOT_AFTER,
        stored.SOURCE_FINGERPRINT,
    ],
)
def test_a_missing_annotation_is_no_record(name: str) -> None:
    annotations = annotations_of(RECORD, END)
    del annotations[name]
    assert record_of(annotations) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (stored.VERSION, "three"),
        (stored.ROTATED_AT, "yesterday"),
        (stored.ROTATED_AT, "2026-01-01T00:00:00"),
        (stored.NOT_AFTER, ""),
    ],
)
def test_an_unreadable_annotation_is_no_record(name: str, text: str) -> None:
    assert record_of(annotations_of(RECORD, END) | {name: text}) is None


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1)))
def test_a_time_that_is_written_and_read_again_stays_the_same(time: datetime) -> None:
    once = read_time(write_time(time))
    assert read_time(write_time(once)) == once
    assert timedelta() <= time - once < timedelta(seconds=1)


def test_vaults_nanoseconds_are_cut_to_whole_seconds() -> None:
    assert read_time("2026-01-01T00:00:01.987654321Z") == datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
