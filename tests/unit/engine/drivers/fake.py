# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What drivers ask of Vault, in memory; any call may fail, before or after it was carried out.

Values hold `CANARY`, so that a test can search texts for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cryptography import x509

from tests.unit.proof.authorities import NOW, Signer
from wardkeeper.vault.database import DynamicLogin, StaticLogin
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.kv import KvEntry, SyncedEntry
from wardkeeper.vault.pki import SignedCertificate
from wardkeeper.vault.transit import KeyState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CANARY = "k4n4ry"
TTL = 3600.0


@dataclass
class Switch:
    """Counts the calls and lets one of them fail.

    Attributes:
        at: number of the call that fails; 0: none does.
        lost: it is carried out, and only its answer gets lost.
        calls: names of the calls so far.
    """

    at: int = 0
    lost: bool = False
    kind: Kind = Kind.UNREACHABLE
    calls: list[str] = field(default_factory=list)

    def run[T](self, name: str, act: Callable[[], T]) -> T:
        """Carry a call out, or not."""
        self.calls.append(name)
        fails = len(self.calls) == self.at
        if fails and not self.lost:
            raise VaultError(self.kind, name)
        done = act()
        if fails:
            raise VaultError(self.kind, name)
        return done
