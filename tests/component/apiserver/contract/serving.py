# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What the operator itself needs: tokens, a Lease, Events."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress

import pytest

from tests.component.apiserver.contract.api import (
    EVENT,
    LEASE,
    Api,
    version_of,
)
from tests.component.apiserver.samples import config_map
from wardkeeper.kube.errors import NotFound
from wardkeeper.kube.events import Recorder
from wardkeeper.kube.lease import Elector


class Serving:
    async def test_a_service_account_gets_tokens_for_one_audience(self, api: Api) -> None:
        account = {"kind": "ServiceAccount", "metadata": {"namespace": api.namespace, "name": "a"}}
        await api.ours.apply({"apiVersion": "v1", **account})
        token = await api.ours.token(api.namespace, "a", "vault", 600)
        assert token.count(".") == 2
        with pytest.raises(NotFound):
            await api.ours.token(api.namespace, "nobody", "vault", 600)

    async def test_a_lease_is_won_given_back_and_won_by_the_next(self, api: Api) -> None:
        async def on_lost() -> None:
            raise AssertionError("nobody lost the lease")

        for identity in ("first", "second"):
            elector = Elector(
                api.ours, namespace=api.namespace, name="a", identity=identity, retry=0.5
            )
            task = asyncio.create_task(elector.run(on_lost))
            await asyncio.wait_for(elector.acquired(), 10)
            held = await api.ours.get(LEASE, api.namespace, "a")
            assert held["spec"]["holderIdentity"] == identity
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        given_back = await api.ours.get(LEASE, api.namespace, "a")
        assert given_back["spec"]["holderIdentity"] == ""
        assert given_back["spec"]["leaseTransitions"] == 1

    async def test_an_event_is_written_and_counted_up(self, api: Api) -> None:
        about = await api.ours.create(config_map(api.namespace, "a"))
        version = await version_of(api, EVENT)
        regarding = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "namespace": api.namespace,
            "name": "a",
            "uid": about["metadata"]["uid"],
        }
        recorder = Recorder(api.ours, instance="contract")
        task = asyncio.create_task(recorder.run())
        async with (
            asyncio.timeout(20),
            aclosing(api.ours.watch(EVENT, api.namespace, version)) as events,
        ):
            recorder.emit(regarding, "Warning", "Tried", "Try", "for the contract")
            first = (await anext(events))[1]
            recorder.emit(regarding, "Warning", "Tried", "Try", "for the contract")
            second = (await anext(events))[1]
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        assert first["metadata"]["uid"] == second["metadata"]["uid"]
        assert (first.get("series"), second["series"]["count"]) == (None, 2)
        assert recorder.dropped == 0
