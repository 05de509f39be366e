# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A Vault that somebody gives to the tests, HashiCorp's above all, which cannot be had otherwise.

With WARDKEEPER_SCRATCH_VAULT set, every suite that is run on the versions of OpenBao is run on it
too: rights, escalation, engines, lost answers, rotation, identity.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.cluster.vault_server import ADDRESS, TOKEN, ScratchVault
from tests.e2e.vault_world import SCRATCH, SERVERS


@pytest.fixture
def given() -> ScratchVault:
    found = ScratchVault.given(os.environ)
    if found is None:
        pytest.skip(
            f"set {ADDRESS} and {TOKEN} to an empty Vault (`vault server -dev`) to run the suites "
            "about Vault on it as well; everything in it is removed"
        )
    return found


def test_a_vault_that_is_given_is_one_that_the_suites_are_run_on(given: ScratchVault) -> None:
    assert SCRATCH in SERVERS
    assert given.version
    told = requests.get(f"{given.address}/v1/sys/health", timeout=5).json()["server_time_utc"]
    assert abs(datetime.fromtimestamp(told, UTC) - datetime.now(UTC)) < timedelta(minutes=1)
    given.close()
