# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Reasons are API: well formed, each told apart, each with a way out."""

from __future__ import annotations

import re

import pytest

from wardkeeper.api.page import reasons_page
from wardkeeper.api.reasons import ConditionType, Reason


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_is_one_word_that_says_what_it_means_and_what_to_do(reason: Reason) -> None:
    assert re.fullmatch(r"[A-Z][A-Za-z]*", reason)
    for text in (reason.meaning, reason.remedy):
        assert re.fullmatch(r"[A-Z`].*[.]", text)
        assert "|" not in text, "it stands in a table"


def test_a_word_from_the_api_server_finds_its_reason() -> None:
    assert Reason("VaultUnavailable") is Reason.VAULT_UNAVAILABLE
    assert ConditionType("Ready") is ConditionType.READY


def test_no_two_reasons_mean_the_same() -> None:
    assert len({reason.meaning for reason in Reason}) == len(Reason)


def test_the_page_lists_every_reason_and_every_condition() -> None:
    page = reasons_page()
    for word in (*Reason, *ConditionType):
        assert f"\n| `{word}` |" in page
