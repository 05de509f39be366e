# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The fake API server keeps what the operator relies on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.component.apiserver import contract
from tests.component.apiserver.server import ApiServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class TestTheFakeApiServer(contract.Contract):
    @pytest.fixture
    async def api(self) -> AsyncIterator[contract.Api]:
        async with (
            ApiServer(namespaces=("radiology",)) as server,
            contract.opened(server.access(), "radiology") as api,
        ):
            yield api
