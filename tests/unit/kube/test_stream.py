# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Watch lines are found however the network cuts them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardkeeper.kube.errors import Gone, Unreachable
from wardkeeper.kube.stream import Lines, read_event

LINES = [b'{"a":1}', b"x" * 5000, b"y"]


@given(st.lists(st.integers(0, 5100), max_size=6))
def test_any_cut_gives_the_same_lines(cuts: list[int]) -> None:
    whole = b"".join(line + b"\n" for line in LINES)
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    lines = Lines()
    found = [
        line for start, end in itertools.pairwise(edges) for line in lines.feed(whole[start:end])
    ]
    assert found == LINES


def test_an_unfinished_line_is_not_given_out() -> None:
    lines = Lines()
    assert lines.feed(b"abc") == []
    assert lines.feed(b"def\nghi") == [b"abcdef"]


def test_blank_lines_are_left_out() -> None:
    assert Lines().feed(b"\n\na\n\n") == [b"a"]


def test_an_event_is_type_and_object() -> None:
    line = b'{"type":"ADDED","object":{"x":1}}'
    assert read_event(line, what="watch", secret=False) == ("ADDED", {"x": 1})


def test_an_error_event_raises_what_it_says() -> None:
    line = b'{"type":"ERROR","object":{"code":410,"reason":"Expired","message":"too old"}}'
    with pytest.raises(Gone, match="too old"):
        read_event(line, what="watch", secret=False)
    with pytest.raises(Gone) as caught:
        read_event(line, what="watch", secret=True)
    assert "too old" not in str(caught.value)


@pytest.mark.parametrize("line", [b"{", b"[]", b'"x"', b'{"type":"ADDED"}'])
def test_a_line_that_is_no_event_breaks_the_stream_without_being_quoted(line: bytes) -> None:
    with pytest.raises(Unreachable) as caught:
        read_event(line, what="watch Pod a", secret=False)
    assert str(caught.value) == "watch Pod a: a line is no event"
