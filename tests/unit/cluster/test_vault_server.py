# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from tests.cluster.vault_server import ADDRESS, KEY, TOKEN, ScratchVault


def test_no_vault_is_given_where_nobody_names_one() -> None:
    assert ScratchVault.given({}) is None


def test_a_vault_without_its_token_is_refused() -> None:
    with pytest.raises(ValueError, match=f"{TOKEN} is not: wanted the root token"):
        ScratchVault.given({ADDRESS: "http://127.0.0.1:8200"})


def test_a_vault_is_given_with_its_key_or_without() -> None:
    told = {ADDRESS: "http://127.0.0.1:8200/", TOKEN: "root"}
    found = ScratchVault.given(told)
    assert found is not None
    assert (found.address, found.root_token) == ("http://127.0.0.1:8200", "root")
    assert found.unseal_key == ""
    known = ScratchVault.given({**told, KEY: "key"})
    assert known is not None
    assert known.unseal_key == "key"
    for one in (found, known):
        one.close()
