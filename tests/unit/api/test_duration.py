# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from wardkeeper.api.duration import seconds, text_of


@pytest.mark.parametrize(
    ("total", "text"),
    [
        (59.4, "59s"),
        (119, "119s"),
        (120, "2m"),
        (3599, "1h"),
        (5400, "1h30m"),
        (138240, "38h24m"),
    ],
)
def test_a_duration_is_told_as_people_write_it(total: float, text: str) -> None:
    assert text_of(total) == text
    assert abs(seconds(text) - total) <= 30
