# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real TLS handshake with a new certificate, in memory: nothing is listened on or connected to.

Both sides present the certificate, for a workflow is server and client of its peers. The private
key must never be written to a disk: OpenSSL wants a file, so it gets one that lives in memory.
"""

from __future__ import annotations

import os
import ssl
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wardkeeper.proof.errors import Cause, NotProven

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_ROUNDS = 10
"""Exchanges after which two sides that still want something never will be done."""
_HELLO = b"proven"


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a handshake.

    Attributes:
        certificates: PEM of its certificate and of the authorities that are sent along with it.
        key: PEM of its private key.
        authorities: PEMs of the only authorities that it trusts.
    """

    certificates: str
    key: str = field(repr=False)
    authorities: str


def shake_hands(
    certificate_pem: str,
    chain: Sequence[str],
    key_pem: str,
    authorities: Sequence[str],
    server_name: str,
) -> None:
    """Let a client and a server that both hold the certificate meet and trust each other.

    Args:
        certificate_pem: the certificate.
        chain: PEMs of the authorities that are sent along with it.
        key_pem: its private key.
        authorities: PEMs of the only authorities that either side trusts.
        server_name: DNS name that the client expects of the server.

    Raises:
        NotProven: they do not; the message says why, in OpenSSL's words.
    """
    party = Party(_joined((certificate_pem, *chain)), key_pem, _joined(authorities))
    meet(party, party, server_name)


def meet(client: Party, server: Party, server_name: str) -> None:
    """Let a client and a server meet that each ask the other for its certificate.

    Args:
        client: who calls.
        server: who is called.
        server_name: DNS name that the client expects of the server.

    Raises:
        NotProven: one does not trust the other; the message says why, in OpenSSL's words.
    """
    server_side = _context(ssl.PROTOCOL_TLS_SERVER, server)
    client_side = _context(ssl.PROTOCOL_TLS_CLIENT, client)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    called = server_side.wrap_bio(to_server, to_client, server_side=True)
    caller = client_side.wrap_bio(to_client, to_server, server_hostname=server_name)
    _talk(caller, called, server_name)


def _joined(parts: Iterable[str]) -> str:
    return "\n".join(part.strip() for part in parts) + "\n"


def _context(protocol: ssl._SSLMethod, party: Party) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an authority need not sign itself
    try:
        context.load_verify_locations(cadata=party.authorities)
    except (ssl.SSLError, ValueError):
        raise NotProven("the authorities to trust are no PEM certificates") from None
    try:
        with _memory_file(_joined((party.certificates, party.key))) as path:
            context.load_cert_chain(path)
    except ssl.SSLError as error:
        raise NotProven(
            f"OpenSSL cannot use the certificate and its key together: {_words(error)}"
        ) from None
    return context


@contextmanager
def _memory_file(text: str) -> Iterator[str]:
    """The path of a file that has no place on any disk and is gone afterwards."""
    descriptor = os.memfd_create("proof", os.MFD_CLOEXEC)
    try:
        left = memoryview(text.encode())
        while left:
            left = left[os.write(descriptor, left) :]
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _talk(client: ssl.SSLObject, server: ssl.SSLObject, server_name: str) -> None:
    """Pass messages to and fro until each side has heard the other behind the handshake.

    In TLS 1.3 a client is done before the server has looked at its certificate, so only a word
    that comes back shows that both agreed.
    """
    told = {"client": False, "server": False}
    heard = {"client": False, "server": False}
    for _ in range(_ROUNDS):
        for side, party in (("client", client), ("server", server)):
            try:
                party.do_handshake()
                if not told[side]:
                    party.write(_HELLO)
                    told[side] = True
                heard[side] = heard[side] or party.read(len(_HELLO)) == _HELLO
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as error:
                raise NotProven(
                    f"the {side} of a TLS handshake for {server_name} gives up: {_words(error)}",
                    Cause.TLS,
                ) from None
        if all(heard.values()):
            return
    raise NotProven(f"a TLS handshake for {server_name} does not come to an end", Cause.TLS)


def _words(error: ssl.SSLError) -> str:
    """What OpenSSL says; it names reasons and never what a file holds."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or "no reason given").replace("_", " ").lower()
