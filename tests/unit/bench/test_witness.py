# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The witness of B6 sees a rotation too many, an empty Secret, a template changed twice."""

from __future__ import annotations

from typing import Any

from tests.bench.watching import Seen
from tests.bench.witness import Witness
from wardkeeper.kube.resource import Ref
from wardkeeper.rotation.record import ROTATION_ID

NAMES = ("a", "b")


def secret(name: str, rotation: str, **data: str) -> dict[str, Any]:
    metadata = {"namespace": "ns", "name": name, "annotations": {ROTATION_ID: rotation}}
    return {"metadata": metadata, "data": data or {"password": "eA=="}}


def cron_job(name: str, generation: int) -> dict[str, Any]:
    return {"metadata": {"namespace": "ns", "name": name, "generation": generation}}


def witness() -> Witness:
    return Witness(
        {Ref("Secret", "ns", name): secret(name, "first") for name in NAMES},
        {Ref("CronJob", "ns", name): cron_job(name, 1) for name in NAMES},
        {"password"},
    )


def changed(obj: dict[str, Any], at: float = 1.0, kind: str = "Secret") -> Seen:
    return Seen(at, "MODIFIED", kind, obj)


async def test_it_is_done_when_every_secret_has_another_rotation_id() -> None:
    seen = witness()
    seen.look(changed(secret("a", "first")))
    seen.look(changed(secret("a", "second"), at=2.0))
    assert not seen.done.done()
    seen.look(changed(secret("b", "second"), at=3.0))
    seen.look(changed(secret("b", "second"), at=4.0))
    assert seen.done.done()
    assert list(seen.rotated_at.values()) == [2.0, 3.0]
    assert seen.once == 2
    assert not seen.empty


async def test_a_second_rotation_is_not_once() -> None:
    seen = witness()
    for name, rotation in (("a", "second"), ("b", "second"), ("b", "third")):
        seen.look(changed(secret(name, rotation)))
    assert seen.once == 1


async def test_a_secret_without_content_is_seen() -> None:
    for obj in (
        secret("a", "second", password=""),
        secret("a", "second", other="eA=="),
        {"metadata": {"namespace": "ns", "name": "a"}},
    ):
        seen = witness()
        seen.look(changed(obj))
        assert seen.empty == {Ref("Secret", "ns", "a")}
        assert not seen.rotated_at


async def test_a_deleted_secret_counts_as_empty() -> None:
    seen = witness()
    seen.look(Seen(1.0, "DELETED", "Secret", secret("a", "first")))
    assert len(seen.empty) == 1


async def test_changes_of_a_template_are_counted_for_each_workload() -> None:
    seen = witness()
    seen.look(changed(cron_job("a", 3), kind="CronJob"))
    seen.look(changed(cron_job("stranger", 9), kind="CronJob"))
    seen.look(changed(secret("stranger", "x")))
    assert seen.template_changes == [2, 0]
