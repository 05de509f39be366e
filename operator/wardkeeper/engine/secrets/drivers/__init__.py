# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every engine of credentials, one module for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.engine.secrets.drivers.database import CREDENTIALS_PER_SECOND, DatabasePaces
from wardkeeper.engine.secrets.drivers.database_alternating import DatabaseAlternating
from wardkeeper.engine.secrets.drivers.database_dynamic import DatabaseDynamic
from wardkeeper.engine.secrets.drivers.database_static import DatabaseStatic
from wardkeeper.engine.secrets.drivers.kv_generated import KvGeneratedDriver
from wardkeeper.engine.secrets.drivers.kv_synced import KvSyncedDriver
from wardkeeper.engine.secrets.drivers.pki import PkiDriver
from wardkeeper.engine.secrets.drivers.transit import TransitDriver
from wardkeeper.vault.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wardkeeper.api.credential import Engine
    from wardkeeper.engine.secrets.driver import Driver


def drivers(
    *,
    trust_domain: str,
    database_ca_file: str | None,
    credentials_per_second: int = CREDENTIALS_PER_SECOND,
) -> Mapping[Engine, Driver]:
    """Every engine.

    Args:
        trust_domain: of the SPIFFE ids in certificates.
        database_ca_file: PEM that databases' certificates are checked with; None: the system's.
        credentials_per_second: that one database server is asked for.
    """
    paces = DatabasePaces(lambda: Pace(credentials_per_second))
    each: tuple[Driver, ...] = (
        KvGeneratedDriver(),
        KvSyncedDriver(),
        DatabaseDynamic(database_ca_file, paces),
        DatabaseAlternating(database_ca_file, paces),
        DatabaseStatic(database_ca_file, paces),
        PkiDriver(trust_domain),
        TransitDriver(),
    )
    return {driver.engine: driver for driver in each}
