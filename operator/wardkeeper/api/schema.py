# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The base of every API model, and the words a model uses to say what its CRD schema must say.

Reading is lenient about unknown fields (`extra="ignore"`): a CRD that is newer than this operator
must not break it. Writing is strict: the API server refuses what the schema does not name.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

GROUP = "wardkeeper.io"
VERSION = "v1alpha1"

LABEL_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
SUBDOMAIN_PATTERN = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
PATH_PATTERN = r"^/[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$"
DURATION_PATTERN = r"^([0-9]+h)?([0-9]+m)?([0-9]+s)?$"

Label = Annotated[str, StringConstraints(min_length=1, max_length=63, pattern=LABEL_PATTERN)]
"""A DNS label: what Kubernetes accepts as a container or port name."""

Subdomain = Annotated[
    str, StringConstraints(min_length=1, max_length=253, pattern=SUBDOMAIN_PATTERN)
]
"""A DNS subdomain: what Kubernetes accepts as the name of most objects."""

AbsolutePath = Annotated[str, StringConstraints(min_length=2, max_length=256, pattern=PATH_PATTERN)]
"""An absolute path; a CEL rule refuses the parts `.` and `..`."""

Duration = Annotated[str, StringConstraints(min_length=2, max_length=16, pattern=DURATION_PATTERN)]
"""A Go duration of hours, minutes and seconds: `24h`, `1h30m`, `90s`. Days are written in hours."""

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Model(BaseModel):
    """An immutable piece of the API; Python names are snake_case, YAML names camelCase."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        frozen=True,
        extra="ignore",
    )


def list_map(*keys: str) -> dict[str, Any]:
    """Schema words for a list whose items merge by `keys` under server-side apply."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": list(keys)}


def list_set() -> dict[str, Any]:
    """Schema words for a list of distinct scalars."""
    return {"x-kubernetes-list-type": "set"}


def list_atomic() -> dict[str, Any]:
    """Schema words for a list that is replaced as a whole."""
    return {"x-kubernetes-list-type": "atomic"}


def rule(cel: str, message: str, field_path: str = "") -> dict[str, str]:
    """One CEL rule: what must hold, what a person reads when it does not, and where to look."""
    words = {"rule": cel, "message": message}
    if field_path:
        words["fieldPath"] = field_path
    return words


def rules(*each: dict[str, str]) -> ConfigDict:
    """Model configuration that carries CEL rules into the CRD schema."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [{**one} for one in each]})
