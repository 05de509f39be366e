# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The page of settings says what the models say."""

from __future__ import annotations

from pathlib import Path

import pytest

from wardkeeper.settings.page import page

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run python -m wardkeeper.settings.page > docs/settings.md"


@pytest.mark.parametrize("key", ["namespaces", "vault.address", "network.dns.matchLabels"])
def test_nested_keys_are_on_it(key: str) -> None:
    assert f"| `{key}` |" in page()
