# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
import requests

from wardkeeper.api.reasons import Reason
from wardkeeper.vault.access import VaultAccess
from wardkeeper.vault.client import Effect, Operation, VaultClient, nothing
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.session import shared_connections

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.unit.vault.fake_vault import Answer, FakeVault

PURE = Operation("look", Effect.PURE)
CREATES = Operation("make", Effect.CREATES)


def look(vault: Any) -> Any:
    return vault.read("sys/thing")


def data(answer: Mapping[str, Any]) -> Any:
    return answer["data"]


async def failure(client: VaultClient, operation: Operation = PURE) -> VaultError:
    with pytest.raises(VaultError) as caught:
        await client.run(operation, look, data)
    return caught.value


def always(*answer: Any) -> Any:
    return lambda _: answer


def raising(error: Exception) -> Any:
    def act(_: str) -> Answer | None:
        raise error

    return act


async def test_an_answer_is_read(client: VaultClient, fake: FakeVault) -> None:
    fake.before = always(200, {"data": {"a": 1}})
    assert await client.run(PURE, look, data) == {"a": 1}


async def test_an_empty_answer_is_an_empty_mapping(client: VaultClient, fake: FakeVault) -> None:
    fake.before = always(204, None)
    assert await client.run(PURE, look, dict) == {}


@pytest.mark.parametrize(
    "error", [requests.ConnectionError("x"), requests.Timeout("x"), requests.exceptions.SSLError()]
)
async def test_no_answer_means_unreachable(
    client: VaultClient, fake: FakeVault, error: Exception
) -> None:
    fake.before = raising(error)
    assert (await failure(client)).kind is Kind.UNREACHABLE


async def test_an_authority_that_is_not_there_is_told_with_the_remedy(tmp_path: Path) -> None:
    access = VaultAccess("https://127.0.0.1:1", ca_file=str(tmp_path / "absent.pem"))
    client = VaultClient(access)
    try:
        failed = await failure(client)
    finally:
        client.close()
    assert (failed.kind, failed.reason) == (Kind.NO_AUTHORITY, Reason.VAULT_NOT_CONFIGURED)
    assert "vault.caFile" in failed.remedy


async def test_a_broken_connection_is_tried_once_more(client: VaultClient, fake: FakeVault) -> None:
    def once(_: str) -> Answer | None:
        if len(fake.log) == 1:
            raise requests.ConnectionError
        return 200, {"data": 1}

    fake.before = once
    assert await client.run(PURE, look, data) == 1


@pytest.mark.parametrize(
    ("operation", "error", "requests_made"),
    [
        (PURE, requests.ConnectionError(), 2),
        (PURE, requests.Timeout(), 1),
        (CREATES, requests.ConnectionError(), 1),
        (CREATES, requests.Timeout(), 1),
    ],
)
async def test_what_creates_something_is_never_repeated(
    client: VaultClient,
    fake: FakeVault,
    operation: Operation,
    error: Exception,
    requests_made: int,
) -> None:
    fake.before = raising(error)
    await failure(client, operation)
    assert len(fake.log) == requests_made


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_an_error_answer_is_not_repeated(
    client: VaultClient, fake: FakeVault, status: int
) -> None:
    fake.before = always(status, {"errors": []})
    await failure(client)
    assert len(fake.log) == 1


def test_the_transport_repeats_nothing_by_itself(access: VaultAccess) -> None:
    retries = shared_connections(access).max_retries
    assert (retries.total, retries.read) == (0, False)


async def test_the_time_that_vault_asks_to_wait_is_passed_on(
    client: VaultClient, fake: FakeVault
) -> None:
    fake.before, fake.headers = always(429, {"errors": []}), {"Retry-After": "7"}
    error = await failure(client)
    assert (error.kind, error.retry_after) == (Kind.RATE_LIMITED, 7.0)


@pytest.mark.parametrize("body", [None, {}, {"data": None}, {"other": 1}])
async def test_an_answer_that_is_not_vaults_is_told_apart(
    client: VaultClient, fake: FakeVault, body: dict[str, Any] | None
) -> None:
    fake.before = always(200, body)
    with pytest.raises(VaultError) as caught:
        await client.run(PURE, look, lambda answer: answer["data"]["a"])
    assert caught.value.kind is Kind.NOT_VAULT


async def test_a_web_page_is_no_answer(client: VaultClient, fake: FakeVault) -> None:
    fake.headers = {"Content-Type": "text/html"}
    fake.before = always(200, b"<html>Sign in</html>")
    with pytest.raises(VaultError) as caught:
        await client.run(PURE, look, nothing)
    assert caught.value.kind is Kind.NOT_VAULT


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test:8200/v1/sys/thing",
        "//evil.test:8200/v1/sys/thing",
        "https://vault.test:8201/v1/sys/thing",
        "http://vault.test:8200/v1/sys/thing",
    ],
)
async def test_a_token_is_never_sent_to_another_host(
    client: VaultClient, fake: FakeVault, target: str
) -> None:
    fake.before, fake.headers = always(307, None), {"Location": target}
    with pytest.raises(VaultError) as caught:
        await client.run(PURE, look, data, token="s.secret")
    assert caught.value.kind is Kind.REDIRECTED
    assert len(fake.log) == 1


async def test_a_redirect_on_the_same_host_is_followed_once(
    client: VaultClient, fake: FakeVault
) -> None:
    fake.headers = {"Location": "/v1/sys/elsewhere"}
    fake.before = lambda line: (200, {"data": 1}) if "elsewhere" in line else (307, None)
    assert await client.run(PURE, look, data) == 1
    assert fake.log == ["GET sys/thing", "GET sys/elsewhere"]


async def test_redirects_do_not_go_on_for_ever(client: VaultClient, fake: FakeVault) -> None:
    fake.before, fake.headers = always(307, None), {"Location": "/v1/sys/thing"}
    assert (await failure(client)).kind is Kind.REDIRECTED
    assert len(fake.log) == 2


async def test_the_environments_token_address_and_proxy_are_not_used(
    client: VaultClient, fake: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "s.of-somebody")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    seen: list[tuple[requests.PreparedRequest, Any]] = []
    send = fake.send

    def watch(request: requests.PreparedRequest, *_: Any, **more: Any) -> requests.Response:
        seen.append((request, more.get("proxies")))
        return send(request)

    monkeypatch.setattr(fake, "send", watch)
    fake.before = always(200, {"data": 1})
    await client.run(PURE, look, data)
    request, proxies = seen[0]
    assert "X-Vault-Token" not in request.headers
    assert not proxies


@pytest.mark.parametrize("namespace", [None, "clinic"])
async def test_a_namespace_is_named_in_every_request(
    fake: FakeVault, monkeypatch: pytest.MonkeyPatch, namespace: str | None
) -> None:
    seen: list[str | None] = []
    send = fake.send

    def watch(request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        seen.append(request.headers.get("X-Vault-Namespace"))
        return send(request)

    monkeypatch.setattr(fake, "send", watch)
    fake.before = always(200, {"data": 1})
    client = VaultClient(VaultAccess("https://vault.test", namespace=namespace), transport=fake)
    await client.run(PURE, look, data)
    client.close()
    assert seen == [namespace]


async def test_each_call_has_its_own_token(client: VaultClient, fake: FakeVault) -> None:
    fake.tokens |= {"s.a": "radiology/a", "s.b": "radiology/b"}
    fake.edit("hw/radiology/a/db", password="of-a")
    fake.edit("hw/radiology/b/db", password="of-b")

    async def read(who: str, token: str) -> Any:
        return await client.run(
            PURE,
            lambda vault: vault.read(f"secret/data/hw/radiology/{who}/db"),
            lambda answer: answer["data"]["data"]["password"],
            token=token,
        )

    answers = await asyncio.gather(*(read(*each) for each in [("a", "s.a"), ("b", "s.b")] * 20))
    assert answers == ["of-a", "of-b"] * 20


async def test_no_more_requests_run_at_once_than_there_are_connections(
    access: VaultAccess, fake: FakeVault, client: VaultClient
) -> None:
    running, most, lock = 0, 0, threading.Lock()
    gate = threading.Event()

    def act(_: Any) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running == access.connections:
                gate.set()
        gate.wait(5)
        with lock:
            running -= 1
        return {}

    await asyncio.gather(*(client.run(PURE, act, nothing) for _ in range(20)))
    assert most == access.connections
