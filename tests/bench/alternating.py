# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""B6, second part: databases whose users alternate, under logins that never stop.

Each database has a client that logs in again and again with what a pod would hold: what was
delivered, taken up a while later, so that old and new are both in use. Each login is counted.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from base64 import b64decode
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import asyncpg
import orjson

from tests.bench.batch import make, write_workflow
from tests.bench.figures import Spread, significant
from tests.bench.results import Check, Row
from tests.bench.rotation import objects
from tests.bench.stage import specimens, staged
from tests.bench.watching import watching
from tests.bench.wire import MERGE_PATCH, each
from tests.bench.witness import Witness
from tests.cluster.databases import Databases
from wardkeeper.api.workflow import KIND
from wardkeeper.engine.secrets.facts import ROTATE_NOW
from wardkeeper.kube.resource import Ref, resource_of
from wardkeeper.render.secret import DATABASE_KEYS, secret_name

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from tests.bench.profile import Profile
    from tests.bench.specimen import Specimen
    from tests.bench.stage import Stage
    from tests.bench.watching import Seen
    from tests.cluster.postgres import Postgres
    from tests.cluster.progress import Report

SECRET = "db"
ROLE = "main"
OVERLAP = "5s"
TAKES_UP = 2.0
"""Seconds after a delivery at which a client begins to use it: half of the overlap, about."""

PAUSE = 0.05
"""Seconds between two logins of one client."""

PATIENCE = 120.0
AT_ONCE = 8


@dataclass(slots=True)
class Client:
    """Logs in to one database until it is cancelled.

    Attributes:
        logins: how many went well.
        failures: the classes of errors of those that did not.
        users: everybody it has logged in as.
    """

    host: str
    port: int
    database: str
    held: Mapping[str, str] = field(default_factory=dict, repr=False)
    logins: int = 0
    failures: list[str] = field(default_factory=list)
    users: set[str] = field(default_factory=set)

    def hold(self, data: Mapping[str, str]) -> None:
        """Use this from the next login on; values as a Secret has them."""
        self.held = {key: b64decode(value).decode() for key, value in data.items()}

    async def run(self) -> None:
        """Log in, leave, and again."""
        tls = ssl.create_default_context()
        tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
        while True:
            held = self.held
            try:
                connection = await asyncpg.connect(
                    host=self.host,
                    port=self.port,
                    database=self.database,
                    user=held["username"],
                    password=held["password"],
                    ssl=tls,
                    timeout=10,
                )
                await connection.close(timeout=5)
                self.logins += 1
                self.users.add(held["username"])
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self.failures.append(type(error).__name__)
            await asyncio.sleep(PAUSE)


async def measure(report: Report, profile: Profile) -> list[Row]:
    """The row, on a stage of its own with an OpenBao and a PostgreSQL."""
    async with staged(report, vault=True) as stage:
        postgres = await asyncio.to_thread(lambda: stage.cluster.postgres)
        databases = Databases(stage.cluster.openbao, postgres)
        those = specimens(
            "db",
            profile.databases,
            secret=SECRET,
            supply=lambda index: _supply(databases, _database(index)),
        )
        await asyncio.to_thread(_set_up, databases, postgres, those)
        await stage.subject.start()
        await make(stage, those, AT_ONCE, write_workflow)
        await stage.subject.rest()
        row = await _turns(stage, postgres, those, profile.turns)
        for complaint in stage.subject.complaints():
            report.say(f"the operator complained: {complaint}")
    return [row]


async def _turns(stage: Stage, postgres: Postgres, those: Sequence[Specimen], turns: int) -> Row:
    """Rotate all of them so many times while every client logs in."""
    live = await objects(stage, "Secret")
    clients = {
        Ref("Secret", one.namespace, secret_name(one.name, SECRET)): Client(
            postgres.host, postgres.port, _database(index)
        )
        for index, one in enumerate(those)
    }
    for ref, client in clients.items():
        client.hold(live[ref]["data"])
    loop = asyncio.get_running_loop()

    def look(seen: Seen) -> None:
        metadata = seen.obj["metadata"]
        client = clients.get(Ref(seen.kind, metadata["namespace"], metadata["name"]))
        if client is not None and seen.obj.get("data"):
            loop.call_later(TAKES_UP, client.hold, seen.obj["data"])

    waits: list[float] = []
    once = empty = 0
    began = time.monotonic()
    async with watching(stage.wire, "Secret") as eyes, eyes.telling(look), _running(clients):
        for turn in range(1, turns + 1):
            stage.report.say(f"B6: {len(those)} databases, rotation {turn} of {turns}")
            witness = Witness(await objects(stage, "Secret"), {}, frozenset(DATABASE_KEYS))
            async with eyes.telling(witness.look):
                asked = time.monotonic()
                await each(those, partial(_ask, stage, turn), AT_ONCE)
                await eyes.until(witness.done, PATIENCE, f"{len(those)} users are rotated")
            waits += [at - asked for at in witness.rotated_at.values()]
            once, empty = once + witness.once, empty + len(witness.empty)
        await asyncio.sleep(2 * TAKES_UP)
    logins = sum(one.logins for one in clients.values())
    failures = [kind for one in clients.values() for kind in one.failures]
    return Row(
        "B6",
        f"{len(those)} databases with alternating users, {turns} rotations each, constant logins",
        (
            Check("failed logins", len(failures), "", "==", 0),
            Check("rotations", once, "", "==", len(those) * turns),
            Check(
                "users of a database, fewest",
                min(len(c.users) for c in clients.values()),
                "",
                "==",
                2,
            ),
            Check("Secrets seen empty or gone", empty, "", "==", 0),
        ),
        {
            "logins": logins,
            "logins_per_s": significant(logins / (time.monotonic() - began), 3),
            "failures": sorted(set(failures)),
            "rotated_s": Spread.of(waits).facts(),
            "overlap": OVERLAP,
        },
    )


@asynccontextmanager
async def _running(clients: Mapping[Ref, Client]) -> AsyncIterator[None]:
    """Have every client log in, for a while."""
    tasks = [asyncio.create_task(client.run()) for client in clients.values()]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for one in ended:
        if isinstance(one, Exception):  # a client that ended early has counted nothing since
            raise one


async def _ask(stage: Stage, turn: int, one: Specimen) -> None:
    path = resource_of(KIND).path(one.namespace, one.name)
    body = {"metadata": {"annotations": {ROTATE_NOW: f"{SECRET}@{turn}"}}}
    await stage.wire.send("PATCH", path, orjson.dumps(body), MERGE_PATCH)


def _database(index: int) -> str:
    return f"bench_{index:02}"


def _supply(databases: Databases, database: str) -> str:
    """The members of the secret of one database."""
    connection = {**databases.connection("Require"), "database": database}
    source = {"role": ROLE, "strategy": "AlternatingUsers", "connection": connection}
    members = {"source": {"database": source}, "rotation": {"overlap": OVERLAP}}
    return orjson.dumps(members).decode()


def _set_up(databases: Databases, postgres: Postgres, those: Sequence[Specimen]) -> None:
    """What an administrator does: databases, two users for each, and what OpenBao knows of them."""
    databases.install()
    for index, one in enumerate(those):
        postgres.sql(f"CREATE DATABASE {_database(index)}")
        databases.alternating(one.namespace, one.name, ROLE)
