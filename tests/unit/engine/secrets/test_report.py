# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Where a secret stands, in words for people."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from wardkeeper.api.credential import Engine
from wardkeeper.api.reasons import Reason
from wardkeeper.api.secrets import SecretSpec
from wardkeeper.engine.secrets.report import report
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.facts import Cause, Decision, Facts, Phase, Rolling, Step, Wish
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


@pytest.mark.parametrize("word", ["a word of another release", ""])
def test_what_stands_in_the_ledger_in_an_unknown_word_is_told_as_it_stands(word: str) -> None:
    facts = Facts((replace(INTENT, last_error=word),), None, False, Rolling(), NOW)
    decision = Decision(Step.WAIT, Phase.INTENT)
    outcome = report(WISH, SPEC, facts, decision, None, restored=None, rotated=False)
    assert outcome.reason is Reason.ROTATION_FAILED
    assert f"cannot make secret db: {word or 'nobody noted why'}; nothing is" in outcome.message


def test_an_intent_that_was_given_up_is_not_told_of() -> None:
    assert told(replace(INTENT, rejected_at=NOW, last_error="")) is None


def test_one_that_nobody_could_prove_is_told_of_with_what_stood_in_the_way() -> None:
    again = NOW + timedelta(minutes=2)
    unproven = replace(
        INTENT, issued_at=NOW, retry_at=again, last_error="db.example.org cannot be reached"
    )
    facts = Facts((unproven,), None, False, Rolling(), NOW)
    decision = Decision(Step.WAIT, Phase.ISSUED)
    outcome = report(WISH, SPEC, facts, decision, None, restored=None, rotated=False)
    assert outcome.reason is Reason.DATABASE_REFUSED
    assert "db.example.org cannot be reached; nothing is delivered yet" in outcome.message
    assert outcome.next_look == 120


def test_one_that_vault_would_not_give_back_is_told_of_with_the_remedy() -> None:
    unproven = replace(INTENT, issued_at=NOW, last_error=str(Kind.DENIED))
    facts = Facts((unproven,), None, False, Rolling(), NOW)
    decision = Decision(Step.WAIT, Phase.ISSUED)
    outcome = report(WISH, SPEC, facts, decision, None, restored=None, rotated=False)
    assert outcome.reason is Reason.VAULT_REFUSED
    assert "cannot prove and deliver secret db: Vault denies it" in outcome.message


@pytest.mark.parametrize(
    ("approved", "words"),
    [
        (0, ""),
        (3, "wardkeeper.io/give-up-before=db=4, which names the newest version; =3 gives up"),
        (4, ""),
        (5, "wardkeeper.io/give-up-before=db=4, which names the newest version; =5 gives up"),
    ],
)
def test_an_approval_that_gives_up_nothing_is_told_of(approved: int, words: str) -> None:
    wished = replace(WISH, engine=Engine.TRANSIT, approved=approved)
    current = replace(INTENT, failures=0, handle=Handle(marker="4"), proven_at=NOW, issued_at=NOW)
    facts = Facts((current,), None, False, Rolling(), NOW)
    decision = Decision(Step.NOTHING, Phase.IDLE, current=current)
    outcome = report(wished, SPEC, facts, decision, None, restored=None, rotated=False)
    assert outcome.waits_for.startswith(words)
    assert bool(outcome.waits_for) == bool(words)
    assert outcome.reason is None


@pytest.mark.parametrize(
    ("cause", "reason"), [(Cause.DUE, Reason.ROTATION_FAILED), (Cause.CURRENT, None)]
)
def test_a_failure_is_told_of_as_long_as_another_one_is_wanted(
    cause: Cause, reason: Reason | None
) -> None:
    current = replace(INTENT, failures=1, proven_at=NOW, issued_at=NOW, last_error="refused")
    facts = Facts((current,), None, False, Rolling(), NOW)
    decision = Decision(Step.WAIT, Phase.IDLE, cause, current=current)
    outcome = report(WISH, SPEC, facts, decision, None, restored=None, rotated=False)
    assert outcome.reason is reason


def test_a_trouble_puts_off_nothing_else() -> None:
    soon = Decision(Step.WAIT, Phase.INTENT, next_look=NOW + timedelta(seconds=7))
    facts = Facts((INTENT,), None, False, Rolling(), NOW)
    assert report(WISH, SPEC, facts, soon, None, restored=None, rotated=False).next_look == 7
