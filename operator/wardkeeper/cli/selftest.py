# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper selftest`: tries an installation with a workflow of its own, and takes it away again.

`helm test` runs it in a pod beside the operator's; a person runs it with a kubeconfig.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from wardkeeper import __version__
from wardkeeper.api.container import IMAGE
from wardkeeper.cli.cluster_options import Context, Kubeconfig, cluster_of
from wardkeeper.cli.selftest_steps import FailedError, Trial, steps_of, take_away
from wardkeeper.cli.talk import EXIT_FAILED, EXIT_INVALID, fail
from wardkeeper.kube.access import AccessError, from_service_account
from wardkeeper.kube.client import Client
from wardkeeper.kube.errors import ApiError

if TYPE_CHECKING:
    from pathlib import Path

    from wardkeeper.kube.access import Access

Namespace = Annotated[
    str, typer.Option("--namespace", "-n", help="Where it is tried; the operator must work there.")
]
Image = Annotated[
    str,
    typer.Option(help="Operator's image by digest, to run as a workflow; else nothing is run."),
]
Guards = Annotated[
    bool, typer.Option(help="Whether the admission policies are there to refuse what they refuse.")
]
Seconds = Annotated[float, typer.Option("--timeout", help="Seconds to wait for each step.", min=1)]


def command(
    namespace: Namespace,
    image: Image = "",
    guards: Guards = True,
    timeout: Seconds = 120.0,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
) -> None:
    """Try Wardkeeper in a namespace: a workflow is made, guarded, attacked and removed.

    Exits with 0 when everything is as promised, with 1 when something is not or the cluster cannot
    be asked, and with 2 when it cannot begin.

    For example:

      wardkeeper selftest --namespace scratch
    """
    if image and not re.fullmatch(IMAGE, image):
        fail(
            f"--image: found {image!r}, wanted an image by its digest, name@sha256:...",
            EXIT_INVALID,
        )
    access = _access(kubeconfig, context)
    try:
        asyncio.run(_try(access, namespace, image, guards, timeout))
    except FailedError as error:
        fail(str(error), EXIT_FAILED)
    except ApiError as error:
        fail(f"{error}; check the rights of who runs this in namespace {namespace}", EXIT_FAILED)


async def _try(access: Access, namespace: str, image: str, guards: bool, seconds: float) -> None:
    name = f"selftest-{secrets.token_hex(4)}"
    async with Client(
        access, user_agent=f"wardkeeper/{__version__} selftest", field_manager="wardkeeper-selftest"
    ) as client:
        trial = Trial(client, namespace, name, image=image, guards=guards, seconds=seconds)
        try:
            await _take_steps(trial)
        finally:
            with suppress(ApiError):  # what ended it early tells more
                await take_away(trial)


async def _take_steps(trial: Trial) -> None:
    typer.echo(f"trying HealthcareWorkflow {trial.namespace}/{trial.name}")
    for words, step in steps_of(trial):
        began = time.monotonic()
        await step(trial)
        typer.echo(f"ok   {time.monotonic() - began:6.1f} s  {words}")


def _access(kubeconfig: Path | None, context: str | None) -> Access:
    """The pod's own way to the API server, or that of a kubeconfig."""
    if kubeconfig or context or "KUBERNETES_SERVICE_HOST" not in os.environ:
        return cluster_of(kubeconfig, context)[0]
    try:
        return from_service_account()
    except AccessError as error:
        fail(str(error), EXIT_INVALID)
