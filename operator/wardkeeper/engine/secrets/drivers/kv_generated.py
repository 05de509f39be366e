# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Values that the operator draws, or Vault by a password policy; KV alone keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.driver import Made, Prepared
from wardkeeper.engine.secrets.drivers.plain import PlainDriver
from wardkeeper.rotation.generate import generate
from wardkeeper.rotation.identity import source_fingerprint

if TYPE_CHECKING:
    from wardkeeper.api.secret_sources import KvGenerated
    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.engine.secrets.driver import Desk


class KvGeneratedDriver(PlainDriver):
    """The engine of `kvGenerated`."""

    engine = Engine.KV_GENERATED

    def fingerprint(self, spec: SecretSpec) -> str:
        """Of the fields, and of the policy if there is one; what happens at the end is no part."""
        source = _source(spec)
        fields = [(one.name, one.length, one.characters.value) for one in source.fields]
        if source.password_policy:
            fields.append((source.password_policy, 0, "policy"))
        return source_fingerprint(fields)

    async def prepare(self, desk: Desk) -> Prepared:
        """What becomes of the values when the workflow goes."""
        return Prepared(role=str(_source(desk.spec).on_delete))

    async def make(self, desk: Desk) -> Made:
        """Draw all values anew; a version that was kept already is found before this is asked."""
        source = _source(desk.spec)
        if source.password_policy is None:
            return Made(generate(source.fields, desk.random))
        kv = desk.working_as.kv
        return Made({one.name: await kv.password(source.password_policy) for one in source.fields})


def _source(spec: SecretSpec) -> KvGenerated:
    if spec.source.kv_generated is None:
        raise ValueError(f"secret {spec.name} is not kvGenerated")
    return spec.source.kv_generated
