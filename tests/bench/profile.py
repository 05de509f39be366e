# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How much is measured: everything, or enough to see whether the shape broke."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """Sizes of a run.

    Attributes:
        name: `full` or `quick`.
        many: workflows of the large measurements.
        few: workflows of a small round.
        rounds: small rounds, for the spread.
        floor: workflows of each measurement of the floor.
        samples: repairs of each kind of child.
        restarts: how often the operator is killed.
        foreign: Secrets of somebody else.
        deployments: workflows with simulated pods; 0 leaves them out.
        secrets: secrets that are rotated at once, each of a workflow of its own.
        databases: databases whose users alternate.
        turns: rotations that each of them goes through.
        idle: seconds of doing nothing.
        settle: seconds of rest before memory is read.
    """

    name: str
    many: int
    few: int
    rounds: int
    floor: int
    samples: int
    restarts: int
    foreign: int
    deployments: int
    secrets: int
    databases: int
    turns: int
    idle: float
    settle: float


FULL = Profile(
    name="full",
    many=1000,
    few=100,
    rounds=5,
    floor=300,
    samples=40,
    restarts=3,
    foreign=300,
    deployments=50,
    secrets=1000,
    databases=20,
    turns=10,
    idle=120.0,
    settle=15.0,
)
QUICK = Profile(
    name="quick",
    many=100,
    few=100,
    rounds=2,
    floor=100,
    samples=9,
    restarts=1,
    foreign=60,
    deployments=0,
    secrets=50,
    databases=3,
    turns=2,
    idle=20.0,
    settle=5.0,
)
