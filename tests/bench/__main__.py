# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The command: measure, print the table, and for a whole run write the results down.

Exit codes: 0 everything was measured, whatever it came to; 1 something could not be; 2 arguments.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tests.bench.environment import describe
from tests.bench.page import page
from tests.bench.profile import FULL, QUICK
from tests.bench.suite import MEASUREMENTS, Suite
from tests.cluster.progress import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.results import Row

PROJECT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent / "results" / "latest.json"
PAGE = PROJECT / "docs" / "benchmarks.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; the exit code."""
    args = _parser().parse_args(arguments)
    if args.page:
        PAGE.write_text(page(orjson.loads(RESULTS.read_bytes())))
        return 0
    chosen = frozenset(args.names or MEASUREMENTS)
    profile = QUICK if args.quick else FULL
    began, environment = time.monotonic(), describe()
    rows = asyncio.run(Suite(Report(), profile, chosen).run())
    document = {
        "date": datetime.now(UTC).date().isoformat(),
        "profile": profile.name,
        "minutes": round((time.monotonic() - began) / 60, 1),
        "environment": environment,
        "rows": [row.document() for row in rows],
    }
    sys.stdout.write("\n".join(table(rows)) + "\n")
    whole = chosen == frozenset(MEASUREMENTS) and not args.quick
    if whole:
        _write(RESULTS, document)
        PAGE.write_text(page(document))
    if args.json:
        _write(args.json, document)
    return 1 if any(row.problem for row in rows) else 0


def table(rows: Sequence[Row]) -> list[str]:
    """The rows for a terminal; what missed its target says so in capitals."""
    lines = []
    for row in rows:
        told = row.document()
        lines.append(f"{row.id}  {row.verdict:<12}  {row.what}: {told['measured']}")
        if row.verdict == "MISSED":
            lines.append(f"{'':<18}wanted: {told['target']}")
    return lines


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _name(text: str) -> str:
    if text not in MEASUREMENTS:
        raise argparse.ArgumentTypeError(f"{text}: not one of {', '.join(MEASUREMENTS)}")
    return text


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name}  {what}" for name, what in MEASUREMENTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Speed and memory of the operator on a real control plane.",
        epilog=f"measurements:\n{listed}\n\na whole run writes {RESULTS.name} and {PAGE.name}",
    )
    parser.add_argument(
        "names", nargs="*", type=_name, metavar="B1", help="only these; all when left out"
    )
    parser.add_argument("--quick", action="store_true", help="100 workflows, under four minutes")
    parser.add_argument(
        "--page", action="store_true", help=f"measure nothing, make {PAGE.name} of the results anew"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    return parser


if __name__ == "__main__":
    sys.exit(main())
