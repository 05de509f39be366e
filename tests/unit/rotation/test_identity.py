# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from wardkeeper.rotation import identity


def test_a_rotation_id_is_the_same_whoever_computes_it() -> None:
    text = "\0".join(("wardkeeper/rotation/1", "uid-1", "db", ""))
    assert identity.rotation_id("uid-1", "db") == hashlib.sha256(text.encode()).hexdigest()


def test_each_rotation_of_each_secret_of_each_workflow_has_its_own_id() -> None:
    first = identity.rotation_id("uid-1", "db")
    others = {
        identity.rotation_id("uid-1", "db", first),
        identity.rotation_id("uid-1", "api"),
        identity.rotation_id("uid-2", "db"),
        identity.rotation_id("uid-1d", "b"),
    }
    assert len({first} | others) == 5


def test_a_content_mac_needs_the_key() -> None:
    wanted = hmac.new(b"key", b'{"a":"1","b":"2"}', hashlib.sha256).hexdigest()
    assert identity.content_mac("key", {"b": "2", "a": "1"}) == wanted
    assert identity.content_mac("other", {"b": "2", "a": "1"}) != wanted


def test_the_mac_of_all_secrets_does_not_depend_on_their_order() -> None:
    pairs = [("db", "1"), ("api", "2")]
    assert identity.secrets_mac(pairs) == identity.secrets_mac(reversed(pairs))
    assert identity.secrets_mac(pairs) != identity.secrets_mac([("db", "2"), ("api", "1")])


def test_the_fingerprint_of_a_source_tells_every_property_apart() -> None:
    fields = [("a", 32, "Hex"), ("b", 32, "Hex")]
    assert identity.source_fingerprint(fields) == identity.source_fingerprint(reversed(fields))
    changed = [
        [("a", 33, "Hex"), ("b", 32, "Hex")],
        [("a", 32, "Alphanumeric"), ("b", 32, "Hex")],
        [("c", 32, "Hex"), ("b", 32, "Hex")],
        [("a", 32, "Hex")],
    ]
    assert identity.source_fingerprint(fields) not in map(identity.source_fingerprint, changed)


@given(st.text(), st.text(), st.text())
def test_spreading_is_stable_and_stays_below_one(uid: str, name: str, rotation: str) -> None:
    share = identity.spread(uid, name, rotation)
    assert 0 <= share < 1
    assert share == identity.spread(uid, name, rotation)


def test_spreading_is_even() -> None:
    shares = sorted(identity.spread(f"uid-{n}", "db", "id") for n in range(2000))
    assert all(abs(share - n / 2000) < 0.05 for n, share in enumerate(shares))
