# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What runs inside probe pods and at the addresses around a node: it answers, and it asks.

    probe.py listen tcp/8080 udp/8080
    probe.py ask tcp/192.0.2.1/80 udp/192.0.2.1/53
    probe.py stream udp/192.0.2.1/9000 --rate 50

It needs nothing but Python's own library, and its output is for programs to read.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import json
import socket
import sys
import time
from collections import Counter
from typing import cast

ANSWER = b"here I am\n"
ANSWERED, REFUSED, SILENT, UNREACHABLE = "answered", "refused", "silent", "unreachable"
SECONDS = 3.0
"""How long an answer is waited for: a second try of TCP's handshake comes after one."""


def main(arguments: list[str]) -> None:
    """Do one of the three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("listen", "ask", "stream"))
    parser.add_argument("places", nargs="+", help="protocol/address/port")
    parser.add_argument("--rate", type=int, default=50, help="questions a second")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="to wait for an answer")
    parser.add_argument("--source", default="", help="address to ask from")
    parser.add_argument("--length", type=float, default=0, help="seconds; 0: until input ends")
    args = parser.parse_args(arguments)
    if args.what == "listen":
        asyncio.run(listen(args.places))
    elif args.what == "ask":
        asyncio.run(ask(args.places, args.seconds, args.source))
    else:
        asyncio.run(stream(args.places[0], args.rate, args.length, args.source))


async def listen(places: list[str]) -> None:
    """Answer at every place until ended; one without an address is meant on all of them.

    Whoever has several addresses names them: a datagram is answered from the address that the
    system chooses, which need not be the one that was asked.
    """
    loop = asyncio.get_running_loop()
    for place in places:
        protocol, *address, port = place.split("/")
        where = (address[0] if address else "0.0.0.0", int(port))
        if protocol == "tcp":
            await asyncio.start_server(_greet, *where)
        else:
            await loop.create_datagram_endpoint(_Echo, local_addr=where)
    await asyncio.Event().wait()


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    del reader
    writer.write(ANSWER)
    writer.close()


class _Echo(asyncio.DatagramProtocol):
    """Answers every datagram with what was in it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._transport.sendto(data, addr)


async def ask(places: list[str], seconds: float, source: str) -> None:
    """Try every place at the same time, and print what came of each as one JSON map."""
    found = await asyncio.gather(*(_try(place, seconds, source) for place in places))
    sys.stdout.write(json.dumps(dict(zip(places, found, strict=True))) + "\n")


async def stream(place: str, rate: int, length: float, source: str) -> None:
    """Ask again and again, each time from another port; one JSON line about each second.

    Each question is a flow of its own: a firewall that lets established flows go on has to judge
    every one. Ends after `length` seconds; when that is 0, when standard input does.
    """
    loop = asyncio.get_running_loop()
    over: asyncio.Future[object] = asyncio.ensure_future(
        asyncio.sleep(length) if length else loop.run_in_executor(None, sys.stdin.read)
    )
    under_way: set[asyncio.Task[None]] = set()
    counts: Counter[str] = Counter()

    async def one() -> None:
        counts[await _try(place, 1.0, source)] += 1

    began = time.monotonic()
    asked = 0
    while not over.done():
        task = asyncio.create_task(one())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        asked += 1
        if asked % rate == 0:
            _tell(asked, counts)
        await asyncio.sleep(max(0.0, began + asked / rate - time.monotonic()))
    await asyncio.gather(*under_way)
    _tell(asked, counts)


def _tell(asked: int, counts: Counter[str]) -> None:
    sys.stdout.write(json.dumps({"asked": asked, **counts}) + "\n")
    sys.stdout.flush()


async def _try(place: str, seconds: float, source: str = "") -> str:
    protocol, address, port = place.split("/")
    attempt = _tcp if protocol == "tcp" else _udp
    try:
        async with asyncio.timeout(seconds):
            return await attempt(address, int(port), (source, 0) if source else None)
    except TimeoutError:
        return SILENT
    except ConnectionRefusedError:
        return REFUSED
    except OSError as error:
        return UNREACHABLE if error.errno in _UNREACHABLE else f"error {error.errno}"


_UNREACHABLE = (errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EACCES, errno.EPERM)


async def _tcp(address: str, port: int, source: tuple[str, int] | None) -> str:
    """Whether the handshake is done: some servers say nothing before they are asked."""
    _, writer = await asyncio.open_connection(address, port, local_addr=source)
    writer.transport.abort()
    return ANSWERED


async def _udp(address: str, port: int, source: tuple[str, int] | None) -> str:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.setblocking(False)
        made.bind(source or ("", 0))
        await loop.sock_connect(made, (address, port))
        await loop.sock_sendall(made, QUESTION)
        await loop.sock_recv(made, 512)
    return ANSWERED


QUESTION = (
    bytes.fromhex("574b01000001000000000000")
    + b"\x02ns\x03dns\x07cluster\x05local\x00"
    + (b"\x00\x01\x00\x01")
)
"""A DNS query for an address: a name server answers it, and so does an echo."""


if __name__ == "__main__":
    main(sys.argv[1:])
