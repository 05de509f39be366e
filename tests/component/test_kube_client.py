# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The client against an API server that refuses, sheds load, breaks off and falls silent."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from tests.component.apiserver.faults import Hold, Refuse, Reset, Silence
from tests.component.apiserver.samples import config_map, secret
from tests.component.apiserver.server import ApiServer
from tests.component.apiserver.virtual import run, settled
from wardkeeper.kube import errors
from wardkeeper.kube.access import Access, AccessError
from wardkeeper.kube.client import Call, Client, Lane
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SPACE = "radiology"
CONFIG_MAP = resource_of("ConfigMap")


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[tuple[ApiServer, Client]]:
    """A server with one namespace, and a client on the loop's clock."""
    clock = asyncio.get_running_loop().time
    async with (
        ApiServer(namespaces=(SPACE,)) as server,
        Client(server.access(), user_agent="wardkeeper/test", clock=clock, **options) as client,
    ):
        yield server, client


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (403, errors.Forbidden),
        (409, errors.Conflict),
        (410, errors.Gone),
        (422, errors.Invalid),
        (500, errors.ServerError),
        (503, errors.ServerError),
    ],
)
def test_a_refusal_is_raised_at_once_and_never_repeated(
    code: int, kind: type[errors.ApiError]
) -> None:
    async def story() -> None:
        async with opened() as (server, client):
            server.faults.next(fault=Refuse(code))
            with pytest.raises(kind, match="injected"):
                await client.apply(config_map(SPACE, "a"))
            assert server.count(agent="wardkeeper") == 1
            assert server.objects("ConfigMap") == []

    run(story())


@pytest.mark.parametrize("code", [429, 503])
def test_load_shedding_is_waited_out_as_long_as_asked(code: int) -> None:
    async def story() -> None:
        async with opened() as (server, client):
            server.faults.next(fault=Refuse(code, retry_after=7), times=2)
            await client.apply(config_map(SPACE, "a"))
            assert 14 <= asyncio.get_running_loop().time() < 15
            assert server.count("apply") == 3

    run(story())


def test_load_shedding_without_end_is_reported_after_three_attempts() -> None:
    async def story() -> None:
        async with opened() as (server, client):
            server.faults.next(fault=Refuse(429, retry_after=1), times=9)
            with pytest.raises(errors.TooManyRequests) as caught:
                await client.apply(config_map(SPACE, "a"))
            assert caught.value.retry_after == 1
            assert server.count("apply") == 3

    run(story())


def test_no_pause_is_longer_than_a_minute() -> None:
    async def story() -> None:
        async with opened() as (server, client):
            server.faults.next(fault=Refuse(429, retry_after=86400))
            await client.apply(config_map(SPACE, "a"))
            assert 60 <= asyncio.get_running_loop().time() < 61

    run(story())


def test_a_pause_asked_of_one_request_holds_all_others() -> None:
    async def story() -> None:
        async with opened() as (server, client):
            server.faults.next(fault=Refuse(429, retry_after=5))
            first = asyncio.create_task(client.apply(config_map(SPACE, "a")))
            await settled()
            await client.apply(config_map(SPACE, "b"))
            assert asyncio.get_running_loop().time() >= 5
            await first

    run(story())


@pytest.mark.parametrize("fault", [Reset(), Reset(committed=True), Silence(), Silence(True)])
def test_a_write_without_an_answer_may_have_happened_and_is_not_repeated(
    fault: Reset | Silence,
) -> None:
    async def story() -> None:
        async with opened() as (server, client):
            server.faults.next(fault=fault)
            with pytest.raises(errors.Unreachable) as caught:
                await client.apply(config_map(SPACE, "a"))
            assert caught.value.ambiguous
            assert server.count("apply") == 1
            assert len(server.objects("ConfigMap")) == fault.committed
            await client.apply(config_map(SPACE, "a"))
            assert len(server.objects("ConfigMap")) == 1

    run(story())


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_http_library_sends_no_write_twice(verb: str) -> None:
    async def story() -> None:
        async with opened() as (server, client):
            made = await client.create(config_map(SPACE, "a"))
            server.faults.next(match=lambda call: call.verb == verb, fault=Reset())
            uid = made["metadata"]["uid"]
            writes: dict[str, Callable[[], Awaitable[object]]] = {
                "update": lambda: client.replace(made),
                "delete": lambda: client.delete(CONFIG_MAP, SPACE, "a", uid=uid),
            }
            with pytest.raises(errors.Unreachable):
                await writes[verb]()
            assert server.count(verb) == 1

    run(story())


def test_a_read_without_an_answer_has_changed_nothing() -> None:
    async def story() -> None:
        async with opened(timeout=3.0) as (server, client):
            server.faults.next(fault=Silence())
            with pytest.raises(errors.Unreachable, match="no answer in time") as caught:
                await client.get(CONFIG_MAP, SPACE, "a")
            assert not caught.value.ambiguous
            assert 3 <= asyncio.get_running_loop().time() < 4.1

    run(story())


def test_a_write_that_found_no_server_has_not_happened() -> None:
    async def story() -> None:
        async with opened() as (server, _):
            closed = Access(server.url, None, lambda: None)
        async with Client(closed, user_agent="wardkeeper/test") as client:
            with pytest.raises(errors.Unreachable, match="no connection") as caught:
                await client.apply(config_map(SPACE, "a"))
            assert not caught.value.ambiguous

    run(story())


def test_permission_is_asked_after_waiting_right_before_each_write_is_sent() -> None:
    async def story() -> None:
        leading = True
        async with opened(limit=1, may_write=lambda: leading) as (server, client):
            hold = Hold()
            server.faults.next(fault=hold)
            reading = asyncio.create_task(client.get(CONFIG_MAP, SPACE, "a"))
            await settled()
            writing = asyncio.create_task(client.apply(config_map(SPACE, "a")))
            await settled()
            leading = False
            hold.release.set()
            with pytest.raises(errors.NotFound):
                await reading
            with pytest.raises(errors.NotLeading):
                await writing
            assert server.count(writes=True) == 0

    run(story())


def test_leadership_lost_during_a_pause_stops_the_second_attempt() -> None:
    async def story() -> None:
        clock = asyncio.get_running_loop().time
        async with opened(may_write=lambda: clock() < 3) as (server, client):
            server.faults.next(fault=Refuse(429, retry_after=5))
            with pytest.raises(errors.NotLeading):
                await client.apply(config_map(SPACE, "a"))
            assert server.count("apply") == 1

    run(story())


def test_who_does_not_lead_may_read_and_try_but_not_write() -> None:
    async def story() -> None:
        async with opened(may_write=lambda: False) as (server, client):
            obj = server.put(config_map(SPACE, "a", key="1"))
            await client.get(CONFIG_MAP, SPACE, "a")
            await client.apply(config_map(SPACE, "b"), dry_run=True)
            uid = obj["metadata"]["uid"]
            for write in (
                client.apply(config_map(SPACE, "b")),
                client.create(config_map(SPACE, "b")),
                client.replace(dict(obj)),
                client.json_patch(CONFIG_MAP, SPACE, "a", []),
                client.delete(CONFIG_MAP, SPACE, "a", uid=uid),
                client.token(SPACE, "default", "vault", 600),
            ):
                with pytest.raises(errors.NotLeading):
                    await write
            assert server.objects("ConfigMap") == [obj]
            assert server.count(agent="wardkeeper") == 2

    run(story())


def test_every_exchange_is_observed_with_its_times() -> None:
    calls: list[Call] = []

    async def story() -> None:
        async with opened(observe=calls.append) as (server, client):
            server.faults.next(fault=Refuse(429, retry_after=2))
            await client.apply(config_map(SPACE, "a"))
            server.faults.next(fault=Silence())
            with pytest.raises(errors.Unreachable):
                await client.get(CONFIG_MAP, SPACE, "a")
            async for _ in client.watch(CONFIG_MAP, SPACE, "", seconds=1):
                break

    run(story())
    assert [(call.method, call.kind, call.code) for call in calls] == [
        ("PATCH", "ConfigMap", 429),
        ("PATCH", "ConfigMap", 200 + 1),
        ("GET", "ConfigMap", 0),
        ("WATCH", "ConfigMap", 200),
    ]
    assert calls[1].waited >= 2
    assert calls[2].seconds >= 15


def test_live_requests_are_sent_before_background_ones() -> None:
    async def story() -> None:
        async with opened(limit=1) as (server, client):
            hold = Hold()
            server.faults.next(fault=hold)
            tasks = [asyncio.create_task(client.apply(config_map(SPACE, "first")))]
            await settled()
            for name, lane in (("back", Lane.BACKGROUND), ("live", Lane.LIVE)):
                tasks.append(asyncio.create_task(client.apply(config_map(SPACE, name), lane=lane)))
                await settled()
            hold.release.set()
            await asyncio.gather(*tasks)
            assert [seen.call.name for seen in server.seen] == ["first", "live", "back"]

    run(story())


def test_watches_take_no_place_among_the_requests() -> None:
    async def story() -> None:
        async with opened(limit=1) as (server, client):
            watches = [
                asyncio.create_task(anext(client.watch(CONFIG_MAP, SPACE, "1000")))
                for _ in range(5)
            ]
            await server.until(lambda: len(server.streams) == 5)
            await client.apply(config_map(SPACE, "a"))
            assert [(await watch)[0] for watch in watches] == ["ADDED"] * 5

    run(story())


def test_the_token_is_asked_for_anew_with_every_request() -> None:
    tokens = iter(["one", "two"])
    seen: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        seen.append(request.headers["Authorization"])
        assert request.headers["User-Agent"] == "wardkeeper/test"
        return web.json_response({"metadata": {}})

    async def story() -> None:
        async with serving(answer) as url:
            access = Access(url, None, lambda: next(tokens))
            async with Client(access, user_agent="wardkeeper/test") as client:
                await client.get(CONFIG_MAP, SPACE, "a")
                await client.get(CONFIG_MAP, SPACE, "a")

    run(story())
    assert seen == ["Bearer one", "Bearer two"]


def test_a_redirect_is_not_followed_with_the_token() -> None:
    visited: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        visited.append(request.path)
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async def story() -> None:
        async with serving(answer) as url:
            access = Access(url, None, lambda: "a-token")
            async with Client(access, user_agent="wardkeeper/test") as client:
                with pytest.raises(errors.ApiError, match="307"):
                    await client.get(CONFIG_MAP, SPACE, "a")
                with pytest.raises(errors.ApiError, match="307"):
                    await anext(client.watch(CONFIG_MAP, SPACE, "1"))

    run(story())
    assert "/elsewhere" not in visited


def test_a_token_that_cannot_be_read_is_a_passing_failure() -> None:
    def token() -> str:
        raise AccessError("token file is gone")

    async def story() -> None:
        async with Client(Access("http://127.0.0.1:1", None, token), user_agent="x/1") as client:
            with pytest.raises(errors.Unreachable, match="token file is gone") as caught:
                await client.apply(config_map(SPACE, "a"))
            assert not caught.value.ambiguous

    run(story())


def test_refusals_about_secrets_do_not_repeat_what_the_server_said() -> None:
    async def story() -> None:
        async with opened() as (server, client):
            server.faults.next(fault=Refuse(422, message="data: Invalid value: hunter2"))
            with pytest.raises(errors.Invalid) as caught:
                await client.apply(secret(SPACE, "db", password="hunter2"))
            assert "hunter2" not in repr(vars(caught.value)) + str(caught.value)

    run(story())


@asynccontextmanager
async def serving(answer: Any) -> AsyncIterator[str]:
    """Any web server on a free local port; its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
