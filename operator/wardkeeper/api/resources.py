# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a container is promised and what it may use at most; both are always stated."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from wardkeeper.api.quantity import CPU, MEMORY, millicores, octets
from wardkeeper.api.schema import Model, Rule, shape

Cpu = Annotated[
    str,
    StringConstraints(min_length=1, max_length=16),
    shape(
        CPU, "cpu must be above 0, in cores or thousandths of a core; write it like 2, 0.5 or 250m"
    ),
    Field(description="Processor time."),
]

Memory = Annotated[
    str,
    StringConstraints(min_length=1, max_length=16),
    shape(
        MEMORY,
        "must be a whole amount of memory above 0 with a suffix of k, M, G, Ki, Mi or Gi; write "
        "it like 128Mi",
    ),
    Field(description="An amount of memory."),
]


class Amounts(Model):
    """An amount of processor time and of memory."""

    cpu: Cpu = Field(description="Processor time in cores (2) or thousandths of a core (250m).")
    memory: Memory = Field(description="Memory in bytes with a suffix, such as 128Mi.")


class Resources(Model):
    """What a container is promised and what it may use at most."""

    obeys: ClassVar = (
        Rule(
            "!isQuantity(self.requests.cpu) || !isQuantity(self.limits.cpu) || "
            "quantity(self.requests.cpu).compareTo(quantity(self.limits.cpu)) <= 0",
            "requests.cpu is above limits.cpu; lower the request or raise the limit",
            lambda self: millicores(self.requests.cpu) <= millicores(self.limits.cpu),
            ".requests.cpu",
        ),
        Rule(
            "!isQuantity(self.requests.memory) || !isQuantity(self.limits.memory) || "
            "quantity(self.requests.memory).compareTo(quantity(self.limits.memory)) <= 0",
            "requests.memory is above limits.memory; lower the request or raise the limit",
            lambda self: octets(self.requests.memory) <= octets(self.limits.memory),
            ".requests.memory",
        ),
    )

    requests: Amounts = Field(
        description="What the scheduler reserves on the node for the container."
    )
    limits: Amounts = Field(
        description="What the container may use at most: beyond the processor time it is slowed, "
        "beyond the memory it is killed."
    )
