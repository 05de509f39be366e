# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`IssuedCredential`: the ledger, one object for each credential that lives. Never a value.

It stands in the operator's namespace and is written by the operator alone, so that it survives the
workflow, the workflow's namespace and the operator itself, and says what is still to be revoked.
"""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from wardkeeper.api.asked import LONGEST_ECHO
from wardkeeper.api.scalars import Label, Subdomain, Text, Time
from wardkeeper.api.schema import GROUP, Model

CREDENTIAL_KIND = "IssuedCredential"
CREDENTIAL_PLURAL = "issuedcredentials"
CREDENTIAL_SHORT = "hic"
REVOKE_FINALIZER = f"{GROUP}/revoke"


class Engine(StrEnum):
    """What makes a credential and how it is rotated."""

    KV_GENERATED = "KvGenerated"
    KV_SYNCED = "KvSynced"
    DATABASE_DYNAMIC = "DatabaseDynamic"
    DATABASE_ALTERNATING = "DatabaseAlternatingUsers"
    DATABASE_STATIC = "DatabaseStatic"
    PKI = "Pki"
    TRANSIT = "Transit"
    TOKEN = "Token"  # noqa: S105 - the name of an engine


PASSWORDS = frozenset({Engine.DATABASE_ALTERNATING, Engine.DATABASE_STATIC})
"""Engines whose credential is the password of a user that stays."""


class CredentialPhase(StrEnum):
    """How far one credential has come."""

    INTENT = "Intent"
    ISSUED = "Issued"
    CURRENT = "Current"
    SUPERSEDED = "Superseded"
    REJECTED = "Rejected"
    RETIRING = "Retiring"


class WorkflowReference(Model):
    """The workflow that the credential was made for."""

    namespace: Label = Field(description="Its namespace.")
    name: Label = Field(description="Its name.")
    uid: Text = Field(description="Its uid: a namesake has nothing to do with it.")


class CredentialHandle(Model):
    """What finds the credential again and ends it; members that do not apply are left out."""

    kv_version: int = Field(0, ge=0, description="Version of the workflow's own KV entry.")
    lease: str = Field(
        "",
        max_length=4096,
        description="Lease id, or the workflow's own token, encrypted for the operator alone.",
    )
    serial: str = Field("", max_length=128, description="Serial number of a certificate.")
    slot: str = Field("", max_length=1, description="Slot a or b, of two alternating users.")
    marker: str = Field(
        "",
        max_length=256,
        description="What its source said of itself when it was made: version, time of rotation.",
    )
    accessor: str = Field(
        "", max_length=256, description="Accessor of the token whose end is its end."
    )


class IssuedCredentialSpec(Model):
    """What was intended, recorded before anything was asked of Vault; never changed."""

    workflow_ref: WorkflowReference = Field(description="Whom it was made for.")
    secret: str = Field(
        "", max_length=40, description="Name of the secret in the workflow; empty for its token."
    )
    engine: Engine = Field(description="What makes it.")
    rotation_id: str = Field(
        min_length=1, max_length=64, description="Its place in the chain of rotations."
    )
    role: str = Field("", max_length=512, description="Role, key or path in Vault.")
    source: str = Field("", max_length=64, description="Fingerprint of what was asked for.")
    request: str = Field(
        "", max_length=LONGEST_ECHO, description="The rotate-now request it answers."
    )
    before: str = Field(
        "", max_length=256, description="What its source said of itself before it was asked."
    )


class IssuedCredentialStatus(Model):
    """How far it has come; times are on Vault's clock."""

    phase: CredentialPhase = Field(CredentialPhase.INTENT, description="How far it has come.")
    handle: CredentialHandle = Field(CredentialHandle(), description="How to find and end it.")
    issued_at: Time | None = Field(None, description="When it was made.")
    expires_at: Time | None = Field(None, description="When it ends unless it is renewed.")
    ends_at: Time | None = Field(None, description="When it ends however often it is renewed.")
    proven_at: Time | None = Field(None, description="When it was proven to work.")
    revoke_after: Time | None = Field(None, description="When it may be revoked.")
    rejected_at: Time | None = Field(None, description="When it was found not to work.")
    retry_at: Time | None = Field(None, description="When the next attempt is made.")
    term_seconds: int = Field(0, ge=0, description="For how long its lease was last granted.")
    failures: int = Field(0, ge=0, description="Attempts that failed one after the other.")
    last_error: str = Field("", max_length=256, description="Class of the last error.")


class CredentialMetadata(Model):
    """What is read of the object's metadata."""

    name: Subdomain = Field(description="Name of the object.")
    namespace: Label = Field(description="The operator's namespace.")
    uid: str = Field("", description="Its uid.")
    resource_version: str = Field("", description="Its version, which every change names.")
    creation_timestamp: str = Field("", description="When the intent was recorded.")
    deletion_timestamp: str | None = Field(None, description="When somebody asked to delete it.")


class IssuedCredential(Model):
    """One credential that lives, or is about to."""

    metadata: CredentialMetadata = Field(description="Standard metadata.")
    spec: IssuedCredentialSpec = Field(description="What was intended.")
    status: IssuedCredentialStatus = Field(
        IssuedCredentialStatus(), description="How far it has come."
    )
