# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an engine does that has nothing special to do."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from wardkeeper.engine.secrets.driver import Prepared
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.engine.secrets.driver import Desk
    from wardkeeper.rotation.facts import Source


class PlainDriver:
    """Not polled, nothing to prove, nothing to renew, nothing to end but the copy in KV."""

    delivers = True

    def fingerprint(self, spec: SecretSpec) -> str:
        """SHA-256 over the canonical JSON of the source as declared."""
        source = spec.source.model_dump(mode="json", by_alias=True, exclude_none=True)
        text = json.dumps(source, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    async def look(self, desk: Desk) -> Source | None:
        """Nothing changes without us."""
        return None

    async def prepare(self, desk: Desk) -> Prepared:
        """Nothing to record."""
        return Prepared()

    async def prove(self, desk: Desk, data: Mapping[str, str]) -> None:
        """It is what it is."""

    async def renew(self, desk: Desk, lease: str) -> datetime:
        """There is no lease."""
        raise VaultError(Kind.LEASE_GONE, f"renew secret {desk.spec.name}")

    async def retire(self, desk: Desk, data: Mapping[str, str], lease: str) -> None:
        """Its copy in KV is destroyed by whoever calls."""
