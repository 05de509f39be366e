# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is remembered of objects that are gone."""

from __future__ import annotations

from wardkeeper.engine.gone import Gone


def test_news_older_than_the_deletion_are_overtaken_by_it() -> None:
    gone = Gone()
    gone.add("a", 7)
    assert gone.holds("a", 6)
    assert gone.holds("a", 7)
    assert not gone.holds("b", 6)


def test_what_only_left_a_selection_is_believed_again_when_it_changes() -> None:
    gone = Gone()
    gone.add("a", 7)
    assert not gone.holds("a", 8)


def test_a_deletion_without_a_version_is_final() -> None:
    gone = Gone()
    gone.add("a")
    assert gone.holds("a", 10**12)


def test_the_oldest_are_forgotten() -> None:
    gone = Gone(most=2)
    for uid in "abc":
        gone.add(uid, 7)
    assert [gone.holds(uid, 7) for uid in "abc"] == [False, True, True]
