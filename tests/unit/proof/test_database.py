# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a login that fails is told as; logins that work are tried on a real PostgreSQL elsewhere."""

from __future__ import annotations

import asyncio
import ssl
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.cluster.pki import Authority
from wardkeeper.proof.database import REQUIRE, VERIFY_FULL, log_in
from wardkeeper.proof.errors import Cause, NotProven

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Play = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

PASSWORD = "correct-horse-battery"


@asynccontextmanager
async def listening(play: Play) -> AsyncIterator[int]:
    """A server that plays a part; yields its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await play(reader, writer)
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Identity:
    """A certificate of a server on the loopback address, and the file of its authority."""

    def __init__(self, folder: Path) -> None:
        authority = Authority("database authority")
        made = authority.server(("localhost",), ("127.0.0.1",))
        pem = folder / "server.pem"
        pem.write_bytes(made.certificate + made.key)
        self.ca_file = folder / "ca.crt"
        self.ca_file.write_bytes(authority.credential.certificate)
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.context.load_cert_chain(pem)


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(tmp_path)


def answering(code: str, context: ssl.SSLContext) -> Play:
    """Takes up TLS, hears the start-up message out, and answers with an error."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # SSLRequest
        writer.write(b"S")
        await writer.start_tls(context)
        [length] = struct.unpack("!i", await reader.readexactly(4))
        await reader.readexactly(length - 4)
        said = f"never say {PASSWORD}"
        fields = b"".join(
            kind + text.encode() + b"\0"
            for kind, text in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", code), (b"M", said))
        )
        writer.write(b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0")
        await writer.drain()

    return play


async def refusal(port: int, ca_file: Path | None, tls: str = VERIFY_FULL) -> NotProven:
    """How a login fails."""
    with pytest.raises(NotProven) as caught:
        await log_in(
            "127.0.0.1",
            port,
            "claims",
            "v-router",
            PASSWORD,
            tls=tls,
            ca_file=str(ca_file) if ca_file else None,
            timeout=5,
        )
    assert PASSWORD not in str(caught.value)
    assert caught.value.__suppress_context__
    assert f"user v-router cannot log in to database claims at 127.0.0.1:{port}" in str(
        caught.value
    )
    return caught.value


@pytest.mark.parametrize(
    ("code", "cause", "words"),
    [
        ("28P01", Cause.REFUSED, "refuses the password"),
        ("28000", Cause.REFUSED, "refuses the login"),
        ("3D000", Cause.REFUSED, "has no such database"),
        ("42501", Cause.REFUSED, "grant CONNECT"),
        ("53300", Cause.UNREACHABLE, "takes no logins now"),
        ("57P03", Cause.UNREACHABLE, "takes no logins now"),
        ("XX000", Cause.REFUSED, "SQLSTATE XX000"),
    ],
)
async def test_what_postgresql_answers_is_told_in_our_words(
    identity: Identity, code: str, cause: Cause, words: str
) -> None:
    async with listening(answering(code, identity.context)) as port:
        error = await refusal(port, identity.ca_file)
    assert (error.cause, words in str(error)) == (cause, True)


async def test_a_certificate_of_a_stranger_is_not_trusted(
    identity: Identity, tmp_path: Path
) -> None:
    stranger = tmp_path / "stranger.crt"
    stranger.write_bytes(Authority("stranger").credential.certificate)
    async with listening(answering("28P01", identity.context)) as port:
        error = await refusal(port, stranger)
        assert error.cause is Cause.TLS
        assert "its certificate is not trusted" in str(error)
        encrypted_only = await refusal(port, stranger, REQUIRE)
        assert encrypted_only.cause is Cause.REFUSED


async def test_a_password_is_never_sent_to_a_server_without_tls(identity: Identity) -> None:
    heard = bytearray()

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.readexactly(8))
        writer.write(b"N")
        await writer.drain()
        heard.extend(await reader.read())

    async with listening(play) as port:
        for tls in (VERIFY_FULL, REQUIRE):
            error = await refusal(port, identity.ca_file, tls)
            assert error.cause is Cause.TLS
            assert "turn TLS on" in str(error)
    assert b"v-router" not in heard


async def test_nobody_at_the_port_is_told_as_out_of_reach(identity: Identity) -> None:
    async def play(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(play) as port:
        hung_up = await refusal(port, identity.ca_file)
    gone = await refusal(port, identity.ca_file)
    assert (hung_up.cause, gone.cause) == (Cause.UNREACHABLE, Cause.UNREACHABLE)


async def test_a_server_that_says_nothing_is_not_waited_for_without_end() -> None:
    async def play(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(play) as port:
        with pytest.raises(NotProven, match=r"no answer within 0\.2 s") as caught:
            await log_in("127.0.0.1", port, "claims", "u", PASSWORD, tls=REQUIRE, timeout=0.2)
    assert caught.value.cause is Cause.UNREACHABLE


async def test_authorities_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(NotProven, match=r"cannot be read from .*missing\.crt"):
        await log_in("127.0.0.1", 1, "d", "u", PASSWORD, ca_file=str(tmp_path / "missing.crt"))


async def test_a_login_without_tls_is_no_choice() -> None:
    with pytest.raises(NotProven, match="neither VerifyFull nor Require"):
        await log_in("127.0.0.1", 1, "d", "u", PASSWORD, tls="Disable")
