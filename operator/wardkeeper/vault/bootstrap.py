# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a platform admin installs once: mounts, static policies and the operator's role.

The plan is pure and can be printed. Applying it reads every object first and writes only what
differs, so a second run changes nothing. The admin's token is used and forgotten; the operator has
no part in this and could not do it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wardkeeper.api.duration import seconds
from wardkeeper.vault import names
from wardkeeper.vault.policies import alias_name, alias_namespace, policies
from wardkeeper.vault.roles import OPERATOR_PINS, role_body

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wardkeeper.vault.access import VaultAccess

Current = dict[str, Any]

MIN_VERSIONS = 10
"""Versions of an entry that KV keeps at least, so that an older one can be gone back to."""

ACCESSOR_UNKNOWN = "ACCESSOR"
"""Stands for the accessor of the auth method in a plan that nobody has asked Vault about."""


@dataclass(frozen=True, slots=True)
class BootstrapSettings:
    """What the plan depends on.

    Attributes:
        access: where Vault is and what its mounts are called.
        operator_namespace: namespace of the operator's ServiceAccount.
        operator_service_account: its name.
        kubernetes_host: URL of the API server, as Vault reaches it.
        kubernetes_ca: PEM of the authority that signed the API server's certificate.
        reviewer_token: token of a ServiceAccount that may create TokenReviews.
        replace_reviewer_token: write the token even if Vault has one; it tells nobody which.
        trust_domain: of the SPIFFE ids in workflows' certificates.
        quarantine: whether the operator may disable entities.
    """

    access: VaultAccess
    operator_namespace: str = "wardkeeper-system"
    operator_service_account: str = "wardkeeper"
    kubernetes_host: str = "https://kubernetes.default.svc"
    kubernetes_ca: str = ""
    reviewer_token: str = field(default="", repr=False)
    replace_reviewer_token: bool = False
    trust_domain: str = "cluster.local"
    quarantine: bool = True


@dataclass(frozen=True, slots=True)
class Step:
    """One object in Vault.

    Attributes:
        title: what it is, for people.
        path: where it is written.
        body: what is written, given what is there; None when there is nothing.
        in_place: whether what is there will do.
        read_path: where it is read; the same path when empty.
        key: the part of the answer that is looked at; all of it when empty.
        hidden: keys of the body that are never shown.
        fixed: what is there can only be replaced by hand when it will not do.
    """

    title: str
    path: str
    body: Callable[[Current | None], Current] = field(repr=False)
    in_place: Callable[[Current], bool]
    read_path: str = ""
    key: str = ""
    hidden: frozenset[str] = frozenset()
    fixed: bool = False

    def shown(self) -> Current:
        """The body for people: nothing secret in it."""
        body = self.body(None)
        return {key: "(hidden)" if key in self.hidden else value for key, value in body.items()}


def bootstrap_plan(
    settings: BootstrapSettings, accessor: str = ACCESSOR_UNKNOWN
) -> tuple[Step, ...]:
    """Every object, in the order they are made."""
    return mount_steps(settings) + grant_steps(settings, accessor)


def mount_steps(settings: BootstrapSettings) -> tuple[Step, ...]:
    """The engines and the Kubernetes auth method."""
    kv, auth = settings.access.kv_mount, settings.access.auth_mount
    return (
        _engine("database", settings.access.database_mount),
        _engine("transit", settings.access.transit_mount),
        _engine("pki", settings.access.pki_mount),
        Step(
            title=f"KV v2 engine at {kv}/",
            path=f"sys/mounts/{kv}",
            body=lambda _: {"type": "kv", "options": {"version": "2"}},
            in_place=_is_kv2,
            read_path="sys/mounts",
            key=f"{kv}/",
            fixed=True,
        ),
        Step(
            title=f"configuration of {kv}/: compare-and-set only, old versions kept",
            path=f"{kv}/config",
            body=lambda now: {"cas_required": True, "max_versions": _versions(now)},
            in_place=lambda now: bool(now["cas_required"]) and now["max_versions"] >= MIN_VERSIONS,
        ),
        Step(
            title=f"Kubernetes auth method at auth/{auth}/",
            path=f"sys/auth/{auth}",
            body=lambda _: {"type": "kubernetes"},
            in_place=lambda now: bool(now["type"] == "kubernetes"),
            read_path="sys/auth",
            key=f"{auth}/",
            fixed=True,
        ),
        _auth_config(settings),
    )


def grant_steps(settings: BootstrapSettings, accessor: str) -> tuple[Step, ...]:
    """The policies, which name the auth method's accessor, and the operator's role."""
    access = settings.access
    texts = policies(access, accessor)
    if not settings.quarantine:
        del texts[names.QUARANTINE_POLICY]
    return (
        *(_policy(name, text) for name, text in texts.items()),
        _operator_role(settings),
        _ledger_key(access),
        _certificate_role(settings, accessor),
    )


def _engine(kind: str, mount: str) -> Step:
    return Step(
        title=f"{kind} engine at {mount}/",
        path=f"sys/mounts/{mount}",
        body=lambda _: {"type": kind},
        in_place=lambda now: bool(now["type"] == kind),
        read_path="sys/mounts",
        key=f"{mount}/",
        fixed=True,
    )


def _ledger_key(access: VaultAccess) -> Step:
    """The key of the operator's ledger: it is never read and never deleted."""
    return Step(
        title=f"transit key {names.LEDGER_KEY} of the operator's ledger",
        path=f"{access.transit_mount}/keys/{names.LEDGER_KEY}",
        body=lambda _: {"exportable": False},
        in_place=lambda now: not now["exportable"] and not now["deletion_allowed"],
        fixed=True,
    )


def _certificate_role(settings: BootstrapSettings, accessor: str) -> Step:
    """One role for all workflows: its names are templated by who is logged in."""
    namespace, name = alias_namespace(accessor), alias_name(accessor)
    body: Current = {
        "allowed_domains": f"{name}.{namespace}.svc",
        "allowed_domains_template": True,
        "allow_bare_domains": True,
        "allow_subdomains": True,
        "allow_glob_domains": False,
        "allow_wildcard_certificates": False,
        "allow_any_name": False,
        "allow_localhost": False,
        "allow_ip_sans": False,
        "allowed_uri_sans": f"spiffe://{settings.trust_domain}/ns/{namespace}/sa/{name}",
        "allowed_uri_sans_template": True,
        "enforce_hostnames": True,
        "require_cn": False,  # a name may be longer than the 64 characters of a common name
        "server_flag": True,
        "client_flag": True,
        "code_signing_flag": False,
        "key_type": "ec",
        "key_bits": 256,
        "max_ttl": "2160h",
        "not_before_duration": "5m",
        "no_store": False,
    }
    return Step(
        title=f"role {names.PKI_ROLE} for the certificates of workflows",
        path=f"{settings.access.pki_mount}/roles/{names.PKI_ROLE}",
        body=lambda _: dict(body),
        in_place=lambda now: all(_alike(value, now.get(key)) for key, value in body.items()),
    )


def _alike(written: Any, read: Any) -> bool:
    """Whether Vault's form of a field says what was written: lists, durations as seconds."""
    if isinstance(written, str) and isinstance(read, int) and not isinstance(read, bool):
        return bool(seconds(written) == read)
    if isinstance(written, str) and isinstance(read, list):
        return [written] == read
    return bool(written == read)


def _auth_config(settings: BootstrapSettings) -> Step:
    wanted = {
        "kubernetes_host": settings.kubernetes_host,
        "kubernetes_ca_cert": settings.kubernetes_ca,
        "disable_local_ca_jwt": True,
    }

    def in_place(now: Current) -> bool:
        same = all(_stripped(now.get(key)) == _stripped(value) for key, value in wanted.items())
        known = now.get("token_reviewer_jwt_set", True) and not settings.replace_reviewer_token
        return same and bool(known)

    return Step(
        title=f"configuration of auth/{settings.access.auth_mount}/: who reviews tokens",
        path=f"auth/{settings.access.auth_mount}/config",
        body=lambda _: {**wanted, "token_reviewer_jwt": settings.reviewer_token},
        in_place=in_place,
        hidden=frozenset({"token_reviewer_jwt"}),
    )


def _policy(name: str, text: str) -> Step:
    return Step(
        title=f"policy {name}",
        path=f"sys/policies/acl/{name}",
        body=lambda _: {"policy": text},
        in_place=lambda now: _stripped(now["policy"]) == text.strip(),
    )


def _operator_role(settings: BootstrapSettings) -> Step:
    access = settings.access
    body = role_body(OPERATOR_PINS, settings.operator_namespace, settings.operator_service_account)
    if settings.quarantine:
        body["token_policies"] += f",{names.QUARANTINE_POLICY}"
    return Step(
        title=f"role {access.operator_role} of the operator",
        path=f"auth/{access.auth_mount}/role/{access.operator_role}",
        body=lambda _: dict(body),
        in_place=lambda now: all(_same(value, now.get(key)) for key, value in body.items()),
    )


def _is_kv2(now: Current) -> bool:
    return bool(now["type"] == "kv" and (now.get("options") or {}).get("version") == "2")


def _versions(now: Current | None) -> int:
    return max(MIN_VERSIONS, int(now["max_versions"]) if now else 0)


def _same(written: str, read: Any) -> bool:
    """Whether Vault's form of a role's field says what was written: lists, seconds."""
    if isinstance(read, list):
        return sorted(written.split(",")) == sorted(read)
    if isinstance(read, int) and written.endswith("h"):
        return int(written.removesuffix("h")) * 3600 == read
    return bool(written == read)


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def in_place(step: Step, current: Mapping[str, Any] | None) -> bool:
    """Whether nothing has to be written for this step."""
    return current is not None and step.in_place(dict(current))
