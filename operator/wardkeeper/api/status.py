# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`status`: where a workflow stands, computed once a pass and written only when it differs."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from wardkeeper.api.asked import LONGEST_ECHO
from wardkeeper.api.scalars import Text, Time
from wardkeeper.api.schema import Model, list_map, list_set


class ConditionStatus(StrEnum):
    """Whether a condition holds."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


class EndpointState(StrEnum):
    """Whether packets to an endpoint are let through."""

    OPEN = "Open"
    CLOSED = "Closed"


class Condition(Model):
    """One observation, in the shape that kubectl wait, kstatus and Argo CD understand."""

    type: Text = Field(description="What is observed, such as Ready.")
    status: ConditionStatus = Field(description="Whether it holds: True, False or Unknown.")
    reason: Text = Field(description="Why, as one stable word from the list of reasons.")
    message: str = Field(max_length=1024, description="Why, for people, with the remedy.")
    observed_generation: int = Field(
        ge=-1, description="Generation of the spec that this speaks of."
    )
    last_transition_time: Time = Field(description="When the status last changed.")


class Revision(Model):
    """Which spec runs: SHA-256 of its canonical JSON (RFC 8785)."""

    running: Text | None = Field(None, description="Digest of the spec whose children are live.")
    pending: Text | None = Field(None, description="Digest of a spec that is not applied, if any.")


class EndpointStatus(Model):
    """Where one endpoint stands."""

    name: Text = Field(description="Name of the endpoint.")
    state: EndpointState = Field(
        description="Open when packets to it are let through, else Closed."
    )
    reason: Text = Field(description="Why, as one stable word.")


class SecretStatus(Model):
    """Where one secret stands; never a value."""

    name: Text = Field(description="Name of the secret.")
    engine: Text = Field(description="Engine that it comes from.")
    phase: Text = Field(description="What is being done about it; Idle when nothing.")
    version: Text | None = Field(None, description="Version that is delivered.")
    rotated_at: Time | None = Field(None, description="When the delivered version was made.")
    due_at: Time | None = Field(None, description="When it is replaced next.")
    deadline: Time | None = Field(None, description="When it counts as overdue.")
    expires_at: Time | None = Field(None, description="When it ends by itself.")
    waits_for: Text | None = Field(None, description="What its next step waits for.")


class DriftRecord(Model):
    """The last repair: what was changed, by which field manager; never values."""

    kind: Text = Field(description="Kind of the child.")
    name: Text = Field(description="Name of the child.")
    fields: tuple[Text, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_set(),
        description="Paths of the fields that differed.",
    )
    manager: Text = Field(description="Field manager that made the change, if it is known.")
    at: Time = Field(description="When it was repaired.")


class Drift(Model):
    """Changes that somebody else made to children and that were undone."""

    repaired: int = Field(0, ge=0, description="Repairs since the workflow was created.")
    last: DriftRecord | None = Field(None, description="The last of them.")


class WorkflowStatus(Model):
    """Where the workflow stands."""

    observed_generation: int = Field(
        -1,
        ge=-1,
        description="Generation of the spec that this status speaks of; -1 before the first.",
    )
    conditions: tuple[Condition, ...] = Field(
        (),
        max_length=16,
        json_schema_extra=list_map("type"),
        description="Observations; Ready is the one to wait for.",
    )
    revision: Revision | None = Field(None, description="Which spec runs and which one waits.")
    endpoints: tuple[EndpointStatus, ...] = Field(
        (),
        max_length=64,
        json_schema_extra=list_map("name"),
        description="Every declared endpoint, open or closed.",
    )
    secrets: tuple[SecretStatus, ...] = Field(
        (),
        max_length=32,
        json_schema_extra=list_map("name"),
        description="Every declared secret, its age and its next rotation.",
    )
    drift: Drift | None = Field(None, description="Changes by others that were undone.")
    last_handled_reconcile_at: str | None = Field(
        None,
        max_length=LONGEST_ECHO,
        description="Last value of the annotation reconcile-at acted on.",
    )
    last_handled_rotate_now: str | None = Field(
        None,
        max_length=LONGEST_ECHO,
        description="Last value of the annotation rotate-now acted on.",
    )
    endpoints_summary: str | None = Field(
        None, max_length=16, description="Open and declared endpoints, for a column: 2/3."
    )
    next_rotation: Time | None = Field(
        None, description="Earliest next rotation of any secret, for a column."
    )
