# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Installed without Vault, the operator has no right on any Secret, and misses none.

A workflow that was given secrets while there was a Vault runs on with them; what became of them is
said, and they go with the workflow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.access import CommandFailedError
from tests.cluster.cluster import Cluster
from tests.cluster.installation import ACCOUNT, NAMESPACE, USER, Installation
from tests.cluster.waiting import until
from tests.component.workflows import cron_job, job, secret, workflow
from tests.e2e.stage import Stage
from tests.e2e.stories import fresh_place
from wardkeeper.api.workflow import KIND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.access import ClusterAccess
    from tests.e2e.stories import Place

ROUTER, NIGHTLY, ONCE = "router", "export", "backfill"
OVERLAY = "without-vault"
DELIVERED = f"{ROUTER}-db"
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """The operator as it is shipped for a cluster without Vault."""
    with (
        Cluster("simulated") as cluster,
        Installation(cluster, overlay=OVERLAY, vault=False) as operator,
    ):
        made = Stage(cluster, operator)
        with made.session:
            yield made


@pytest.fixture
def place(stage: Stage) -> Iterator[Place]:
    with fresh_place(stage) as made:
        yield made


def may(cluster: ClusterAccess, verb: str, resource: str, *more: str) -> bool:
    """Whether the operator may do this, anywhere."""
    own = cluster.service_account_kubeconfig(NAMESPACE, ACCOUNT)
    asked = ("auth", "can-i", "--quiet", verb, resource, "--all-namespaces", *more)
    try:
        cluster.kubectl(*asked, kubeconfig=own)
    except CommandFailedError:
        return False
    return True


def refusals(stage: Stage) -> list[str]:
    """What the operator was refused: by its own count, and what of it the audit log has."""
    told = [name for name, n in stage.operator.metrics().items() if 'code="403"' in name and n]
    written = stage.cluster.writes(USER)
    return told + [one["requestURI"] for one in written if one["responseStatus"]["code"] == 403]


@pytest.mark.parametrize("verb", ["get", "list", "watch", "create", "patch", "update", "delete"])
def test_it_has_no_right_on_any_secret(stage: Stage, verb: str) -> None:
    assert may(stage.cluster, "list", "services")
    assert not may(stage.cluster, verb, "secrets")


def test_it_gets_no_token_of_a_workflow(stage: Stage) -> None:
    assert not may(stage.cluster, "create", "serviceaccounts", "--subresource=token")
    assert may(stage.cluster, "patch", "healthcareworkflows", "--subresource=status")


def test_workflows_live_and_end_and_nothing_is_refused(stage: Stage, place: Place) -> None:
    for made in (workflow(ROUTER), cron_job(NIGHTLY), job(ONCE)):
        place.create(made)
    for name in (ROUTER, NIGHTLY, ONCE):
        place.until_ready(name)
    place.delete("NetworkPolicy", f"{ROUTER}-deny")
    place.until_event(ROUTER, "DriftRepaired")
    place.annotate(ROUTER, quarantine="a drill")
    place.until_told(ROUTER, "Ready", "Quarantined")
    until(lambda: place.get("Role", ROUTER) is None, "its rights are gone")
    place.annotate(ROUTER, quarantine=None)
    place.until_ready(ROUTER)
    for name in (ROUTER, NIGHTLY, ONCE):
        place.delete(KIND, name)
        until(lambda name=name: not place.children(name), f"nothing of {name} is left")  # type: ignore[misc]
    assert refusals(stage) == []


def test_a_workflow_that_wants_secrets_is_told_what_to_do(stage: Stage, place: Place) -> None:
    place.create(workflow(ROUTER, secrets=[secret()]))
    told = place.until_told(ROUTER, "SecretsCurrent", "VaultNotConfigured")
    assert "set vault.address in the operator's settings" in told["message"]
    assert refusals(stage) == []


def test_what_was_delivered_while_there_was_a_vault_stays_and_goes_with_the_workflow() -> None:
    with Cluster("simulated", openbao=True) as cluster, Installation(cluster) as before:
        stage = Stage(cluster, before)
        with stage.session, fresh_place(stage) as place:
            place.create(workflow(ROUTER, secrets=[secret()]))
            place.until_ready(ROUTER)
            before.stop()
            without(stage, place)


def without(stage: Stage, place: Place) -> None:
    """The same cluster, installed anew without Vault."""
    delivered = place.read("Secret", DELIVERED)["metadata"]
    generation = place.read("Deployment", ROUTER)["metadata"]["generation"]
    with Installation(stage.cluster, overlay=OVERLAY, vault=False, name="without") as after:
        later = Stage(stage.cluster, after)
        with later.session:
            here = type(place)(later, place.namespace)
            until(lambda: not may(stage.cluster, "get", "secrets"), "the rights are taken away")
            told = here.until_told(ROUTER, "SecretsCurrent", "VaultNotConfigured")
            assert "what was delivered before, if anything was, stays as it is" in told["message"]
            here.annotate(ROUTER, quarantine="a drill")
            until(
                lambda: (
                    "credentials, and the Secrets with them: no Vault is configured"
                    in here.condition(ROUTER, "Ready").get("message", "")
                ),
                "it is said that Secrets are not emptied",
            )
            here.annotate(ROUTER, quarantine=None)
            here.until_told(ROUTER, "NetworkClosed", "PoliciesInPlace")
            assert here.read("Deployment", ROUTER)["metadata"]["generation"] == generation
            assert here.read("Secret", DELIVERED)["metadata"]["uid"] == delivered["uid"]
            here.delete(KIND, ROUTER)
            until(lambda: not here.get(KIND, ROUTER), "it is let go")
            until(lambda: not here.children(ROUTER), "its Secret is collected with the rest")
            assert not here.get("Secret", DELIVERED)
