# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What only the start needed is given back once, when it has been calm for a while."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import TYPE_CHECKING

from wardkeeper.shell import memory

if TYPE_CHECKING:
    import pytest


async def test_memory_is_given_back_when_it_has_been_calm_for_some_looks_in_a_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trims: list[int] = []
    monkeypatch.setattr(memory, "LOOK", 0.0)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(malloc_trim=trims.append))
    looks = iter([True, True, False, True, True, True])
    await memory.give_back(lambda: next(looks))
    assert trims == [0]
    assert next(looks, None) is None


async def test_a_c_library_that_cannot_give_back_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "LOOK", 0.0)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    await memory.give_back(lambda: True)
