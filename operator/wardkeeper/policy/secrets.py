# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is wrong with secrets beyond their shape: zones, shared roles, names of somebody else.

Vault would refuse some of it as well, but later and with fewer words. It must never ask whether
something exists in Vault: that changes without the spec, and is no mistake of it.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from wardkeeper.policy.verdict import Problem
from wardkeeper.policy.zones import unknown_zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wardkeeper.api.secret_sources import Source
    from wardkeeper.api.workflow import HealthcareWorkflow


def judge_secrets(workflow: HealthcareWorkflow) -> Iterator[Problem]:
    """Everything that is wrong with the secrets of a workflow."""
    return chain(
        judge_freeze_windows(workflow),
        judge_shared_sources(workflow),
        judge_certificate_names(workflow),
    )


def judge_freeze_windows(workflow: HealthcareWorkflow) -> Iterator[Problem]:
    """Whether the time zones of freeze windows exist."""
    for number, secret in enumerate(workflow.spec.secrets):
        for index, window in enumerate(secret.rotation.windows):
            field = f"spec.secrets[{number}].rotation.windows[{index}].timeZone"
            yield from unknown_zone(field, window.time_zone)


def judge_shared_sources(workflow: HealthcareWorkflow) -> Iterator[Problem]:
    """Whether two secrets would rotate one database role or one transit key.

    Each would undo what the other does, and neither could tell its own leases from the other's.
    """
    first: dict[tuple[str, str], str] = {}
    for number, secret in enumerate(workflow.spec.secrets):
        named = _named(secret.source)
        if named is None:
            continue
        if named in first:
            member, name = named
            yield Problem(
                f"spec.secrets[{number}].source.{member}",
                f"{name!r}, which secret {first[named]} names as well",
                f"{member.partition('.')[2]} must be one of its own for each secret; have an"
                " administrator make another one, or take one of the two secrets out",
            )
        first.setdefault(named, secret.name)


def judge_certificate_names(workflow: HealthcareWorkflow) -> Iterator[Problem]:
    """Whether a certificate is asked for names of the workflow alone; Vault signs no others."""
    metadata = workflow.metadata
    own = f"{metadata.name}.{metadata.namespace}.svc"
    for number, secret in enumerate(workflow.spec.secrets):
        names = secret.source.pki.dns_names if secret.source.pki else ()
        for index, name in enumerate(names):
            if name != own and not name.endswith(f".{own}"):
                yield Problem(
                    f"spec.secrets[{number}].source.pki.dnsNames[{index}]",
                    f"{name!r}, which is no name of this workflow",
                    f"dnsNames must lie below the workflow's own name; write it like a.{own}",
                )


def _named(source: Source) -> tuple[str, str] | None:
    """What nobody else may name: the field below `source`, and the name in it."""
    if source.database is not None:
        return "database.role", source.database.role
    if source.transit is not None:
        return "transit.key", source.transit.key
    return None
