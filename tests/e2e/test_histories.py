# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Two short random histories; `python -m tests.histories` tells longer ones.

One has always the same seed. The other's is drawn anew, and is in the log of a failed test;
`WARDKEEPER_HISTORY_SEED` gives it.
"""

from __future__ import annotations

import logging
import os
import random
from typing import TYPE_CHECKING

import pytest

from tests.e2e.furnished import hasty_pods
from tests.e2e.stories import fresh_place
from tests.histories.telling import History

if TYPE_CHECKING:
    from tests.e2e.stage import Stage

_log = logging.getLogger(__name__)

GIVEN = "WARDKEEPER_HISTORY_SEED"
BURSTS, STEPS = 1, 10


def drawn() -> int:
    """A seed by chance, unless one is given."""
    return int(os.environ.get(GIVEN) or random.SystemRandom().randrange(1_000_000))


@pytest.mark.parametrize("seed", [7, None], ids=["the same as ever", "another one"])
def test_whatever_happens_the_cluster_ends_as_rendered_and_status_and_drift_tell_the_truth(
    stage: Stage, seed: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    chosen = drawn() if seed is None else seed
    _log.info("%s=%d", GIVEN, chosen)
    stage.settle()
    with fresh_place(stage) as place, fresh_place(stage) as elsewhere:
        hasty_pods(stage, place.namespace)
        history = History(place, elsewhere, chosen, rough=False, tell=_log.info)
        for _ in range(BURSTS):
            history.burst(STEPS)
        history.end()
