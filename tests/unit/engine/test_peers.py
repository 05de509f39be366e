# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who names whom."""

from __future__ import annotations

from typing import Any

import orjson

from wardkeeper.engine.peers import Peers
from wardkeeper.engine.seen import Key

A, B, C = Key("x", "a"), Key("x", "b"), Key("y", "c")


def spec(*endpoints: dict[str, Any], ingress: tuple[dict[str, Any], ...] = ()) -> bytes:
    return orjson.dumps({"endpoints": endpoints, "network": {"ingress": ingress}})


def test_a_peer_without_namespace_is_in_the_same_one() -> None:
    peers = Peers()
    peers.observe(A, spec({"name": "e", "workflow": {"name": "b"}}))
    assert peers.namers(B) == (A,)
    assert peers.namers(Key("y", "b")) == ()


def test_endpoints_and_ingress_both_name() -> None:
    peers = Peers()
    far = {"workflow": {"name": "c", "namespace": "y"}}
    peers.observe(A, spec({"workflow": {"name": "b"}}, ingress=(far,)))
    peers.observe(B, spec(far))
    assert set(peers.namers(C)) == {A, B}
    assert peers.namers(B) == (A,)


def test_a_name_taken_out_is_forgotten() -> None:
    peers = Peers()
    peers.observe(A, spec({"workflow": {"name": "b"}}))
    peers.observe(A, spec({"host": "x"}))
    assert peers.namers(B) == ()


def test_a_workflow_that_is_gone_names_nobody() -> None:
    peers = Peers()
    peers.observe(A, spec({"workflow": {"name": "b"}}))
    peers.observe(A, b"")
    assert peers.namers(B) == ()
    peers.observe(C, b"")


def test_what_others_are_called_names_nobody() -> None:
    peers = Peers()
    peers.observe(A, orjson.dumps({"endpoints": [{"name": "workflow", "host": '"workflow":'}]}))
    assert peers.namers(B) == ()
