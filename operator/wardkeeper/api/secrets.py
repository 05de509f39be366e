# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`spec.secrets`: what a workflow needs to keep secret, and how it reaches the pods."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from wardkeeper.api.scalars import Label
from wardkeeper.api.schema import Model
from wardkeeper.api.secret_rotation import Rotation
from wardkeeper.api.secret_sources import SOURCES, Source

if TYPE_CHECKING:
    from wardkeeper.api.credential import Engine


class OnChange(StrEnum):
    """What happens to running pods when a secret changes."""

    RESTART = "Restart"
    RELOAD = "Reload"


class Delivery(Model):
    """How a change reaches the pods."""

    on_change: OnChange = Field(
        OnChange.RESTART,
        description="Restart, the default, rolls the workload out anew; Reload only changes the "
        "files, which the program has to read again by itself. Without meaning for transit.",
    )


class SecretSpec(Model):
    """A secret of the workflow: Secret <workflow>-<name>, mounted read-only as files."""

    name: Annotated[Label, StringConstraints(max_length=40)] = Field(
        description="Name, at most 40 characters; the files appear under "
        "/var/run/wardkeeper/secrets/<name>."
    )
    source: Source = Field(description="Where it comes from; exactly one source.")
    rotation: Rotation = Field(Rotation(), description="When it is replaced.")
    delivery: Delivery = Field(Delivery(), description="How a change reaches the pods.")

    @property
    def engine(self) -> Engine:
        """What makes it.

        Raises:
            ValueError: the source is none that this version knows.
        """
        engine = self.source.engine
        if engine is None:
            raise ValueError(f"secret {self.name} has no source; add one of {', '.join(SOURCES)}")
        return engine
