# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Serves the canary until it is stopped.

It listens on two ports, one that its workflow declares and one that it does not: who reaches the
second one has found an open network. Asked on the first one, it tries the two ports of the operator
that asks, of which its workflow declares one.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from typing import TYPE_CHECKING

from wardkeeper.canary.server import Ports, serving

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    args = _parser().parse_args(arguments)
    ports = Ports(args.port, args.undeclared_port, args.operator_port, args.operator_undeclared)
    asyncio.run(_serve(ports))
    return 0


async def _serve(ports: Ports) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(ports):
        await stop.wait()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="wardkeeper-canary",
        description="Try from within a workflow's network what the operator asks for.",
    )
    parser.add_argument("--port", type=int, default=8080, help="declared; answers the operator")
    parser.add_argument("--undeclared-port", type=int, default=8081, help="must not be reached")
    parser.add_argument("--operator-port", type=int, default=8080, help="of the operator, declared")
    parser.add_argument(
        "--operator-undeclared", type=int, default=8081, help="of the operator, must not be reached"
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
