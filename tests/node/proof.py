# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The record of what was tried on a real node: what should happen, and what did.

Every probe is written down before it is judged. From a full run comes `docs/proof.md`; what in it
is not a measurement must be the same in every run.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.cluster.node.probe import ANSWERED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PASSES, STOPPED = "passes", "is stopped"

SECTIONS = {
    "out": (
        "Packets that a workflow sends",
        "From the pod of a workflow. The control is a pod that no policy selects, or the node "
        "itself for what a policy closes to that pod; it shows that the place answers.",
    ),
    "in": (
        "Packets that are sent to a workflow",
        "To the pod of a workflow, at the one port that it declares and at two that it does not. "
        "The control is the node, which no NetworkPolicy binds: the kubelet has to reach probes.",
    ),
    "upheaval": (
        "While something changes",
        "New connections, 50 a second, each judged by itself. `declared` and `undeclared` are "
        "all places of the first table.",
    ),
    "files": (
        "What a workflow can write and read",
        "By a process in the pod. The control is a pod with the same image and no restrictions.",
    ),
    "identity": ("Who a workflow is", "By a process in the pod."),
    "operator": ("The operator itself", "Two replicas, installed by Helm."),
    "runs": ("Workloads", "Run by the kubelet; Jobs and CronJobs to their end."),
}
"""What is told, in this order: title and how it was tried."""

HEAD = """\
<!--
SPDX-FileCopyrightText: The Wardkeeper Authors
SPDX-License-Identifier: Apache-2.0
-->
# Proof

What `tests/node` tries against the operator as it is installed, on a real node: containerd,
kubelet, kube-proxy, kube-router, Kubernetes {version}. Every place that is tried has an address
inside the test's own network and something that answers there: silence means that the packet was
stopped.

`WARDKEEPER_UPDATE_PROOF=1 make test ARGS=tests/node` writes this page; a run without that compares.
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that was tried.

    Attributes:
        section: key of SECTIONS.
        what: what was tried, in words.
        expected: what should happen.
        seen: what did.
        control: what happened without what is proven.
        measured: a time or a number; differs from run to run.
    """

    section: str
    what: str
    expected: str
    seen: str
    control: str = ""
    measured: str = ""


@dataclass
class Proof:
    """Everything that was tried in one run."""

    version: str = ""
    probes: list[Probe] = field(default_factory=list)

    def note(
        self,
        section: str,
        what: str,
        expected: str,
        seen: str,
        *,
        control: str = "",
        measured: str = "",
    ) -> None:
        """Write a probe down, then judge it.

        Raises:
            AssertionError: what was seen is not what was expected.
        """
        probe = Probe(section, what, expected, seen, control, measured)
        self.probes.append(probe)
        assert seen == expected, f"{what}: expected {expected}, seen {seen} {measured}"

    def packets(
        self,
        section: str,
        places: Mapping[str, str],
        expected: str,
        seen: Mapping[str, str],
        control: Mapping[str, str],
    ) -> None:
        """Write down what became of packets to places, by their names; then judge all of them.

        Raises:
            AssertionError: names every place that behaves otherwise, and each whose control did
                not answer, for then nothing is proven.
        """
        wrong = []
        for what, place in places.items():
            probe = Probe(section, what, expected, verdict(seen[place]), verdict(control[place]))
            self.probes.append(probe)
            if probe.seen != expected or probe.control != PASSES:
                wrong.append(f"{what} ({place}): {seen[place]}, control {control[place]}")
        assert not wrong, f"expected {expected}: {'; '.join(wrong)}"

    def page(self) -> str:
        """All of it, as `docs/proof.md` tells it."""
        tables = (self._table(key) for key in SECTIONS)
        return HEAD.format(version=self.version) + "".join(tables)

    def _table(self, key: str) -> str:
        title, how = SECTIONS[key]
        probes = [probe for probe in self.probes if probe.section == key]
        columns = ["Probe", "Expected", "Seen"]
        more = [name for name in ("control", "measured") if any(getattr(p, name) for p in probes)]
        lines = [" | ".join([*columns, *(name.capitalize() for name in more)])]
        lines.append("|".join(["---"] * (len(columns) + len(more))))
        for probe in probes:
            extra = [getattr(probe, name) for name in more]
            lines.append(" | ".join([probe.what, probe.expected, probe.seen, *extra]))
        table = "\n".join(f"| {line} |" if "---" not in line else f"|{line}|" for line in lines)
        return f"\n## {title}\n\n{how}\n\n{table}\n"


def verdict(outcome: str) -> str:
    """What became of a packet, in the words of the page."""
    return PASSES if outcome == ANSWERED else STOPPED


def without_measurements(page: str) -> str:
    """The page as every run must give it: measurements, and their column's width, left out."""
    lines = []
    measured = None
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line[:1] == "|" else []
        if cells[:1] == ["Probe"]:
            measured = cells.index("Measured") if "Measured" in cells else None
        if cells and measured is not None:
            cells.pop(measured)
        lines.append(" | ".join(cells) if cells else line)
    return "\n".join(lines)


def settle(proof: Proof, page: Path, *, update: bool) -> str:
    """Write the page, or compare with what is there; what differs, in words."""
    text = proof.page()
    if update:
        page.write_text(text)
        return ""
    old = page.read_text() if page.exists() else ""
    if without_measurements(old) == without_measurements(text):
        return ""
    return (
        f"{page.name} does not say what was seen: read the difference after "
        "`WARDKEEPER_UPDATE_PROOF=1 make test ARGS=tests/node`"
    )
