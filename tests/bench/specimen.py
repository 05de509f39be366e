# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The workflow that is measured, and what is made of it. Pure.

The floor writes what `render` renders and what `compose` composes, so that it stores the same
objects as the operator, byte for byte but for names and times.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from tests.bench.audit import Target
from wardkeeper.api.read import read_workflow
from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.status import WorkflowStatus
from wardkeeper.api.workflow import KIND, HealthcareWorkflow
from wardkeeper.engine.digest import spec_digest
from wardkeeper.engine.findings import Findings
from wardkeeper.engine.rollout import observe
from wardkeeper.engine.secrets.job import Supplied
from wardkeeper.engine.status import compose
from wardkeeper.kube.resource import resource_of
from wardkeeper.policy.judge import judge
from wardkeeper.render.children import render
from wardkeeper.render.surroundings import AddressAndPort, Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wardkeeper.render.metadata import Obj

API_SERVER = AddressAndPort("10.96.0.1/32", 443)
SETTINGS: dict[str, Any] = {
    "network": {"apiServer": {"cidrs": [API_SERVER.cidr], "ports": [API_SERVER.port]}}
}
"""Settings of the operator under which it renders with `SURROUNDINGS`."""

SURROUNDINGS = Surroundings(api_server=(API_SERVER,))
UID = "00000000-0000-4000-8000-000000000000"
"""Stands in rendered children where the workflow's uid belongs, which the server chooses."""

SECRET_KEY = "password"
"""The one key of a specimen's Secret."""

_IMAGE = "registry.example.org/bench/specimen@sha256:" + "5e" * 32
_PROBE = {"tcpSocket": {"port": "hl7"}}


class Specimen(NamedTuple):
    """One workflow to be.

    Attributes:
        namespace: where.
        name: how it is called.
        kind: `CronJob`, which is ready without any node, or `Deployment`.
        secret: name of its secret; empty for none.
        supply: the other members of that secret as JSON; empty: one generated value.
    """

    namespace: str
    name: str
    kind: str = "CronJob"
    secret: str = ""
    supply: str = ""

    def manifest(self) -> Obj:
        """What a user applies."""
        return {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": KIND,
            "metadata": {"namespace": self.namespace, "name": self.name},
            "spec": {
                "owner": {"team": "bench", "contact": "bench@example.org"},
                "phi": {"classification": "PHI"},
                "workload": self._workload(),
                "access": {
                    "rules": [
                        {
                            "apiGroups": [""],
                            "resources": ["configmaps"],
                            "resourceNames": ["routes"],
                            "verbs": ["get", "watch"],
                        }
                    ]
                },
                "endpoints": [
                    {
                        "name": "ehr",
                        "kind": "FHIR",
                        "host": "fhir.acme.example",
                        "cidrs": ["203.0.113.0/28"],
                        "port": 443,
                    },
                    {
                        "name": "store",
                        "kind": "Database",
                        "pods": {"matchLabels": {"app.kubernetes.io/name": "store"}},
                        "port": 5432,
                    },
                ],
                **self._secrets(),
            },
        }

    def _secrets(self) -> Obj:
        if not self.secret:
            return {}
        generated = {"kvGenerated": {"fields": [{"name": SECRET_KEY, "length": 40}]}}
        members = orjson.loads(self.supply) if self.supply else {"source": generated}
        return {"secrets": [{"name": self.secret, **members}]}

    def _workload(self) -> Obj:
        container: Obj = {
            "name": "main",
            "image": _IMAGE,
            "args": ["--once"],
            "resources": {
                "requests": {"cpu": "10m", "memory": "32Mi"},
                "limits": {"cpu": "100m", "memory": "64Mi"},
            },
            "writablePaths": [{"path": "/tmp", "size": "16Mi"}],
        }
        if self.kind == "CronJob":
            return {"kind": "CronJob", "schedule": "30 2 * * *", "containers": [container]}
        container |= {
            "ports": [{"name": "hl7", "port": 2575}],
            "probes": {"readiness": _PROBE, "liveness": _PROBE},
        }
        return {"kind": "Deployment", "replicas": 1, "containers": [container]}

    def children(self) -> tuple[Obj, ...]:
        """What the operator makes of it, the workload last; `UID` for the workflow's uid."""
        workflow = self._parsed()
        return render(workflow, judge(workflow, _nobody), SURROUNDINGS, macs={}).children

    def status(self) -> Obj:
        """The status that the operator writes once everything stands."""
        workflow = self._parsed()
        digest = spec_digest(orjson.dumps(self.manifest()["spec"]))
        found = Findings(
            generation=1,
            digest=digest,
            running=digest,
            verdict=judge(workflow, _nobody),
            guards_in_place=True,
            supplied=Supplied(()),
            rollout=observe(self._live_workload()),
        )
        return compose(WorkflowStatus(), found, datetime.now(UTC))

    def targets(self) -> Iterator[Target]:
        """Everything that the operator writes to, each once: the children and the status."""
        for child in self.children():
            metadata = child["metadata"]
            plural = resource_of(child["kind"]).plural
            yield Target(plural, metadata["namespace"], metadata["name"])
        yield Target(f"{resource_of(KIND).plural}/status", self.namespace, self.name)

    def _live_workload(self) -> Obj:
        done = {"updatedReplicas": 1, "replicas": 1, "availableReplicas": 1}
        return {**self.children()[-1], "status": done}

    def _parsed(self) -> HealthcareWorkflow:
        raw = self.manifest()
        raw["metadata"]["uid"] = UID
        workflow = read_workflow(raw)
        if not isinstance(workflow, HealthcareWorkflow):
            raise ValueError(f"the specimen is refused: {workflow}")
        return workflow


def _nobody(namespace: str, name: str) -> bool:
    return False
