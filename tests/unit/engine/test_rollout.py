# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How far a Deployment has come, when its status speaks of an older generation."""

from __future__ import annotations

from typing import Any

from wardkeeper.engine.rollout import Progress, observe


def deployment(*, generation: int, observed: int, image: str = "a", ready: int = 2) -> Any:
    counts = ("replicas", "updatedReplicas", "availableReplicas")
    return {
        "kind": "Deployment",
        "metadata": {"generation": generation},
        "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": image}]}}},
        "status": {"observedGeneration": observed, **dict.fromkeys(counts, ready)},
    }


def test_a_status_of_an_older_generation_says_nothing_yet() -> None:
    assert observe(deployment(generation=2, observed=1)).progress is Progress.MOVING


def test_a_new_generation_of_the_spec_that_has_rolled_out_is_no_rollout() -> None:
    before = observe(deployment(generation=1, observed=1))
    assert before.progress is Progress.READY
    assert observe(deployment(generation=2, observed=1), before) == before


def test_another_spec_is_a_rollout() -> None:
    before = observe(deployment(generation=1, observed=1))
    now = observe(deployment(generation=2, observed=1, image="b"), before)
    assert now.progress is Progress.MOVING


def test_pods_that_went_are_seen_whatever_was_before() -> None:
    before = observe(deployment(generation=1, observed=1))
    assert observe(deployment(generation=1, observed=1, ready=1), before) != before
