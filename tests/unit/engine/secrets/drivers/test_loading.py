# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an operator loads before a secret asks for an engine, and afterwards."""

from __future__ import annotations

import subprocess
import sys

import pytest

from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.drivers import drivers

LARGE = ("asyncpg", "cryptography")
_TELL = """
import sys
import wardkeeper.shell.main
print(*[name for name in {large} if name in sys.modules])
"""


def test_an_operator_does_not_load_what_only_some_engines_need() -> None:
    program = _TELL.format(large=LARGE)
    command = [sys.executable, "-c", program]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.split() == []


@pytest.mark.parametrize("engine", sorted(set(Engine) - {Engine.TOKEN}))
def test_every_engine_is_there_and_made_once(engine: Engine) -> None:
    found = drivers(trust_domain="cluster.local", database_ca_file=None)
    assert found[engine].engine is engine
    assert found[engine] is found[engine]


def test_what_is_no_engine_of_secrets_is_not_there() -> None:
    with pytest.raises(KeyError):
        drivers(trust_domain="cluster.local", database_ca_file=None)[Engine.TOKEN]
