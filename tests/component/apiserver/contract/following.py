# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Lists and watches: one moment, every change, metadata alone."""

from __future__ import annotations

from contextlib import aclosing

from tests.component.apiserver.contract.api import (
    CONFIG_MAP,
    SECRET,
    Api,
    fields_of,
    next_events,
    version_of,
)
from tests.component.apiserver.samples import config_map, secret


class Following:
    async def test_a_list_shows_one_moment_over_all_its_pages(self, api: Api) -> None:
        for name in ("a", "b", "c"):
            await api.ours.create(config_map(api.namespace, name, labels={"in": "list"}))
        names: list[str] = []
        versions: set[str] = set()
        selected = api.ours.pages(CONFIG_MAP, api.namespace, label_selector="in=list", limit=1)
        created: list[tuple[str, str]] = []
        async for page in selected:
            versions.add(page.resource_version)
            names += [item["metadata"]["name"] for item in page.items]
            late = f"a{len(created)}"
            await api.ours.create(config_map(api.namespace, late, labels={"in": "list"}))
            created.append(("ADDED", late))
        assert names == ["a", "b", "c"]
        assert len(versions) == 1
        version, selector = versions.pop(), "in=list"
        assert await next_events(api, version, len(created), label_selector=selector) == created

    async def test_a_page_may_be_empty_and_still_not_the_last(self, api: Api) -> None:
        await api.ours.create(config_map(api.namespace, "a", labels={"in": "list"}))
        await api.ours.create(config_map(api.namespace, "b"))
        selected = api.ours.pages(CONFIG_MAP, api.namespace, label_selector="in=list", limit=1)
        sizes = [len(page.items) async for page in selected]
        assert sizes == [1, 0]

    async def test_a_watch_tells_every_change_after_its_version(self, api: Api) -> None:
        version = await version_of(api)
        made = await api.ours.create(config_map(api.namespace, "a"))
        await api.theirs.replace({**made, "data": {"key": "changed"}})
        uid = made["metadata"]["uid"]
        await api.ours.delete(CONFIG_MAP, api.namespace, "a", uid=uid)
        events = await next_events(api, version, 3)
        assert events == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]

    async def test_an_object_that_leaves_the_selection_counts_as_deleted(self, api: Api) -> None:
        version = await version_of(api)
        await api.ours.apply(config_map(api.namespace, "a", labels={"ours": "yes"}))
        await api.ours.apply(config_map(api.namespace, "a", key="2", labels={"ours": "no"}))
        await api.ours.apply(config_map(api.namespace, "a", key="2", labels={"ours": "yes"}))
        events = await next_events(api, version, 3, label_selector="ours=yes")
        assert events == [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "a")]

    async def test_secrets_are_answered_as_metadata_alone(self, api: Api) -> None:
        version = await version_of(api, SECRET)
        answers = [await api.ours.apply(secret(api.namespace, "a"))]
        answers.append(await api.ours.get(SECRET, api.namespace, "a"))
        answers += [item async for page in api.ours.pages(SECRET) for item in page.items]
        async with aclosing(api.ours.watch(SECRET, api.namespace, version)) as events:
            answers.append((await anext(events))[1])
        for answer in answers:
            assert set(answer) <= {"apiVersion", "kind", "metadata"}
            assert answer["kind"] == "Secret"
        assert fields_of(answers[0], "wardkeeper", "Apply")["f:data"] == {"f:password": {}}
