# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What people, strangers and machines do in the life of a workflow, one function each.

Each is given a workflow that exists, and says in a few words what it did; nothing waits for the
operator unless the act is about that. What is broken in a way that nobody is told of is noted, so
that a rotation is asked for before the truth is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cluster.installation import NAMESPACE
from tests.faults.plan import Answer, Cut, Delay, Garble, LoseAnswer
from tests.lives.life import ROLES, SLOTS
from wardkeeper.api.credential import CREDENTIAL_KIND
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.stage import Obj
    from tests.lives.life import Life

    Act = Callable[[Life], str]

MOST = 4
FORGED = "forged-by-a-stranger"

PATHS = (
    ("GET", "database/creds/.*"),
    ("GET", "database/static-creds/.*"),
    ("POST", "database/rotate-role/.*"),
    ("POST", "secret/data/hw/.*"),
    ("GET", "secret/data/.*"),
    ("POST", "secret/destroy/.*"),
    ("DELETE", "secret/metadata/.*"),
    ("POST", "pki/sign/.*"),
    ("POST", "pki/revoke-with-key"),
    ("POST", "transit/encrypt/.*"),
    ("POST", "transit/decrypt/.*"),
    ("POST", "transit/keys/.*"),
    ("POST", "auth/kubernetes/login"),
    ("POST", "auth/kubernetes/role/.*"),
    ("POST", "auth/token/.*"),
    ("LIST", ".*"),
    ("PUT", "sys/leases/.*"),
    ("GET", "sys/health"),
    ("*", ".*"),
)
"""Requests of the operator that something may happen to."""

FAULTS = (
    *(
        LoseAnswer(),
        LoseAnswer(),
        LoseAnswer(),
        Cut(),
        Garble(),
        Delay(1.0),
        Delay(1.0, after=True),
    ),
    *(Answer(400), Answer(403), Answer(404), Answer(429), Answer(500), Answer(502), Answer(503)),
)


def rotate(life: Life) -> str:
    """A person asks for rotations."""
    some = life.random.sample(sorted(life.declared), life.random.randint(1, len(life.declared)))
    life.ask(*some)
    return f"asks for {some}"


def change_times(life: Life) -> str:
    """A person changes when a secret is replaced."""
    name = _one(life)
    life.declared[name] = {**life.declared[name], "rotation": life.times()}
    life.apply()
    return f"{name} has the times {life.declared[name]['rotation']}"


def change_source(life: Life) -> str:
    """A person has a secret come from somewhere else."""
    name = _one(life)
    life.declared[name] = life.draw(name)
    life.apply()
    return f"{name} becomes {life.told(name)}"


def add(life: Life) -> str:
    """A person adds a secret."""
    free = [one for one in SLOTS if one not in life.declared]
    if not free or len(life.declared) == MOST:
        return change_source(life)
    name = life.random.choice(free)
    life.declared[name] = life.draw(name)
    life.apply()
    return f"{name} is added as {life.told(name)}"


def remove(life: Life) -> str:
    """A person takes a secret out, the last one at times."""
    name = _one(life)
    del life.declared[name]
    life.apply()
    return f"{name} is taken out"


def rename(life: Life) -> str:
    """A person gives a secret another name, and leaves its source as it is."""
    name = _one(life)
    free = [one for one in SLOTS if one not in life.declared]
    if not free:
        return change_times(life)
    other = life.random.choice(free)
    life.declared[other] = {**life.declared.pop(name), "name": other}
    life.apply()
    return f"{name}, {life.told(other)}, is called {other} now"


def swap(life: Life) -> str:
    """A person has two secrets change places."""
    if len(life.declared) < 2:
        return change_times(life)
    one, other = life.random.sample(sorted(life.declared), 2)
    first, second = life.declared[one]["source"], life.declared[other]["source"]
    life.declared[one] = {**life.declared[one], "source": second}
    life.declared[other] = {**life.declared[other], "source": first}
    life.apply()
    return f"{one} and {other} change places: {life.told(one)}, {life.told(other)}"


def forge(life: Life) -> str:
    """A stranger changes a Secret."""
    name = _secret(life)
    live = life.place.get("Secret", name)
    if live is None or not live.get("data"):
        return "nothing is there to be forged"
    key = life.random.choice(sorted(live["data"]))
    changes: tuple[Obj, ...] = (
        {"stringData": {key: FORGED}},
        {"data": {key: None, "another": "eA=="}},
        {"data": {"another": "eA=="}},
        {"metadata": {"annotations": {"wardkeeper.io/rotation-id": "0" * 64}}},
        {"metadata": {"annotations": {"wardkeeper.io/content-mac": None}}},
        {"metadata": {"annotations": None}},
        {"metadata": {"labels": {"wardkeeper.io/workflow": None}}},
    )
    change = life.random.choice(changes)
    life.place.edit("Secret", name, change)
    return f"{name} is forged: {change}"


def delete_secret(life: Life) -> str:
    """A stranger deletes a Secret."""
    name = _secret(life)
    if life.place.get("Secret", name) is None:
        return "nothing is there to be deleted"
    life.place.delete("Secret", name)
    return f"{name} is deleted"


def delete_entry(life: Life) -> str:
    """A stranger deletes an entry of the ledger."""
    entries = [one["metadata"]["name"] for some in life.entries().values() for one in some]
    if not entries:
        return "there is no entry"
    name = life.random.choice(sorted(entries))
    life.place.stage.send("DELETE", CREDENTIAL_KIND, NAMESPACE, name)
    return f"entry {name} is deleted"


def lose_kv(life: Life) -> str:
    """Somebody destroys what KV keeps of a secret."""
    name = _one(life)
    path = f"hw/{life.place.namespace}/{life.name}/{name}"
    if life.scene.stage.vault_keys(f"secret/metadata/hw/{life.place.namespace}/{life.name}"):
        life.scene.bao("DELETE", f"secret/metadata/{path}")
    for entry in life.entries().get(name, ()):
        serial = entry.get("status", {}).get("handle", {}).get("serial")
        if serial:  # nobody else can, without its key
            life.scene.bao("POST", "pki/revoke", {"serial_number": serial})
    life.broken.add(name)
    return f"KV entry {name} is lost"


def end_leases(life: Life) -> str:
    """An administrator ends the leases of a role."""
    which = life.role(f"dynamic-{life.random.choice(ROLES)}")
    for lease in life.scene.furnished.databases.leases(which):
        life.scene.bao("PUT", "sys/leases/revoke", {"lease_id": lease, "sync": True})
    life.broken.update(one for one in life.declared if life.engine(one) == "Dynamic")
    return f"the leases of {which} are ended"


def rotate_static(life: Life) -> str:
    """An administrator has a static password changed."""
    which = life.role(f"static-{life.random.choice(ROLES)}")
    life.scene.bao("POST", f"database/rotate-role/{which}", {})
    life.broken.update(one for one in life.declared if life.engine(one) == "Static")
    return f"the password of {which} is changed"


def write_upstream(life: Life) -> str:
    """Somebody writes another version of what is synced."""
    path = life.random.choice(ROLES)
    life.write_upstream(path)
    life.broken.update(one for one in life.declared if life.engine(one) == "synced")
    return f"upstream {path} is at version {life.upstream[path]}"


def revoke_token(life: Life) -> str:
    """An administrator revokes the workflow's token, and with it its leases."""
    for accessor in life.scene.names("auth/token/accessors"):
        told = life.scene.bao("POST", "auth/token/lookup-accessor", {"accessor": accessor})
        meta = told["data"].get("meta") or {}
        if meta.get("role") == f"hw.w.{life.place.namespace}.{life.name}":
            life.scene.bao("POST", "auth/token/revoke-accessor", {"accessor": accessor})
    life.broken.update(life.declared)
    return "its token is revoked"


def seal(life: Life) -> str:
    """OpenBao is sealed, until the burst is over."""
    if not life.scene.bao("GET", "sys/seal-status")["sealed"]:
        life.scene.stage.cluster.openbao.seal()
    return "OpenBao is sealed"


def fault(life: Life) -> str:
    """Something goes wrong between operator and OpenBao, once or a few times."""
    method, path = life.random.choice(PATHS)
    what, nth = life.random.choice(FAULTS), life.random.randint(1, 3)
    times = life.random.choice((1, 1, 2, 4))
    life.scene.vault.on(method, path, what, nth=nth, times=times)
    return f"{method} {path} meets {what}, from number {nth} on {times} times"


def crash(life: Life) -> str:
    """The operator is killed."""
    life.scene.crash()
    return "the operator is killed"


def quarantine(life: Life) -> str:
    """A person cuts it off, and lifts that at once or when it is done."""
    life.cut_off = True
    life.place.annotate(life.name, quarantine="it is looked into")
    done = life.random.random() < 0.5
    sealed = life.scene.bao("GET", "sys/seal-status")["sealed"]
    if done and not sealed:
        life.place.until_told(life.name, "Stalled", "Quarantined", seconds=150)
    life.place.annotate(life.name, quarantine=None)
    return f"it was cut off, {'' if done and not sealed else 'not '}to the end"


def anew(life: Life) -> str:
    """A person deletes it, and creates one of the same name when it is gone."""
    sealed = life.scene.bao("GET", "sys/seal-status")["sealed"]
    life.place.delete(KIND, life.name)
    if sealed:
        life.scene.stage.cluster.openbao.unseal()
    life.until_gone()
    for name in life.random.sample(SLOTS, 2):
        life.declared[name] = life.draw(name)
    life.create()
    return f"it is made anew: {', '.join(life.told(one) for one in life.declared)}"


ACTS: dict[Act, int] = {
    rotate: 6,
    change_source: 6,
    add: 4,
    remove: 3,
    rename: 4,
    swap: 2,
    change_times: 2,
    forge: 4,
    delete_secret: 3,
    delete_entry: 4,
    lose_kv: 2,
    end_leases: 1,
    rotate_static: 2,
    write_upstream: 2,
    revoke_token: 1,
    seal: 1,
    fault: 8,
    crash: 3,
    quarantine: 2,
    anew: 2,
}
"""What may happen, and how often one is drawn in proportion to others."""

NEEDS_VAULT = frozenset({lose_kv, end_leases, rotate_static, write_upstream, revoke_token})
"""What an administrator can only do while OpenBao is not sealed."""

NEEDS_SECRETS = frozenset(
    {rotate, change_times, change_source, remove, rename, swap, forge, delete_secret, lose_kv}
)


def _one(life: Life) -> str:
    return life.random.choice(sorted(life.declared))


def _secret(life: Life) -> str:
    return f"{life.name}-{_one(life)}"
