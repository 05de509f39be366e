# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A file means the same here as in a cluster, or is refused."""

from __future__ import annotations

from typing import Any

import pytest

from wardkeeper.api.document import DocumentError, documents


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-12-31", "2026-12-31"),
        ("2026-12-31T10:00:00Z", "2026-12-31T10:00:00Z"),
        ("20:00", "20:00"),
        ("1_000", "1_000"),
        ("0", 0),
        ("-17", -17),
        ("0x1f", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1.36.3", "1.36.3"),
        ("'8080'", "8080"),
        ("true", True),
        ("~", None),
    ],
)
def test_plain_values_are_read_as_kubernetes_reads_them(text: str, value: Any) -> None:
    (read,) = documents(f"a: {text}")
    assert read == {"a": value}
    assert type(read["a"]) is type(value)


def test_every_document_is_read_and_empty_ones_are_left_out() -> None:
    assert documents("a: 1\n---\n---\n# nothing\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def test_anchors_and_merges_are_understood() -> None:
    (read,) = documents("x: &x {a: 1, b: 2}\ny:\n  <<: *x\n  b: 3\n")
    assert read["y"] == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a: 1\na: 2", "line 2, column 1: key 'a' stands here twice"),
        ("a:\n  b: 1\n  b: 1", "line 3, column 3: key 'b' stands here twice"),
        ("a: [1", "line 1, column 6: "),
        ("? [a]\n: 1", "line 1, column 3: a key must be a plain text"),
        ("a: !!python/object/apply:os.system [id]", "line 1, column 4: could not determine a con"),
        ("a: \x00", "not YAML: ReaderError"),
    ],
)
def test_what_is_ambiguous_or_no_yaml_is_refused_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(DocumentError) as refused:
        documents(text)
    assert str(refused.value).startswith(sentence)
