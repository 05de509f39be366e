# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from wardkeeper.cli.talk import EXIT_INVALID
from wardkeeper.cli.vault import app
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.check import _drift, _forbidden
from wardkeeper.vault.policies import policies

if TYPE_CHECKING:
    from pathlib import Path

ACCESS = VaultAccess("https://vault.test:8200")
WANTED = policies(ACCESS, "live")["hw-workflow-writer"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (WANTED, ""),
        (f"\n{WANTED}\n", ""),
        (None, "it is not there"),
        (policies(ACCESS, "old")["hw-workflow-writer"], "the auth mount was recreated"),
        (WANTED + 'path "*" { capabilities = ["sudo"] }', "not the one that this version ships"),
    ],
)
def test_a_drift_is_told_in_words(text: str | None, words: str) -> None:
    found = _drift(text, WANTED, "live")
    assert words in found
    assert bool(found) == bool(words)


def test_no_path_that_is_asked_about_is_asked_about_twice() -> None:
    paths = list(_forbidden(ACCESS))
    assert len(paths) == len(set(paths))


@pytest.mark.parametrize(
    ("options", "token", "words"),
    [
        ([], "", "set VAULT_TOKEN"),
        (["--jwt-file", "{gone}"], "x", "cannot read"),
        ([], "canary", "Vault cannot be reached"),
    ],
)
def test_wrong_input_and_a_vault_that_is_away_are_told_from_findings(
    tmp_path: Path, options: list[str], token: str, words: str
) -> None:
    given = [each.format(gone=tmp_path / "gone") for each in options]
    arguments = ["check", "--address", "http://127.0.0.1:1", *given]
    result = CliRunner().invoke(app, arguments, env={"VAULT_TOKEN": token, "BAO_TOKEN": ""})
    assert result.exit_code == EXIT_INVALID
    assert words in result.output
    assert "canary" not in result.output
