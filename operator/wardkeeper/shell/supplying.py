# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Puts together what supplies workflows with secrets, as the settings say."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING

from wardkeeper.engine.secrets.drivers import drivers
from wardkeeper.engine.secrets.job import SecretServices
from wardkeeper.engine.secrets.restarts import Restarts
from wardkeeper.engine.secrets.sources import Sources
from wardkeeper.engine.secrets.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime
    from typing import Any

    from wardkeeper.api.credential import Engine
    from wardkeeper.engine.secrets.driver import Driver
    from wardkeeper.engine.secrets.ledger import Ledger
    from wardkeeper.settings import Settings
    from wardkeeper.settings.model import VaultSettings
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
        drivers=_drivers(settings.vault),
        sources=Sources(time.monotonic),
        publish=publish,
        clock=clock,
        random=draw,
        verify=timedelta(seconds=settings.rotation.verify_window),
        count=metrics.secrets.rotated,
    )


def _drivers(vault: VaultSettings | None) -> Mapping[Engine, Driver]:
    """Every engine; without a Vault they only tell what was asked for."""
    if vault is None:
        return drivers(trust_domain="cluster.local", database_ca_file=None)
    return drivers(
        trust_domain=vault.trust_domain,
        database_ca_file=vault.database_ca_file,
        credentials_per_second=vault.credentials_per_second,
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
