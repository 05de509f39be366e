# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What becomes of the process when kopf's watch ends."""

from __future__ import annotations

import threading

import kopf
import pytest

from wardkeeper.kube.access import Access
from wardkeeper.shell.handlers import WatchEnded, watch_workflows
from wardkeeper.shell.logs import describe


async def test_a_watch_that_ends_by_itself_is_a_failure_that_the_log_explains(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def ends(**_: object) -> None:
        """Nobody stopped it."""

    monkeypatch.setattr(kopf, "operator", ends)
    with pytest.raises(WatchEnded) as caught:
        await watch_workflows(
            Access("http://127.0.0.1:1", ssl=None, token=lambda: None),
            (),
            observe=lambda *_: None,
            stop=threading.Event(),
            user_agent="test",
        )
    assert "the watch on workflows ended" in describe(caught.value)[0]["text"]
