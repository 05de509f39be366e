# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the page of all metrics and alerts, so that it says what the code and the chart say.

    python -m wardkeeper.shell.metrics_page charts/wardkeeper/files/rules.yaml > docs/metrics.md

A tool for people who change metrics or alerts; nothing in the operator may import it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from wardkeeper.api.credential import Engine
from wardkeeper.engine.enforcement import Enforcement
from wardkeeper.engine.world import World
from wardkeeper.kube.client import Call
from wardkeeper.shell.metrics import Metrics
from wardkeeper.shell.secret_metrics import ROTATED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from prometheus_client import Metric

_HEAD = """\
<!--
SPDX-FileCopyrightText: The Wardkeeper Authors
SPDX-License-Identifier: Apache-2.0
Generated: python -m wardkeeper.shell.metrics_page charts/wardkeeper/files/rules.yaml
-->
# Metrics and alerts

The operator serves `/metrics` on port 8080. The names of passes, queue, requests and leadership
are those of Go operators, so that dashboards made for those work. None tells a value of a secret.
Only the series of single secrets grow with the workflows; `rotation.metricsPerSecret: Disabled`
leaves them out.

With Prometheus Operator, the chart installs everything: set `serviceMonitor.enabled` or
`podMonitor.enabled`, `prometheusRule.enabled` and `dashboards.enabled`. Their `labels` are what
your Prometheus, and the sidecar of your Grafana, select by. Without Prometheus Operator, the pods
carry the annotations `prometheus.io/scrape` and `prometheus.io/port`, and
`charts/wardkeeper/files/rules.yaml` is a file of rules as Prometheus reads it.

Two dashboards: *Wardkeeper / Operations* tells whether the operator works and how fast,
*Wardkeeper / Compliance* whether what was promised of workflows holds.

## Metrics

Those of the process (`process_*`, `python_gc_*`) come beside these.

| Metric | Type | Labels | Meaning |
|---|---|---|---|
"""

_ALERTS = """
## Alerts

`critical` wants somebody now, `warning` today. `prometheusRule.disabled` leaves alerts out by name.
"""


@dataclass(frozen=True, slots=True)
class _Secret:
    """A secret as a pass would tell of it."""

    name: str = "db"
    engine: Engine = Engine.KV_GENERATED
    rotated_at: datetime | None = datetime(2026, 1, 1, tzinfo=UTC)
    due_at: datetime | None = datetime(2026, 1, 2, tzinfo=UTC)
    deadline: datetime | None = datetime(2026, 1, 3, tzinfo=UTC)
    overdue: bool = False


def specimen() -> Metrics:
    """Metrics of a process that has seen one of everything, so that all series are there."""
    made = Metrics(host="host", workers=1)
    made.follow(leading=lambda: True, longest_running=lambda: 0.0)
    made.follow_canary(Enforcement)
    made.called(Call("GET", "Deployment", 200, 0.1, 0.0))
    made.repaired("NetworkPolicy")
    made.workflows.follow(_world())
    secrets = made.secrets
    secrets.follow_ledger(dict)
    secrets.seen(("namespace", "workflow"), (_Secret(),))
    secrets.rotated(Engine.KV_GENERATED, ROTATED, 1.0)
    secrets.vault_request("kv_read", "ok", 0.1)
    return made


def page(rules: Mapping[str, Any]) -> str:
    """The page in Markdown; `rules` is the file of rules."""
    rows = (" | ".join(row) for row in sorted(_rows(specimen())))
    sections = (_section(rule) for group in rules["groups"] for rule in group["rules"])
    return _HEAD + "\n".join(f"| {row} |" for row in rows) + "\n" + _ALERTS + "".join(sections)


def _world() -> World:
    """A world with one workflow that says something."""
    world = World()
    metadata = {"namespace": "n", "name": "w", "uid": "u", "resourceVersion": "1"}
    said = [{"type": "Ready", "status": "True", "reason": "Converged"}]
    world.observe_workflow({"metadata": metadata, "spec": {}, "status": {"conditions": said}})
    return world


def _rows(metrics: Metrics) -> Iterator[tuple[str, str, str, str]]:
    for family in metrics.registry.collect():
        if not family.name.startswith(("process_", "python_")):
            labels = ", ".join(f"`{one}`" for one in _labels(family))
            name = f"{family.name}_total" if family.type == "counter" else family.name
            yield f"`{name}`", family.type, labels, family.documentation


def _labels(family: Metric) -> list[str]:
    found = dict.fromkeys(label for sample in family.samples for label in sample.labels)
    return [label for label in found if label != "le"]


def _section(rule: Mapping[str, Any]) -> str:
    told = rule["annotations"]
    wait = "at once" if rule["for"] == "0m" else f"after {rule['for']}"
    return (
        f"\n### {rule['alert']}\n\n"
        f"{rule['labels']['severity'].capitalize()}, {wait}. {_readable(told['summary'])}\n\n"
        f"{_readable(told['description'])}\n\n"
        f"Fires when `{rule['expr']}`.\n"
    )


def _readable(text: str) -> str:
    """A text of an alert with capitals where it puts a value or a label."""
    text = re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: found[1].upper(), text)
    return re.sub(r"\{\{ \$value[^}]*\}\}", "N", text)


if __name__ == "__main__":
    sys.stdout.write(page(yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))))
