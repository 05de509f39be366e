# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a secret: it is named with its remedy, and nothing that works is touched.

Fields that contradict each other are refused by the API server. What is wrong in OpenBao or in the
database shows when a secret is to be replaced: the one before stays, and it heals by itself.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.cluster.authorities import Authorities
from tests.cluster.databases import DATABASE
from tests.cluster.waiting import until
from tests.component.workflows import cron_job
from tests.e2e.canaries import NAME as BYSTANDER
from tests.e2e.canaries import open_aviary
from tests.e2e.stage import RefusedError
from wardkeeper.api.workflow import KIND
from wardkeeper.proof.database import log_in
from wardkeeper.proof.errors import NotProven
from wardkeeper.vault.names import WRITER_POLICY, database_role, transit_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.cluster.pool import Clusters
    from tests.e2e.canaries import Aviary
    from tests.e2e.stage import Obj

DRAWN = {"kvGenerated": {"fields": [{"name": "password"}]}}
CLOSED_PORT = 1
"""Nobody listens there, so that a login can be made and not be tried."""


@pytest.fixture(scope="module")
def aviary(clusters: Clusters, postgresql: Path) -> Iterator[Aviary]:
    with open_aviary() as made:
        yield made


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ([{"name": "db", "source": DRAWN}] * 2, 'Duplicate value: {"name":"db"}'),
        ([{"name": "db", "source": {}}], "a secret has exactly one source; keep one of"),
        (
            [{"name": "db", "source": {**DRAWN, "pki": {}}}],
            "a secret has exactly one source; keep one of",
        ),
        *(
            (
                [{"name": "db", "source": {"kvSynced": {"path": path, "fields": ["key"]}}}],
                "path must be at most eight lower-case DNS labels",
            )
            for path in ("../other/key", "vendor/*", "Vendor/key", "/vendor")
        ),
        (
            [{"name": "db", "source": DRAWN, "rotation": {"every": "2h", "maxAge": "1h"}}],
            "maxAge is shorter than every",
        ),
        (
            [{"name": "db", "source": DRAWN, "rotation": {"every": "1h", "overlap": "2h"}}],
            "overlap is longer than every",
        ),
        ([{"name": "Db", "source": DRAWN}], "spec.secrets[0].name"),
    ],
    ids=(
        "a name twice",
        "no source",
        "two sources",
        "a path that climbs",
        "a path with a glob",
        "a path in capitals",
        "a path from the root",
        "every above maxAge",
        "overlap above every",
        "a name in capitals",
    ),
)
def test_what_contradicts_itself_is_refused_with_the_field_and_the_remedy(
    aviary: Aviary, made: list[Obj], words: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        aviary.place.create(cron_job("wrong", secrets=made))
    assert str(refused.value).startswith("422 ")
    assert "spec.secrets" in str(refused.value)
    assert words in str(refused.value)


@dataclass(frozen=True)
class Trouble:
    """Something that is wrong while a secret is to be replaced.

    Attributes:
        source: what an administrator prepares for a workflow; its secret's source.
        broken: while this is held, it is wrong.
        reason: of SecretsCurrent.
        words: what its message says among others.
    """

    source: Callable[[Aviary, str], Obj]
    broken: Callable[[Aviary, str], AbstractContextManager[None]]
    reason: str
    words: tuple[str, ...]


def drawn(aviary: Aviary, name: str) -> Obj:
    return DRAWN


def by_policy(aviary: Aviary, name: str) -> Obj:
    rule = 'length = 24\nrule "charset" { charset = "abcdefghijklmnopqrstuvwxyz" }'
    aviary.bao("PUT", f"sys/policies/password/{name}", {"policy": rule})
    return {"kvGenerated": {"fields": [{"name": "password"}], "passwordPolicy": name}}


def dynamic(aviary: Aviary, name: str, **times: str) -> Obj:
    aviary.databases.dynamic(aviary.place.namespace, name, "claims", **times)
    return login(aviary, "Dynamic")


def alternating(aviary: Aviary, name: str) -> Obj:
    aviary.databases.alternating(aviary.place.namespace, name, "claims")
    return login(aviary, "AlternatingUsers")


def certificate(aviary: Aviary, name: str) -> Obj:
    return {"pki": {"ttl": "2h"}}


def synced(aviary: Aviary, name: str) -> Obj:
    body = {"data": {"token": "from the vendor"}, "options": {"cas": 0}}
    aviary.bao("POST", f"secret/data/hw-synced/{aviary.place.namespace}/{name}/vendor", body)
    return {"kvSynced": {"path": "vendor", "fields": ["token"]}}


def login(aviary: Aviary, strategy: str, **where: int) -> Obj:
    connection = {**aviary.databases.connection(), **where}
    return {"database": {"role": "claims", "strategy": strategy, "connection": connection}}


@contextmanager
def gone(aviary: Aviary, path: str) -> Iterator[None]:
    """Something is missing in OpenBao that is written back as it was."""
    body = aviary.bao("GET", path)["data"]
    aviary.bao("DELETE", path)
    yield
    aviary.bao("POST", path, {key: value for key, value in body.items() if value is not None})


def no_role(aviary: Aviary, name: str) -> AbstractContextManager[None]:
    return gone(aviary, f"database/roles/{database_role(aviary.place.namespace, name, 'claims')}")


@contextmanager
def no_idle_user(aviary: Aviary, name: str) -> Iterator[None]:
    role = database_role(aviary.place.namespace, name, "claims", "b")
    aviary.bao("DELETE", f"database/static-roles/{role}")
    yield
    aviary.databases.static_role(role)


def no_policy(aviary: Aviary, name: str) -> AbstractContextManager[None]:
    return gone(aviary, f"sys/policies/password/{name}")


@contextmanager
def no_source(aviary: Aviary, name: str) -> Iterator[None]:
    path = f"secret/data/hw-synced/{aviary.place.namespace}/{name}/vendor"
    aviary.bao("DELETE", path)
    yield
    aviary.bao("POST", path, {"data": {"token": "written anew"}, "options": {"cas": 1}})


@contextmanager
def no_right(aviary: Aviary, name: str) -> Iterator[None]:
    """Somebody took the workflows' right to write their own path out of the policy."""
    path = f"sys/policies/acl/{WRITER_POLICY}"
    text = aviary.bao("GET", path)["data"]["policy"]
    aviary.bao("PUT", path, {"policy": text.replace('"create", "update", "read"', '"read"')})
    yield
    aviary.place.stage.operator.bootstrap_vault()


@contextmanager
def ending_authority(aviary: Aviary, name: str) -> Iterator[None]:
    authorities = Authorities(aviary.place.stage.cluster.openbao)
    before = aviary.bao("GET", "pki/config/issuers")["data"]["default"]
    ending = authorities.add(name, lasts="1h")
    authorities.use(ending)
    yield
    authorities.use(before)
    authorities.remove(ending)


@contextmanager
def database_down(aviary: Aviary, name: str) -> Iterator[None]:
    postgres = aviary.place.stage.cluster.postgres
    postgres.stop()
    yield
    postgres.start()


MISSING = ("Vault has no such role, key or path", "wardkeeper vault bootstrap --for")
TROUBLES = {
    "a role that is gone": Trouble(dynamic, no_role, "SourceMissing", MISSING),
    "a user that is gone": Trouble(alternating, no_idle_user, "SourceMissing", MISSING),
    "a password policy that is gone": Trouble(by_policy, no_policy, "SourceMissing", MISSING),
    "a source that was deleted": Trouble(
        synced, no_source, "SourceDeleted", ("somebody deleted its source", "write it anew")
    ),
    "a policy that lost a right": Trouble(
        drawn, no_right, "VaultRefused", ("Vault denies it", "run `wardkeeper vault bootstrap`")
    ),
    "an authority that ends first": Trouble(
        certificate,
        ending_authority,
        "AuthorityEnding",
        ("the authority ends before the certificate would", "put a new issuer into the PKI engine"),
    ),
    "a database that is down": Trouble(
        dynamic, database_down, "DatabaseRefused", ("the database is down", "repair the database")
    ),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
def test_a_secret_that_cannot_be_replaced_says_why_and_stays(
    aviary: Aviary, trouble: Trouble
) -> None:
    place, name = aviary.place, fresh()
    supply(aviary, name, trouble.source(aviary, name))
    before, others = version(aviary, name, "db"), bystanders(aviary)
    with trouble.broken(aviary, name):
        place.annotate(name, rotate_now="db@1")
        told = place.until_told(name, "SecretsCurrent", trouble.reason)
        for words in (*trouble.words, "what is delivered stays in use"):
            assert words in told["message"]
        assert place.condition(name, "Ready")["status"] == "False"
        place.reconciled(name)
        assert version(aviary, name, "db") == before
        assert place.get("CronJob", name)
    until_healed(aviary, name, "db@1")
    assert version(aviary, name, "db") != before
    assert bystanders(aviary) == others


@pytest.mark.parametrize("kind", ["Static", "synced"])
def test_what_somebody_else_may_change_is_replaced_once_though_it_was_just_looked_at(
    aviary: Aviary, kind: str
) -> None:
    place, name = aviary.place, fresh()
    if kind == "synced":
        source = synced(aviary, name)
    else:
        aviary.databases.static(place.namespace, name, "claims")
        source = login(aviary, kind)
    supply(aviary, name, source)
    place.reconciled(name)
    if kind == "synced":
        body = {"data": {"token": "written anew"}, "options": {"cas": 1}}
        aviary.bao("POST", f"secret/data/hw-synced/{place.namespace}/{name}/vendor", body)
    place.annotate(name, rotate_now="db@1")
    until_healed(aviary, name, "db@1")
    assert place.kv_version(name, "db") == 2


def test_a_secret_that_was_never_made_holds_up_its_workload_and_no_other_secret(
    aviary: Aviary,
) -> None:
    place, name = aviary.place, fresh()
    made = [{"name": "db", "source": login(aviary, "Dynamic")}, {"name": "key", "source": DRAWN}]
    place.create(cron_job(name, secrets=made))
    told = place.until_told(name, "SecretsCurrent", "SourceMissing")
    for words in (*MISSING, "secret db", "nothing is delivered yet"):
        assert words in told["message"]
    assert place.get("CronJob", name) is None
    assert place.get("Secret", f"{name}-db") is None
    assert len(place.values(f"{name}-key")) == 1
    dynamic(aviary, name)
    until_healed(aviary, name)
    assert place.get("CronJob", name)


def test_a_key_that_does_not_exist_is_named(aviary: Aviary) -> None:
    place, name = aviary.place, fresh()
    place.create(cron_job(name, secrets=[{"name": "phi", "source": {"transit": {"key": "phi"}}}]))
    told = place.until_told(name, "SecretsCurrent", "SourceMissing")
    assert all(words in told["message"] for words in MISSING)
    aviary.bao("POST", f"transit/keys/{transit_key(place.namespace, name, 'phi')}", {})
    until_healed(aviary, name)


def test_a_lease_that_is_shorter_than_asked_for_is_replaced_before_it_ends(
    aviary: Aviary,
) -> None:
    name = fresh()
    supply(aviary, name, dynamic(aviary, name, ttl="15s", max_ttl="15s"))
    before = delivered(aviary, name)
    until(
        lambda: log_in_with(aviary, name) and delivered(aviary, name) != before,
        "it is replaced, and what is delivered works until then",
    )
    assert aviary.place.condition(name, "SecretsCurrent")["status"] == "True"


def test_a_login_that_may_not_live_as_long_as_it_is_asked_for_is_told_of_from_the_first_one_on(
    aviary: Aviary,
) -> None:
    place, name = aviary.place, fresh()
    supply(aviary, name, dynamic(aviary, name, ttl="5m", max_ttl="30m"))
    told = place.condition(name, "SecretsCurrent")
    assert told["status"] == "True"
    role = database_role(place.namespace, name, "claims")
    for words in (
        f"secret db: rotation.every is 1h, but database role {role} in Vault lets a login live 30m",
        "raise the role's max_ttl to 1h36m, or lower rotation.every",
    ):
        assert words in told["message"]
    [one] = place.status(name)["secrets"]
    life = datetime.fromisoformat(one["dueAt"]) - datetime.fromisoformat(one["rotatedAt"])
    assert timedelta(minutes=15) < life <= timedelta(minutes=20)
    dynamic(aviary, name, ttl="5m", max_ttl="2h")
    place.annotate(name, rotate_now="db")
    until(
        lambda: "max_ttl" not in place.condition(name, "SecretsCurrent")["message"],
        "the next one may live long enough",
    )


def test_while_a_new_login_cannot_be_tried_the_one_in_use_is_renewed(aviary: Aviary) -> None:
    place, name = aviary.place, fresh()
    term = 15.0  # of which the last third is for a renewal on a busy machine
    supply(aviary, name, dynamic(aviary, name, ttl=f"{term:g}s", max_ttl="1h"))
    before = version(aviary, name, "db")
    elsewhere = login(aviary, "Dynamic", port=CLOSED_PORT)
    spec = place.read(KIND, name)["spec"]["secrets"]
    place.edit(KIND, name, {"spec": {"secrets": [{**spec[0], "source": elsewhere}]}})
    told = place.until_told(name, "SecretsCurrent", "DatabaseRefused")
    for words in ("a new credential cannot be proven", "check host, port and the network"):
        assert words in told["message"]
    ended = time.monotonic() + 2 * term
    until(
        lambda: log_in_with(aviary, name) and time.monotonic() > ended,
        "two terms are over",
        seconds=3 * term,
    )
    assert version(aviary, name, "db") == before
    place.edit(KIND, name, {"spec": {"secrets": spec}})
    until_healed(aviary, name)
    assert f":{CLOSED_PORT}/" not in delivered(aviary, name)["url"]
    role = database_role(place.namespace, name, "claims")
    until(lambda: len(aviary.databases.leases(role)) == 1, "one login is left")


def supply(aviary: Aviary, name: str, source: Obj) -> None:
    """A workflow with one secret, which it has got."""
    rotation = {"every": "1h", "overlap": "0s"}
    made = [{"name": "db", "source": source, "rotation": rotation}]
    aviary.place.create(cron_job(name, secrets=made))
    aviary.place.until_ready(name)


def until_healed(aviary: Aviary, name: str, request: str | None = None) -> None:
    """Wait until a workflow is Ready again; looked at at once, not after a pause."""

    def healed() -> bool:
        aviary.place.reconciled(name)
        status = aviary.place.status(name)
        ready = aviary.place.condition(name, "Ready")["status"] == "True"
        return ready and (request is None or status.get("lastHandledRotateNow") == request)

    until(healed, f"{name} has healed", seconds=60, pause=0.5)


def log_in_with(aviary: Aviary, name: str) -> bool:
    """Log in with what is delivered; always True, for it raises when that does not work.

    What is replaced between reading it and logging in may have ended by then.
    """
    postgres = aviary.place.stage.cluster.postgres
    where, ca = ("localhost", postgres.port, DATABASE), str(postgres.ca_file)
    with asyncio.Runner() as runner:
        while True:
            values = delivered(aviary, name)
            try:
                runner.run(log_in(*where, values["username"], values["password"], ca_file=ca))
            except NotProven:
                if delivered(aviary, name) == values:
                    raise
            else:
                return True


def delivered(aviary: Aviary, name: str) -> dict[str, str]:
    """What pods read."""
    data = aviary.place.read("Secret", f"{name}-db")["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def version(aviary: Aviary, name: str, secret: str) -> str:
    """The version of a delivered Secret, as the API server counts."""
    found = aviary.place.read("Secret", f"{name}-{secret}")
    return str(found["metadata"]["resourceVersion"])


def bystanders(aviary: Aviary) -> list[str]:
    """The versions of the Secrets of a workflow that has nothing to do with it."""
    delivered = (one for one in aviary.secrets if one != "records")
    return [version(aviary, BYSTANDER, one) for one in delivered]


def fresh() -> str:
    """A name that nobody has."""
    return f"wf-{secrets.token_hex(3)}"
