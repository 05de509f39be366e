# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""B6: many secrets are rotated at once, each exactly once; then a start with nothing due.

What happened is seen by an independent watch and read from OpenBao itself. Only which kinds of
requests the operator made is its own word.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

import orjson

from tests.bench.batch import make, write_workflow
from tests.bench.converge import AT_ONCE
from tests.bench.figures import Spread, significant
from tests.bench.results import Check, Row
from tests.bench.specimen import SECRET_KEY
from tests.bench.stage import specimens, staged
from tests.bench.watching import watching
from tests.bench.wire import MERGE_PATCH, each
from tests.bench.witness import Witness
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.secrets.facts import ROTATE_NOW
from wardkeeper.kube.resource import Ref, resource_of
from wardkeeper.vault.names import kv_path

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.bench.profile import Profile
    from tests.bench.specimen import Specimen
    from tests.bench.stage import Stage
    from tests.cluster.progress import Report

SECRET = "db"
SECONDS = 40.0
PATIENCE = 240.0
"""Seconds after which a rotation that was asked for counts as not coming."""

REQUESTS = "wardkeeper_vault_request_seconds_count"
_VALUE = re.compile(r'="([^"]*)"')
_WATCHED = ("Secret", "CronJob")
_ASK = orjson.dumps({"metadata": {"annotations": {ROTATE_NOW: f"{SECRET}@bench"}}})


async def measure(report: Report, profile: Profile) -> list[Row]:
    """The two rows, on a stage of their own with an OpenBao."""
    async with staged(report, vault=True) as stage:
        those = specimens("wf", profile.secrets, secret=SECRET)
        await stage.subject.start()
        made = await make(stage, those, AT_ONCE[0], write_workflow)
        await stage.subject.rest()
        report.say(f"B6: {made.count} workflows with a secret, {made.rate:.1f} per second")
        rows = [await _at_once(stage, those), await _start(stage, len(those))]
        for complaint in stage.subject.complaints():
            report.say(f"the operator complained: {complaint}")
    return rows


async def _at_once(stage: Stage, those: Sequence[Specimen]) -> Row:
    """Ask for all of them, and see what comes of it."""
    witness = Witness(await objects(stage, "Secret"), await objects(stage, "CronJob"), {SECRET_KEY})
    versions = await _versions(stage, those)
    tokens, before = await _tokens(stage), await stage.subject.told(REQUESTS)
    spent, since = stage.subject.processor_seconds(), stage.audit.position()

    async def ask(one: Specimen) -> None:
        path = resource_of(KIND).path(one.namespace, one.name)
        await stage.wire.send("PATCH", path, _ASK, MERGE_PATCH)

    with stage.report.task("B6") as task:
        task.phase("asking", len(those))
        async with watching(stage.wire, *_WATCHED) as eyes, eyes.telling(witness.look):
            began = time.monotonic()
            await each(those, ask, AT_ONCE[-1], task.advance)
            await eyes.until(witness.done, PATIENCE, f"{len(those)} secrets are rotated")
            written = await stage.written(since)
    spent = stage.subject.processor_seconds() - spent
    made = await _versions(stage, those)
    steps = [made[one] - versions[one] for one in those]
    requests = _grown(before, await stage.subject.told(REQUESTS))
    waits = [at - began for at in witness.rotated_at.values()]
    return Row(
        "B6",
        f"rotate {len(those):,} generated secrets of as many workflows at once",
        (
            Check("until the last", max(waits), "s", "<=", SECONDS),
            Check("secrets rotated once", witness.once, "", "==", len(those)),
            Check("new versions in Vault, fewest", min(steps), "", "==", 1),
            Check("most", max(steps), "", "==", 1),
            Check("template changes, fewest", min(witness.template_changes), "", "==", 1),
            Check("most", max(witness.template_changes), "", "==", 1),
            Check("Secrets seen empty or gone", len(witness.empty), "", "==", 0),
            Check("logins", await _tokens(stage) - tokens, "", "==", 0),
        ),
        {
            "rotated_s": Spread.of(waits).facts(),
            "per_s": significant(len(those) / max(waits), 4),
            "requests_each": {
                kind: significant(count / len(those), 3) for kind, count in requests.items()
            },
            "processor_ms_per_rotation": significant(1000 * spent / len(those), 3),
            **written.facts(),
        },
    )


async def _start(stage: Stage, count: int) -> Row:
    """A fresh start when nothing is due asks Vault for nothing."""
    tokens, since = await _tokens(stage), stage.audit.position()
    stage.subject.kill()
    ready = await stage.subject.start_again()
    written = await stage.written(since)
    requests = _grown({}, await stage.subject.told(REQUESTS))
    asked = sum(number for kind, number in requests.items() if "health" not in kind)
    return Row(
        "B6",
        f"a start with {count:,} secrets and nothing due",
        (
            Check("requests to Vault", asked, "", "==", 0),
            Check("logins", await _tokens(stage) - tokens, "", "==", 0),
            Check("writes", written.total + written.refused.total(), "", "==", 0),
        ),
        {"ready_s": significant(ready, 3), "requests": requests, **written.facts()},
    )


async def objects(stage: Stage, kind: str) -> dict[Ref, dict[str, Any]]:
    """Every object of a kind that belongs to a workflow of the bench."""
    path, found, token = resource_of(kind).path(None), {}, ""
    selector = "labelSelector=wardkeeper.io%2Fworkflow&limit=500"
    while True:
        answer = await stage.wire.read(f"{path}?{selector}&continue={token}")
        for one in answer["items"]:
            metadata = one["metadata"]
            found[Ref(kind, metadata["namespace"], metadata["name"])] = one
        token = answer["metadata"].get("continue", "")
        if not token:
            return found


async def _versions(stage: Stage, those: Sequence[Specimen]) -> dict[Specimen, int]:
    """The newest version of each secret, as OpenBao tells it to an administrator."""
    bao = stage.cluster.openbao

    def read() -> dict[Specimen, int]:
        return {
            one: bao.api("GET", f"secret/metadata/{kv_path(one.namespace, one.name, SECRET)}")[
                "data"
            ]["current_version"]
            for one in those
        }

    return await asyncio.to_thread(read)


async def _tokens(stage: Stage) -> int:
    """Tokens that exist: each login makes one."""
    answer = await asyncio.to_thread(stage.cluster.openbao.api, "LIST", "auth/token/accessors")
    return len(answer["data"]["keys"])


def _grown(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """What has been counted in between, by what it was and how it ended (`kv_write ok`)."""
    grown = {labels: value - before.get(labels, 0.0) for labels, value in sorted(after.items())}
    return {" ".join(_VALUE.findall(labels)): value for labels, value in grown.items() if value}
