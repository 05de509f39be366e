# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Where a secret stands, in words for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from wardkeeper.api.credential import Engine
from wardkeeper.api.reasons import Reason
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.engine.secret_report import report
from wardkeeper.rotation.credential import Credential
from wardkeeper.rotation.facts import Decision, Facts, Phase, Rolling, Step, Wish
from wardkeeper.vault.errors import Kind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = SecretSpec.model_validate(
    {"name": "db", "source": {"kvGenerated": {"fields": [{"name": "password"}]}}}
)
HOUR = timedelta(hours=1)
WISH = Wish("uid-1", "db", Engine.KV_GENERATED, "s", HOUR, HOUR, HOUR)
INTENT = Credential("c", "db", Engine.KV_GENERATED, "r", failures=2, last_error=str(Kind.DENIED))


def told(entry: Credential) -> Reason | None:
    facts = Facts((entry,), None, False, Rolling(), NOW)
    decision = Decision(Step.WAIT, Phase.INTENT)
    return report(WISH, SPEC, facts, decision, None, restored=None, rotated=False).reason


def test_what_vault_said_last_is_told_until_the_next_try() -> None:
    assert told(INTENT) is Reason.VAULT_REFUSED


def test_an_intent_that_was_given_up_is_not_told_of() -> None:
    assert told(replace(INTENT, rejected_at=NOW, last_error="")) is None
