# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Fixtures: a Vault in memory and what talks to it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.unit.vault.fake_vault import OPERATOR_JWT, FakeVault
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.client import VaultClient
from wardkeeper.vault.workflows import WorkflowVault

if TYPE_CHECKING:
    from collections.abc import Iterator


class Ticks:
    """A monotonic clock that only tests move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def access() -> VaultAccess:
    return VaultAccess("https://vault.test:8200", connections=4)


@pytest.fixture
def fake() -> FakeVault:
    return FakeVault()


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def client(access: VaultAccess, fake: FakeVault) -> Iterator[VaultClient]:
    client = VaultClient(access, transport=fake)
    yield client
    client.close()


async def operator_jwt() -> str:
    return OPERATOR_JWT


@pytest.fixture
def vault(access: VaultAccess, fake: FakeVault, ticks: Ticks) -> Iterator[WorkflowVault]:
    vault = WorkflowVault(
        access,
        operator_jwt,
        clock=lambda: fake.now,
        random=Random(1),
        monotonic=ticks,
        transport=fake,
    )
    yield vault
    vault._client.close()
