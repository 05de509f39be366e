# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every engine of credentials, one module for each.

What reads certificates and what speaks to databases needs large libraries, a tenth of the memory
of an operator that has neither; it is loaded when a secret first asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.drivers.kv_generated import KvGeneratedDriver
from wardkeeper.engine.secrets.drivers.kv_synced import KvSyncedDriver
from wardkeeper.engine.secrets.drivers.paces import CREDENTIALS_PER_SECOND, DatabasePaces
from wardkeeper.engine.secrets.drivers.transit import TransitDriver
from wardkeeper.vault.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wardkeeper.engine.secrets.driver import Driver

_DATABASES = (Engine.DATABASE_DYNAMIC, Engine.DATABASE_ALTERNATING, Engine.DATABASE_STATIC)


def drivers(
    *,
    trust_domain: str,
    database_ca_file: str | None,
    credentials_per_second: int = CREDENTIALS_PER_SECOND,
) -> Mapping[Engine, Driver]:
    """Every engine, by subscription.

    Args:
        trust_domain: of the SPIFFE ids in certificates.
        database_ca_file: PEM that databases' certificates are checked with; None: the system's.
        credentials_per_second: that one database server is asked for.
    """

    def pki() -> Iterable[Driver]:
        from wardkeeper.engine.secrets.drivers.pki import PkiDriver

        return (PkiDriver(trust_domain),)

    def databases() -> Iterable[Driver]:
        from wardkeeper.engine.secrets.drivers.database_alternating import DatabaseAlternating
        from wardkeeper.engine.secrets.drivers.database_dynamic import DatabaseDynamic
        from wardkeeper.engine.secrets.drivers.database_static import DatabaseStatic

        paces = DatabasePaces(lambda: Pace(credentials_per_second))
        return tuple(
            made(database_ca_file, paces)
            for made in (DatabaseDynamic, DatabaseAlternating, DatabaseStatic)
        )

    cheap = (KvGeneratedDriver(), KvSyncedDriver(), TransitDriver())
    return _Drivers(cheap, {Engine.PKI: pki, **dict.fromkeys(_DATABASES, databases)})


class _Drivers(dict[Engine, "Driver"]):
    """Engines that are there, and how the others are loaded, some of them together."""

    __repr__ = object.__repr__

    def __init__(
        self, there: Iterable[Driver], load: Mapping[Engine, Callable[[], Iterable[Driver]]]
    ) -> None:
        super().__init__({driver.engine: driver for driver in there})
        self._load = load

    def __missing__(self, engine: Engine) -> Driver:
        self.update({driver.engine: driver for driver in self._load[engine]()})
        return self[engine]
