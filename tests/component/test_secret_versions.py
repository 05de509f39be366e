# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever somebody did to a Secret: every version that the operator writes has all its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.component.operator_fixture import SPACE, writes
from tests.component.test_vault import staged
from tests.component.workflows import secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.component.apiserver.store import Change

MORE = "ZXZl"
FIELDS = [{"name": "password"}, {"name": "user"}]
TWO_KEYS = {**secret(), "source": {"kvGenerated": {"fields": FIELDS}}}


def takes_one(obj: dict[str, Any]) -> None:
    del obj["data"]["password"]


def takes_one_and_adds_one(obj: dict[str, Any]) -> None:
    takes_one(obj)
    obj["data"]["more"] = MORE


def takes_all(obj: dict[str, Any]) -> None:
    obj["data"] = {"more": MORE}


def changes_one_and_adds_one(obj: dict[str, Any]) -> None:
    obj["data"].update(password=MORE, more=MORE)


def wipes(harm: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], None]:
    def change(obj: dict[str, Any]) -> None:
        harm(obj)
        obj["metadata"]["managedFields"] = [{}]

    return change


HARMS = {
    "a key taken": (takes_one, ["apply"]),
    "a key taken, another added": (takes_one_and_adds_one, ["apply", "patch"]),
    "all keys taken, another added": (takes_all, ["apply", "patch"]),
    "a key changed, another added": (changes_one_and_adds_one, ["apply", "patch"]),
    "a key taken, the record wiped": (wipes(takes_one), ["patch", "apply", "patch"]),
    "a key exchanged, the record wiped": (
        wipes(takes_one_and_adds_one),
        ["patch", "apply", "patch"],
    ),
}


@pytest.mark.parametrize(("harm", "verbs"), HARMS.values(), ids=HARMS)
async def test_every_version_that_is_written_of_a_secret_has_all_its_keys(
    harm: Callable[[dict[str, Any]], None], verbs: list[str]
) -> None:
    async with staged() as stage:
        await stage.apply(TWO_KEYS)
        await stage.core.ready()
        server = stage.server
        made = server.get("Secret", SPACE, "router-db")
        assert made is not None
        good, before = dict(made["data"]), len(server.seen)
        server.edit("Secret", SPACE, "router-db", harm)
        versions: list[dict[str, Any]] = []

        def note(change: Change) -> None:
            if change.kind.name == "Secret":
                versions.append(change.new["data"] if change.new else {})

        server._store.listeners.append(note)
        await stage.core.until(lambda: versions and versions[-1] == good)
        await stage.core.ready()
        assert [one for one in versions if not good.items() <= one.items()] == []
        sent = [one.call.verb for one in writes(server, before) if one.call.kind.name == "Secret"]
        assert sent == verbs
        assert len(stage.fake.kv[f"hw/{SPACE}/router/db"]) == 1
