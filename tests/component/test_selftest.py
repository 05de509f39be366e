# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What `wardkeeper selftest` waits for at its end: that nothing of its workflow is left."""

from __future__ import annotations

import pytest

from tests.component.apiserver.server import ApiServer
from tests.component.operator_fixture import SPACE
from wardkeeper.cli.selftest_steps import FailedError, Trial, go
from wardkeeper.kube.client import Client

NAME = "selftest-1"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("CronJob", NAME),
        ("NetworkPolicy", f"{NAME}-deny"),
        ("NetworkPolicy", f"{NAME}-allow"),
        ("ServiceAccount", NAME),
    ],
)
async def test_a_child_that_stays_is_named(kind: str, name: str) -> None:
    async with (
        ApiServer(namespaces=(SPACE,)) as server,
        Client(server.access(), user_agent="test") as client,
    ):
        trial = Trial(client, SPACE, NAME, seconds=0)
        server.put({"kind": kind, "metadata": {"namespace": SPACE, "name": name}})
        with pytest.raises(FailedError, match=f"{kind} {name} is still there"):
            await go(trial)
        server.delete(kind, SPACE, name)
        await go(trial)
