# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What is wanted of one secret, in the form that rotation decides by. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wardkeeper.api.secrets import OnChange
from wardkeeper.rotation.facts import Wish
from wardkeeper.rotation.times import times_of
from wardkeeper.rotation.windows import window_of

if TYPE_CHECKING:
    from datetime import timedelta

    from wardkeeper.api.secrets import SecretSpec
    from wardkeeper.engine.secrets.job import Job

GIVE_UP_BEFORE = "wardkeeper.io/give-up-before"
"""Annotation `<secret>=<version>`: old versions of a transit key may be given up."""


def wish_of(
    job: Job, spec: SecretSpec, source: str, verify: timedelta, request: str, handled: str
) -> Wish:
    """What is wanted of one secret.

    Args:
        job: the workflow.
        spec: the declared secret.
        source: fingerprint of what is asked for.
        verify: how long the workload must be ready with a new one before that counts as proven.
        request: the rotate-now request for it.
        handled: the one that was answered.
    """
    times = times_of(spec)
    return Wish(
        uid=job.uid,
        name=spec.name,
        engine=spec.engine,
        source=source,
        every=times.every,
        overlap=times.overlap,
        max_age=times.max_age,
        windows=tuple(window_of(one) for one in spec.rotation.windows),
        restarts=spec.delivery.on_change is OnChange.RESTART,
        verify=verify,
        request=request,
        handled=handled,
        approved=_approved(job.give_up_before, spec.name),
    )


def _approved(annotation: str, secret: str) -> int:
    """The version that a person approved for this secret; 0 without one that can be read."""
    for part in annotation.split(","):
        name, _, version = part.strip().partition("=")
        if name == secret and version.isdecimal():
            return int(version)
    return 0
