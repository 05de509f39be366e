# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.histories`: one history, or one after the other until the time is over."""

from __future__ import annotations

import argparse
import logging
import random
import time
from itertools import count

from tests.cluster.cluster import Cluster
from tests.cluster.installation import Installation
from tests.e2e.furnished import hasty_pods
from tests.e2e.stage import Stage
from tests.e2e.stories import fresh_place
from tests.histories.telling import History, vanish

_log = logging.getLogger("histories")


def main() -> None:
    """Tell histories; a failed one ends the process with the log of the steps that led to it."""
    parser = argparse.ArgumentParser(prog="python -m tests.histories")
    parser.add_argument("--seed", type=int, help="of the first history; by chance if left out")
    parser.add_argument("--bursts", type=int, default=12, help="in each history")
    parser.add_argument("--steps", type=int, default=6, help="in each burst")
    parser.add_argument("--minutes", type=float, default=0.0, help="tell more until it is over")
    parser.add_argument("--calm", action="store_true", help="nothing is killed")
    parser.add_argument("--wide", action="store_true", help="more of what strangers may do")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    first = random.SystemRandom().randrange(1_000_000) if chosen.seed is None else chosen.seed
    over = time.monotonic() + 60 * chosen.minutes
    with Cluster("simulated") as cluster, Installation(cluster, vault=False) as operator:
        stage = Stage(cluster, operator)
        hasty_pods(stage)
        for seed in count(first):
            tell(stage, seed, chosen.bursts, chosen.steps, rough=not chosen.calm, wide=chosen.wide)
            memory = operator.metrics()["process_resident_memory_bytes"] / 2**20
            _log.info("seed %d is told; the operator takes %.1f MiB", seed, memory)
            if time.monotonic() > over:
                return


def tell(stage: Stage, seed: int, bursts: int, steps: int, *, rough: bool, wide: bool) -> None:
    """One history from its first workflow to the end of its namespace."""
    _log.info("seed %d: --seed %d --bursts %d --steps %d", seed, seed, bursts, steps)
    with fresh_place(stage) as place, fresh_place(stage) as elsewhere:
        history = History(place, elsewhere, seed, rough=rough, wide=wide, tell=_log.info)
        for number in range(bursts):
            _log.info("burst %d", number)
            history.burst(steps)
        history.end()
    vanish(stage, seed)


if __name__ == "__main__":
    main()
