# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Puts together what supplies workflows with secrets, as the settings say."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.engine.drivers import drivers
from wardkeeper.engine.restarts import Restarts
from wardkeeper.engine.secret_job import SecretServices
from wardkeeper.engine.sources import Sources
from wardkeeper.engine.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from typing import Any

    from wardkeeper.engine.ledger import Ledger
    from wardkeeper.settings import Settings
    from wardkeeper.shell.metrics import Metrics
    from wardkeeper.vault.workflows import WorkflowVault


def secret_services(
    settings: Settings,
    *,
    vault: WorkflowVault | None,
    ledger: Ledger,
    workflow_jwt: Callable[[str, str], Awaitable[str]],
    publish: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]],
    clock: Callable[[], datetime],
    metrics: Metrics,
) -> SecretServices:
    """What passes use to supply secrets; nothing is asked yet."""
    draw = random.SystemRandom()
    return SecretServices(
        vault=vault,
        ledger=ledger,
        tokens=Tokens(ledger, vault, workflow_jwt, clock) if vault else None,
        drivers=drivers(
            trust_domain=settings.vault.trust_domain if settings.vault else "cluster.local",
            database_ca_file=settings.vault.database_ca_file if settings.vault else None,
        ),
        sources=Sources(time.monotonic),
        publish=publish,
        clock=clock,
        random=draw,
        verify=timedelta(seconds=settings.rotation.verify_window),
        count=metrics.secrets.rotated,
    )


def restarts_of(settings: Settings, metrics: Metrics) -> Restarts:
    """When workloads may be restarted for their secrets."""
    times = settings.rotation
    return Restarts(
        time.monotonic,
        collect=times.collect,
        interval=times.min_restart_interval,
        per_minute=times.restarts_per_minute,
        restarted=metrics.secrets.restarted,
    )
