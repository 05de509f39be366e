# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Verifies that the network plug-in enforces policies, if the settings want that."""

from __future__ import annotations

import logging
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wardkeeper.engine.canary import CanaryKeeper
from wardkeeper.engine.enforcement import Enforcement
from wardkeeper.engine.seen import Key
from wardkeeper.kube.errors import ApiError
from wardkeeper.proof.reach import listen
from wardkeeper.render.canary import CANARY, CANARY_PORT, canary_workflow
from wardkeeper.settings import Switch
from wardkeeper.shell.canary import Canary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from typing import Any

    from wardkeeper.engine.world import World
    from wardkeeper.kube.client import Client
    from wardkeeper.settings import Settings

_log = logging.getLogger(__name__)


class Verification:
    """The canary, its workflow, and the port of the operator that it must not reach.

    Args:
        settings: what the installation decides.
        client: the API server.
        world: what has been observed of it.
        observed: told what the server says of the canary's workflow.
        changed: called when the canary's answer is another one than before.
    """

    def __init__(
        self,
        settings: Settings,
        client: Client,
        world: World,
        observed: Callable[[str, Mapping[str, Any]], None],
        changed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._wanted = settings.verification
        home = settings.operator.namespace
        self._keeper = CanaryKeeper(client, world, Key(home, CANARY), observed)
        self._canary: Canary | None = None
        if self._wanted.canary is Switch.ENABLED:
            self._canary = Canary(
                self._wanted.address or f"http://{CANARY}.{home}.svc:{CANARY_PORT}",
                os.environ.get("POD_IP", ""),
                make=self._make,
                changed=changed,
                every=self._wanted.every,
            )

    @property
    def wanted(self) -> bool:
        """Whether there is a canary."""
        return self._canary is not None

    def answer(self) -> Enforcement:
        """Whether policies are enforced."""
        return self._canary.answer() if self._canary else Enforcement()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Hold the port open that must not be reached: a refusal is then the network's.

        Raises:
            OSError: it is taken.
        """
        if not self.wanted:
            yield
            return
        async with await listen(self._settings.http.host, self._wanted.port):
            yield

    async def run(self) -> None:
        """Look again and again, until cancelled; where no canary is wanted, let none be."""
        if self._canary:
            await self._canary.run()
            return
        try:
            await self._keeper.remove()
        except ApiError as error:
            _log.warning("a canary that nobody wants stays", extra={"failure": str(error)})

    async def _make(self) -> str:
        return await self._keeper.keep(
            canary_workflow(
                namespace=self._settings.operator.namespace,
                image=self._wanted.image or "",
                operator_port=self._settings.http.port,
                operator_undeclared=self._wanted.port,
            )
        )
