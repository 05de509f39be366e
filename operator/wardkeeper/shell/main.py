# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Starts the operator: arguments and settings in, an exit code out.

Exit codes: 0 stopped on request; 1 failed, or the Lease was lost: start it anew; 2 settings or
arguments cannot be used.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import socket
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from wardkeeper.kube.access import AccessError, from_kubeconfig, from_service_account
from wardkeeper.settings import SettingsError, Switch, load_settings
from wardkeeper.shell.identity import identity
from wardkeeper.shell.logs import set_up_logs
from wardkeeper.shell.metrics import Metrics
from wardkeeper.shell.process import LeaseLost, Operator

if TYPE_CHECKING:
    from collections.abc import Sequence

_log = logging.getLogger(__name__)

COLLECT = (2_000, 5, 20)
"""When cycles are collected. What is there at the start is never looked at again, so it is cheap,
and kopf leaves every event it was told in a cycle: left for long, they are most of the memory."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the operator until it is stopped; the exit code."""
    args = _parser().parse_args(arguments)
    try:
        settings = load_settings(args.settings, args.set)
        access = (
            from_kubeconfig(args.kubeconfig, args.context)
            if args.kubeconfig or args.context
            else from_service_account()
        )
    except (SettingsError, AccessError) as error:
        sys.stderr.write(f"wardkeeper: {error}\n")
        return 2
    set_up_logs(settings.logging.level, settings.logging.format)
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("kopf._core.reactor.running").setLevel(logging.ERROR)
    operator = Operator(
        settings,
        access,
        identity=identity(os.environ, lambda: f"{socket.gethostname()}_{uuid.uuid4()}"),
        metrics=Metrics(
            host=access.server,
            workers=settings.concurrency.workers,
            per_secret=settings.rotation.metrics_per_secret is Switch.ENABLED,
        ),
    )
    gc.freeze()
    gc.set_threshold(*COLLECT)
    try:
        asyncio.run(operator.run())
    except LeaseLost:
        _log.error("another process may lead; this one ends")
        return 1
    except Exception:
        _log.exception("the operator failed")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wardkeeper-operator",
        description="Watch HealthcareWorkflows and make them so. In a pod it needs no arguments.",
        epilog="example: wardkeeper-operator --kubeconfig ~/.kube/config --set logging.format=text",
    )
    parser.add_argument("--settings", type=Path, help="YAML file; every key has a default")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override one setting, such as http.port=8081; may be given again",
    )
    parser.add_argument("--kubeconfig", type=Path, help="outside of a pod: how to reach the API")
    parser.add_argument("--context", help="context in the kubeconfig; its current one if left out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
