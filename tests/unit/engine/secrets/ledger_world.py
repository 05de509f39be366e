# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""An API server that has nothing but the ledger, and a Vault that makes tokens; both in memory."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, cast

import jsonpatch
import jsonpointer

from tests.unit.engine.secrets.drivers.fake import FakeKv, FakeOperator, FakeOwn, FakeVault
from wardkeeper.api.credential import Engine
from wardkeeper.engine.secrets.job import SecretServices
from wardkeeper.engine.secrets.ledger import Ledger, Owner
from wardkeeper.engine.secrets.sources import Sources
from wardkeeper.engine.secrets.tokens import Tokens
from wardkeeper.kube.errors import ApiError, Conflict, Invalid, NotFound
from wardkeeper.proof.csr import new_key_and_csr
from wardkeeper.rotation.credential import Credential, Handle
from wardkeeper.rotation.identity import rotation_id
from wardkeeper.rotation.version import write_version
from wardkeeper.vault.errors import Kind, VaultError
from wardkeeper.vault.pki import StoredCertificate
from wardkeeper.vault.token import Login

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wardkeeper.kube.client import Client
    from wardkeeper.vault.own import OwnVault
    from wardkeeper.vault.workflows import WorkflowVault

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SYSTEM = "wardkeeper-system"
OWNER = Owner("radiology", "router", "uid-of-router")
PERIOD = 86400.0
TOKEN_CANARY = "s.k4n4ry"


@dataclass
class Api:
    """The part of `Client` that the ledger uses.

    Attributes:
        objects: every entry by name.
        told: what a watch would have told: type and object.
        asked: every request: verb and name.
        fails: raised by the next write with this verb, before or after it was carried out.
    """

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    fails: tuple[str, ApiError] | None = None
    version: int = 100
    born: int = 0

    def writes(self) -> list[str]:
        return [verb for verb, _ in self.asked if verb != "get"]

    async def create(self, obj: dict[str, Any]) -> dict[str, Any]:
        name = obj["metadata"]["name"]
        self._ask("create", name)
        if name in self.objects:
            raise Conflict(409, "AlreadyExists", name)
        self.born += 1
        metadata = {
            **obj["metadata"],
            "uid": f"object-{self.born}",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [{"manager": "wardkeeper"}],
        }
        return self._put("ADDED", {**obj, "metadata": metadata})

    async def get(self, _: Any, namespace: str, name: str, **__: Any) -> dict[str, Any]:
        self._ask("get", name)
        return copy.deepcopy(self._find(name))

    async def json_patch(
        self,
        _: Any,
        namespace: str,
        name: str,
        ops: Sequence[dict[str, Any]],
        *,
        subresource: str = "",
    ) -> dict[str, Any]:
        self._ask("patch", name)
        live = self._find(name)
        try:
            new = jsonpatch.apply_patch(copy.deepcopy(live), list(ops))
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException):
            raise Invalid(422, "Invalid", name) from None
        assert (new.get("status") != live.get("status")) <= (subresource == "status")
        metadata = new["metadata"]
        if "deletionTimestamp" in metadata and not metadata.get("finalizers"):
            return self._remove(name)
        return self._put("MODIFIED", new)

    async def delete(self, _: Any, namespace: str, name: str, *, uid: str) -> bool:
        self._ask("delete", name)
        if name not in self.objects:
            return False
        if self.objects[name]["metadata"]["uid"] != uid:
            raise Conflict(409, "Conflict", name)
        self.doom(name)
        return True

    def doom(self, name: str) -> None:
        """Somebody asks to delete an entry."""
        new = copy.deepcopy(self.objects[name])
        new["metadata"].setdefault("deletionTimestamp", "2026-01-02T00:00:00Z")
        if new["metadata"].get("finalizers"):
            self._put("MODIFIED", new)
        else:
            self._remove(name)

    def edit(self, name: str, **metadata: Any) -> None:
        """Somebody changes an entry's metadata."""
        new = copy.deepcopy(self.objects[name])
        new["metadata"].update(metadata)
        self._put("MODIFIED", new)

    def _ask(self, verb: str, name: str) -> None:
        self.asked.append((verb, name))
        if self.fails is not None and self.fails[0] == verb:
            _, error = self.fails
            self.fails = None
            raise error

    def _find(self, name: str) -> dict[str, Any]:
        if name not in self.objects:
            raise NotFound(404, "NotFound", name)
        return self.objects[name]

    def _put(self, change: str, obj: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.objects[obj["metadata"]["name"]] = obj
        self.told.append((change, copy.deepcopy(obj)))
        return copy.deepcopy(obj)

    def _remove(self, name: str) -> dict[str, Any]:
        obj = self.objects.pop(name)
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        self.told.append(("DELETED", copy.deepcopy(obj)))
        return obj


class Kv(FakeKv):
    """`OwnPath` with the end of an entry."""

    def __init__(self, vault: TokenVault) -> None:
        super().__init__(vault)
        self._all = vault

    async def remove(self, secret: str) -> None:
        self._all.run("kv.remove", lambda: self._all.kv.pop(secret, None))


@dataclass
class TokenVault(FakeVault):
    """A Vault with roles and tokens.

    Attributes:
        tokens: what lives, and when it ends.
        roles: workflows that have roles.
        disabled: workflows whose entities are disabled.
        denies: calls that are refused for good.
        loses: calls during which it goes away.
    """

    tokens: dict[str, datetime] = field(default_factory=dict)
    roles: set[str] = field(default_factory=set)
    disabled: set[str] = field(default_factory=set)
    denies: set[str] = field(default_factory=set)
    loses: set[str] = field(default_factory=set)
    away: bool = False
    logins: int = 0

    def run(self, name: str, act: Any) -> Any:
        if self.away or name in self.loses:
            self.calls.append(name)
            raise VaultError(Kind.UNREACHABLE, name)
        if name in self.denies:
            self.calls.append(name)
            raise VaultError(Kind.DENIED, name)
        return super().run(name, act)


class Operator(FakeOperator):
    """`WorkflowVault` with roles and tokens."""

    skew = timedelta()

    def __init__(self, vault: TokenVault) -> None:
        super().__init__(vault)
        self.state = vault

    async def now(self) -> datetime:
        return self.state.now

    async def ensure_roles(self, namespace: str, name: str) -> None:
        self.state.run("ensure_roles", lambda: self.state.roles.add(f"{namespace}/{name}"))

    async def delete_roles(self, namespace: str, name: str) -> None:
        self.state.run("delete_roles", lambda: self.state.roles.discard(f"{namespace}/{name}"))

    async def log_in(self, namespace: str, name: str, jwt: str) -> Login:
        def act() -> Login:
            assert jwt == f"jwt-of-{namespace}/{name}"
            if f"{namespace}/{name}" not in self.state.roles:
                raise VaultError(Kind.ROLE_MISSING, "log in")
            self.state.logins += 1
            token = f"{TOKEN_CANARY}-{self.state.logins}"
            self.state.tokens[token] = self.state.now + timedelta(seconds=PERIOD)
            return Login(token, PERIOD, f"accessor-{self.state.logins}")

        return cast("Login", self.state.run("log_in", act))

    async def renew(self, token: str) -> float:
        def act() -> float:
            if self.state.tokens.get(token, NOW) <= self.state.now or not self.state.roles:
                raise VaultError(Kind.DENIED, "renew")
            self.state.tokens[token] = self.state.now + timedelta(seconds=PERIOD)
            return PERIOD

        return cast("float", self.state.run("renew", act))

    async def revoke_self(self, token: str) -> None:
        self.state.run("revoke_self", lambda: self.state.tokens.pop(token, None))

    async def disable_entities(self, namespace: str, name: str) -> int:
        self.state.run("disable_entities", lambda: self.state.disabled.add(f"{namespace}/{name}"))
        return 1

    async def certificate(self, serial: str) -> StoredCertificate:
        found = self.state.run("certificate", lambda: self.state.certificates[serial])
        return StoredCertificate(found.pem, found.revoked)

    def as_workflow(self, token: str, namespace: str, name: str) -> OwnVault:
        assert token in self.state.tokens
        own = FakeOwn(self.state)
        own.kv = Kv(self.state)
        return cast("OwnVault", own)


@dataclass
class LedgerWorld:
    """A ledger with what it keeps books of; a new process begins with `again`."""

    api: Api = field(default_factory=Api)
    vault: TokenVault = field(default_factory=lambda: TokenVault(now=NOW))
    jwts: int = 0

    def __post_init__(self) -> None:
        self.again()

    def again(self) -> None:
        """A process that knows nothing takes over and has listed the ledger."""
        self.operator = cast("WorkflowVault", Operator(self.vault))
        self.ledger = Ledger(cast("Client", self.api), SYSTEM)
        for obj in self.api.objects.values():
            self.ledger.observe("ADDED", copy.deepcopy(obj))
        self.api.told.clear()
        self.tokens = Tokens(self.ledger, self.operator, self.jwt, lambda: self.vault.now)
        self.services = SecretServices(
            vault=self.operator,
            ledger=self.ledger,
            tokens=self.tokens,
            drivers={},
            sources=Sources(lambda: 0.0),
            publish=cast("Any", None),
            clock=lambda: self.vault.now,
            random=Random(1),
        )

    async def jwt(self, namespace: str, name: str) -> str:
        self.jwts += 1
        return f"jwt-of-{namespace}/{name}"

    def without_vault(self) -> SecretServices:
        """The same where no Vault is configured."""
        return replace(self.services, vault=None, tokens=None)

    def hear(self) -> None:
        """The watch catches up."""
        for change, obj in self.api.told:
            self.ledger.observe(change, obj)
        self.api.told.clear()

    def passes(self, seconds: float) -> None:
        """Time passes, on all clocks."""
        self.vault.now += timedelta(seconds=seconds)

    async def entry(
        self,
        engine: Engine,
        secret: str = "db",
        previous: str = "",
        owner: Owner = OWNER,
        role: str = "",
        **status: Any,
    ) -> Credential:
        """An entry that was intended, and noted if there is something to note."""
        made = await self.ledger.intend(
            owner,
            Credential("", secret, engine, rotation_id(owner.uid, secret, previous), role=role),
        )
        return await self.ledger.note(made, **status) if status else made

    async def certificate(self, secret: str = "tls", owner: Owner = OWNER) -> Credential:
        """A certificate in use, with its key in KV."""
        name = f"{owner.name}.{owner.namespace}.svc"
        request = new_key_and_csr(name, (name,), ("spiffe://c/ns/n/sa/w",))
        signed = await FakeOwn(self.vault).pki.sign(
            request.csr_pem, common_name=name, dns_names=(name,), uris=("u",), ttl=1
        )
        chain = "\n".join((signed.certificate, *signed.chain))
        data = {"tls.crt": chain, "tls.key": request.key_pem, "ca.crt": ""}
        handle = Handle(self.keep(secret, data, owner=owner), serial=signed.serial)
        end = NOW + timedelta(days=1)
        return await self.entry(
            Engine.PKI,
            secret,
            owner=owner,
            handle=handle,
            issued_at=NOW,
            proven_at=NOW,
            expires_at=end,
            ends_at=end,
        )

    async def lease(
        self,
        secret: str = "db",
        accessor: str = "accessor-1",
        owner: Owner = OWNER,
        lasts: timedelta = timedelta(days=30),
    ) -> Credential:
        """A database user in use, with its password in KV; its lease outlasts any token."""
        role = f"hw.{owner.namespace}.{owner.name}.{secret}"
        login = await FakeOwn(self.vault).database.creds(role)
        return await self.entry(
            Engine.DATABASE_DYNAMIC,
            secret,
            owner=owner,
            role=role,
            handle=Handle(
                self.keep(secret, {"password": login.password}, owner=owner),
                lease=await self.operator.encrypt(login.lease),
                accessor=accessor,
            ),
            issued_at=NOW,
            proven_at=NOW,
            expires_at=NOW + lasts,
        )

    async def values(
        self, secret: str = "key", role: str = "Remove", owner: Owner = OWNER
    ) -> Credential:
        """Values that were drawn and that KV alone keeps."""
        handle = Handle(self.keep(secret, {"key": "k4n4ry"}, owner=owner))
        return await self.entry(
            Engine.KV_GENERATED, secret, owner=owner, role=role, handle=handle, issued_at=NOW
        )

    async def static(self, secret: str = "report", slot: str = "", **status: Any) -> Credential:
        """The password of a user that exists already."""
        role = f"hw.radiology.router.{secret}{slot and f'.{slot}'}"
        self.vault.statics.setdefault(role, (NOW, 1))
        return await self.entry(
            Engine.DATABASE_ALTERNATING if slot else Engine.DATABASE_STATIC,
            secret,
            previous=slot,
            role=role,
            handle=Handle(
                self.keep(secret, {"password": "k4n4ry"}, slot), slot=slot, marker="then"
            ),
            issued_at=NOW,
            proven_at=NOW,
            **status,
        )

    async def everything(self) -> None:
        """One credential of each kind, and nothing asked of Vault yet that is counted."""
        await self.tokens.own(OWNER)
        await self.certificate()
        await self.lease()
        await self.values()
        await self.static()
        await self.static("pair", "a")
        await self.static("pair", "b", revoke_after=NOW)
        await self.entry(Engine.TRANSIT, "sealing", issued_at=NOW, handle=Handle(marker="2"))
        self.vault.calls.clear()

    def keep(
        self, secret: str, data: dict[str, str], previous: str = "", owner: Owner = OWNER
    ) -> int:
        """Keep a version in KV; its number."""
        versions = self.vault.kv.setdefault(secret, [])
        made_by = rotation_id(owner.uid, secret, previous)
        versions.append(
            write_version(data, rotation_id=made_by, uid=owner.uid, before=None, random=Random(1))
        )
        return len(versions)

    def raw(self, credential: Credential) -> dict[str, Any]:
        """An entry as the API server has it."""
        return self.api.objects[credential.name]
