# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Nothing secret leaves: values are canaries, answers echo them, all that is seen is searched."""

from __future__ import annotations

import logging
import traceback
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import requests

from tests.unit.engine.secret_bench import NS, WF, Bench, path
from tests.unit.vault.fake_vault import OPERATOR_JWT, workflow_jwt
from wardkeeper.vault.errors import VaultError
from wardkeeper.vault.token import log_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.vault.fake_vault import Answer

JWTS = {OPERATOR_JWT, workflow_jwt(NS, WF)}
REQUESTS = (
    "GET sys/health",
    "POST auth/kubernetes/login",
    "POST auth/kubernetes/role/",
    "GET secret/data/",
    "POST secret/data/",
    "POST auth/token/revoke-self",
)


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.stop()


def canaries(bench: Bench) -> set[str]:
    """Everything that nobody may see: values, MAC keys, tokens."""
    stored = [version.data or {} for versions in bench.fake.kv.values() for version in versions]
    keys = ("password", "_mac_key")
    values = {each[key] for each in stored for key in keys if key in each}
    minted = {f"s.token-{n + 1}" for n in range(bench.fake.minted)}
    return values | minted | JWTS | {"echoed-canary"}


def echo(status: int, bench: Bench) -> Answer:
    """An answer that repeats every secret there is, wherever a body has room for text."""
    text = " ".join(canaries(bench))
    body = {"errors": [text], "warnings": [text], "data": {"data": {"password": text}, text: text}}
    return status, body


def broken(kind: str, bench: Bench) -> Answer:
    text = " ".join(canaries(bench))
    if kind == "reset":
        raise requests.ConnectionError(text)
    if kind == "timeout":
        raise requests.Timeout(text)
    if kind == "page":
        return 200, text.encode()
    return echo(int(kind), bench)


@pytest.mark.parametrize("request_line", REQUESTS)
@pytest.mark.parametrize(
    "kind", ["200", "204", "307", "400", "403", "404", "500", "503", "reset", "timeout", "page"]
)
async def test_no_secret_is_in_outcomes_or_logs_whatever_vault_answers(
    bench: Bench, caplog: pytest.LogCaptureFixture, request_line: str, kind: str
) -> None:
    caplog.set_level(logging.DEBUG)
    await bench.one()
    bench.advance(timedelta(days=31))

    def fault(line: str) -> Answer | None:
        return broken(kind, bench) if line.startswith(request_line) else None

    bench.fake.before = fault
    outcome = await bench.one()
    withdrawn = await bench.withdraw()
    seen = f"{outcome!r} {outcome.message} {withdrawn!r} {caplog.text}"
    assert [each for each in canaries(bench) if each in seen] == []


@pytest.mark.parametrize("kind", ["400", "403", "500", "503", "reset", "page"])
async def test_an_error_carries_no_chain_that_could_hold_a_body(bench: Bench, kind: str) -> None:
    bench.fake.before = lambda _: broken(kind, bench)
    with pytest.raises(VaultError) as caught:
        await log_in(bench.vault._client, "hw-operator", OPERATOR_JWT)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert [each for each in canaries(bench) if each in shown] == []


async def test_what_holds_a_secret_does_not_show_it(bench: Bench) -> None:
    await bench.one()
    vault = bench.vault
    login = await log_in(vault._client, "hw-operator", OPERATOR_JWT)
    async with vault.session(NS, WF, workflow_jwt(NS, WF)) as own:
        entry = await own.read("db")
        shown = f"{login!r} {entry!r} {own!r} {vault!r} {bench.services()!r} {bench.job!r}"
    assert entry is not None
    assert entry.data
    assert [each for each in canaries(bench) if each in shown] == []


async def test_only_declared_fields_reach_the_delivered_secret(bench: Bench) -> None:
    await bench.one()
    stored = bench.fake.kv[path()][0].data
    assert stored is not None
    metadata = str(bench.live["db"]["metadata"])
    assert set(bench.values()) == {"password"}
    assert stored["_mac_key"] not in metadata
    assert stored["password"] not in metadata


def test_the_search_itself_finds_a_canary(bench: Bench) -> None:
    text = f"token {OPERATOR_JWT}"
    assert [each for each in canaries(bench) if each in text] == [OPERATOR_JWT]
