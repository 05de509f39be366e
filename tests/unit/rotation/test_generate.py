# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import secrets
import string
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardkeeper.api.secret_sources import CharacterSet, GeneratedField
from wardkeeper.rotation.generate import generate, mac_key

randoms = st.integers(min_value=0, max_value=2**32).map(Random)

ALPHABETS = {
    CharacterSet.ALPHANUMERIC: string.ascii_letters + string.digits,
    CharacterSet.HEX: "0123456789abcdef",
    CharacterSet.ALPHANUMERIC_SYMBOLS: string.ascii_letters + string.digits + "!#%*+,-.:=?@^_~",
}


@given(st.sampled_from(CharacterSet), st.integers(min_value=16, max_value=128), randoms)
def test_a_value_has_the_length_and_the_characters_that_were_asked_for(
    characters: CharacterSet, length: int, random: Random
) -> None:
    field = GeneratedField(name="password", length=length, characters=characters)
    value = generate([field], random)["password"]
    assert len(value) == length
    assert set(value) <= set(ALPHABETS[characters])


@given(randoms)
def test_a_value_has_a_character_of_each_class_so_that_password_rules_accept_it(
    random: Random,
) -> None:
    field = GeneratedField(name="password", length=16, characters=CharacterSet.ALPHANUMERIC_SYMBOLS)
    value = generate([field], random)["password"]
    for characters in (string.ascii_lowercase, string.ascii_uppercase, string.digits):
        assert set(value) & set(characters)
    assert set(value) - set(string.ascii_letters + string.digits)


def test_values_are_drawn_anew_for_each_field_and_each_time() -> None:
    fields = [GeneratedField(name="a"), GeneratedField(name="b")]
    drawn = [generate(fields, secrets.SystemRandom()) for _ in range(2)]
    assert len({value for each in drawn for value in each.values()}) == 4


@pytest.mark.parametrize("characters", CharacterSet)
def test_every_character_of_a_set_is_drawn(characters: CharacterSet) -> None:
    random = Random(1)
    field = GeneratedField(name="a", length=128, characters=characters)
    seen = {each for _ in range(40) for each in generate([field], random)["a"]}
    assert seen == set(ALPHABETS[characters])


def test_a_mac_key_has_256_bits() -> None:
    key = mac_key(secrets.SystemRandom())
    assert len(bytes.fromhex(key)) == 32
    assert key != mac_key(secrets.SystemRandom())
