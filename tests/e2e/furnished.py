# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A stage with engines for every kind of credential, whose operator sees OpenBao through a proxy.

Pods become ready at once.
"""

from __future__ import annotations

import asyncio
import base64
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cluster.access import HARDENED
from tests.cluster.authorities import Authorities
from tests.cluster.databases import DATABASE, Databases
from tests.cluster.installation import Installation
from tests.cluster.waiting import until
from tests.e2e.stage import RefusedError, Stage
from wardkeeper.proof.database import log_in
from wardkeeper.proof.errors import NotProven

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.cluster import Cluster
    from tests.e2e.stage import Obj
    from tests.faults.vault_proxy import VaultProxy

Values = dict[str, str]


@dataclass(frozen=True)
class Furnished:
    """Cluster, operator and engines.

    Attributes:
        stage: cluster and operator.
        databases: what logins are for.
        runner: where logins are tried; what a refused one leaves is cleared up by the next.
    """

    stage: Stage
    databases: Databases
    runner: asyncio.Runner

    def lets_in(self, values: Values) -> bool:
        """Whether the database lets the bearer of a login in."""
        postgres = self.stage.cluster.postgres
        try:
            self.runner.run(
                log_in(
                    "localhost",
                    postgres.port,
                    DATABASE,
                    values["username"],
                    values["password"],
                    ca_file=str(postgres.ca_file),
                )
            )
        except NotProven:
            return False
        return True


@contextmanager
def furnished(cluster: Cluster, vault: VaultProxy, **options: Any) -> Iterator[Furnished]:
    """Start the operator, with as many log lines as it has.

    Args:
        cluster: where, with OpenBao and PostgreSQL.
        vault: what the operator takes for OpenBao.
        options: what else the installation is told.
    """
    through = {"address": vault.address, "databaseCaFile": str(cluster.postgres.ca_file)}
    settings = {"vault": through, "logging": {"level": "debug"}}
    operator = Installation(cluster, settings=settings, **options)
    stage = Stage(cluster, operator)
    with stage.session, operator, asyncio.Runner() as runner:
        Authorities(cluster.openbao).add()
        databases = Databases(cluster.openbao, cluster.postgres)
        databases.install()
        hasty_pods(stage)
        yield Furnished(stage, databases, runner)


def values_of(secret: Obj) -> Values:
    """What a Secret delivers."""
    data = secret.get("data") or {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def hasty_pods(stage: Stage, namespace: str = "") -> None:
    """Have simulated pods become ready, and go, at once; in one namespace or in all."""
    name = f"hasty{namespace}"
    init = ("init-container-running", "init-container-completed")
    stages, keys = ("create", *init, "ready", "delete"), ("delay", "jitter-delay")
    told = ", ".join(
        f'"pod-{one}.stage.kwok.x-k8s.io/{key}": "0s"' for one in stages for key in keys
    )
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
    change = {"expression": f"Object{{metadata: Object.metadata{{annotations: {{{told}}}}}}}"}
    matched: dict[str, Any] = {"resourceRules": [{**rule, "operations": ["CREATE"]}]}
    if namespace:
        here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
        matched["namespaceSelector"] = here
    made: dict[str, dict[str, Any]] = {
        "MutatingAdmissionPolicy": {
            "matchConstraints": matched,
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": change}],
            "reinvocationPolicy": "Never",
            "failurePolicy": "Fail",
        },
        "MutatingAdmissionPolicyBinding": {"policyName": name},
    }
    for kind, spec in made.items():
        stage.send("POST", kind, body={"metadata": {"name": name}, "spec": spec})
    until(lambda: _hastens(stage, namespace or "default"), "pods are made hasty")


def _hastens(stage: Stage, namespace: str) -> bool:
    """Whether a pod would be told to hurry; the API server learns of a policy after it is made."""
    container = {"name": "c", "image": "made.up/image:1", "securityContext": HARDENED}
    probe = {"metadata": {"name": "probe"}, "spec": {"containers": [container]}}
    try:
        made = stage.send("POST", "Pod", namespace, body=probe, dryRun="All")
    except RefusedError:  # its namespace has no ServiceAccount yet
        return False
    return bool(made["metadata"].get("annotations"))
