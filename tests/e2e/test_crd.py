# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The definition before the judge that counts: what a person types, and what the server answers.

The table of samples is the one that the models read; here a real API server must say the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kubernetes.client import CustomObjectsApi
from kubernetes.client.exceptions import ApiException

from tests.cluster.access import CommandFailedError
from tests.cluster.levels import Level
from tests.cluster.waiting import until
from tests.unit.api.samples.largest import largest
from tests.unit.api.samples.near import NEAR
from tests.unit.api.samples.sample import DEPLOYMENT, Raw, Sample
from tests.unit.api.samples.table import ACCEPTED, REFUSED
from wardkeeper.api.crd import definition, ledger_definition
from wardkeeper.api.credential import CREDENTIAL_KIND, CREDENTIAL_PLURAL, IssuedCredential
from wardkeeper.api.read import read_workflow
from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.status import WorkflowStatus
from wardkeeper.api.workflow import KIND, PLURAL, HealthcareWorkflow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.access import ClusterAccess
    from tests.cluster.pool import Clusters

pytestmark = pytest.mark.cluster("api")

PLACE = (GROUP, VERSION, "default", PLURAL)
STATUS: Raw = {
    "observedGeneration": 1,
    "conditions": [
        {
            "type": "Ready",
            "status": "True",
            "reason": "Converged",
            "message": "guards are in place",
            "observedGeneration": 1,
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
    ],
    "revision": {"running": "sha256:aa", "pending": "sha256:bb"},
    "endpoints": [{"name": "ehr", "state": "Open", "reason": "Declared"}],
    "secrets": [
        {
            "name": "db",
            "engine": "KvGenerated",
            "phase": "Idle",
            "version": "3",
            "rotatedAt": "2026-01-01T00:00:00Z",
            "dueAt": "2026-01-31T00:00:00Z",
            "deadline": "2026-02-15T00:00:00Z",
            "expiresAt": "2026-02-20T00:00:00Z",
            "waitsFor": "the end of a freeze window",
        }
    ],
    "drift": {
        "repaired": 3,
        "last": {
            "kind": "NetworkPolicy",
            "name": "router-deny",
            "fields": ["spec.ingress"],
            "manager": "kubectl-edit",
            "at": "2026-01-01T00:00:00Z",
        },
    },
    "lastHandledReconcileAt": "now",
    "lastHandledRotateNow": "db",
    "endpointsSummary": "1/1",
    "nextRotation": "2026-01-31T00:00:00Z",
}


@pytest.fixture(scope="module")
def server(clusters: Clusters) -> CustomObjectsApi:
    """The API server, once it serves the definition and shows it to kubectl."""
    cluster = clusters.at(Level.API)
    cluster.apply(definition(), ledger_definition())
    api = CustomObjectsApi(cluster.api_client())

    def serves() -> bool:
        try:
            for plural in (PLURAL, CREDENTIAL_PLURAL):
                api.list_namespaced_custom_object(GROUP, VERSION, "default", plural, limit=1)
            return all(GROUP in cluster.kubectl("explain", f"{one}.spec") for one in ("hcw", "hic"))
        except (ApiException, CommandFailedError):
            return False

    until(serves, "the definition is served", seconds=30)
    return api


@pytest.fixture
def stored(server: CustomObjectsApi, namespace: str) -> Raw:
    """A workflow in a namespace of its own, as the server answered its creation."""
    body = Sample("", {"metadata.namespace": namespace}).raw()
    made: Any = server.create_namespaced_custom_object(GROUP, VERSION, namespace, PLURAL, body)
    return cast("Raw", made)


def _place(stored: Raw) -> tuple[str, str, str, str, str]:
    """Where a stored workflow is, in the order that the client wants."""
    metadata = stored["metadata"]
    return (GROUP, VERSION, metadata["namespace"], PLURAL, metadata["name"])


def _refusal(server: CustomObjectsApi, raw: Raw) -> Raw | None:
    """What the server says against `raw`, as a Status; None when it accepts it."""
    try:
        server.create_namespaced_custom_object(
            *PLACE, body=raw, dry_run="All", field_validation="Strict"
        )
    except ApiException as refusal:
        return _status(refusal)
    return None


def _status(refusal: ApiException) -> Raw:
    """The Status in an answer that is no success."""
    status: Raw = json.loads(refusal.body or "{}")
    return status


def _typed(cluster: ClusterAccess, raw: Raw) -> str:
    """What a person reads who applies `raw` with kubectl."""
    with pytest.raises(CommandFailedError) as refusal:
        cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(raw))
    return str(refusal.value)


@pytest.mark.parametrize("sample", ACCEPTED, ids=lambda sample: sample.name)
def test_a_good_workflow_is_accepted(server: CustomObjectsApi, sample: Sample) -> None:
    assert _refusal(server, sample.raw()) is None


@pytest.mark.parametrize("sample", REFUSED, ids=lambda sample: sample.name)
def test_a_bad_workflow_is_refused_with_the_field_and_the_remedy(
    server: CustomObjectsApi, sample: Sample
) -> None:
    refusal = _refusal(server, sample.raw())
    assert refusal is not None, "it was accepted"
    if sample.says == "unknown field":
        assert f'unknown field "{sample.field}"' in refusal["message"]
        return
    said = [
        cause["message"]
        for cause in refusal["details"]["causes"]
        if not sample.field or cause.get("field") == sample.field
    ]
    assert any(sample.says in one for one in said), refusal["message"]


@settings(max_examples=400, derandomize=True)
@given(st.one_of(NEAR))
def test_whatever_is_nearly_right_gets_one_answer_from_both_judges(
    server: CustomObjectsApi, sample: Sample
) -> None:
    read = read_workflow(sample.raw(), unknown="forbid")
    refusal = _refusal(server, sample.raw())
    assert isinstance(read, HealthcareWorkflow) == (refusal is None), refusal or read


def test_the_largest_workflow_stays_within_the_cost_of_rules(server: CustomObjectsApi) -> None:
    assert _refusal(server, largest()) is None


@pytest.mark.parametrize(
    ("edit", "field", "remedy"),
    [
        ({"spec.colour": "red"}, 'unknown field "spec.colour"', "unknown field"),
        ({"spec.endpoints[0].port": "443"}, "spec.endpoints[0].port", "type integer"),
        ({"metadata.name": "a" * 53}, "metadata.name", "shorten it"),
        (
            {"spec.workload.containers[0].image": "nginx:1.27"},
            "spec.workload.containers[0].image",
            "name@sha256:<64 hex digits>",
        ),
        (
            {"spec.endpoints[0].cidrs": ["0.0.0.0/0"]},
            "spec.endpoints[0].cidrs[0]",
            "name the ranges",
        ),
    ],
)
def test_a_person_reads_the_field_and_the_remedy(
    cluster: ClusterAccess, server: CustomObjectsApi, edit: Raw, field: str, remedy: str
) -> None:
    told = _typed(cluster, Sample("", edit).raw())
    assert field in told
    assert remedy in told


def test_the_kind_of_a_workload_stays(server: CustomObjectsApi, stored: Raw) -> None:
    patch = {"spec": {"workload": {"kind": "Job"}}}
    with pytest.raises(ApiException) as refusal:
        server.patch_namespaced_custom_object(*_place(stored), body=patch)
    (cause,) = _status(refusal.value)["details"]["causes"]
    assert cause["field"] == "spec.workload.kind"
    assert "delete the workflow and create it anew" in cause["message"]


def test_a_workflow_that_nobody_reconciled_says_so(stored: Raw) -> None:
    assert stored["status"] == {"observedGeneration": -1}


def test_defaults_are_written_where_they_can_be_read(stored: Raw) -> None:
    spec = stored["spec"]
    assert spec["mode"] == "Enforce"
    assert spec["criticality"] == "Standard"
    assert spec["workload"]["containers"][0]["user"] == 10001
    assert spec["secrets"][0]["delivery"] == {"onChange": "Restart"}
    assert "replicas" not in spec["workload"]


def test_defaults_are_those_of_reading(stored: Raw) -> None:
    assert read_workflow(stored) == read_workflow(
        {"metadata": stored["metadata"], "spec": DEPLOYMENT["spec"], "status": stored["status"]}
    )


def test_the_whole_status_is_kept_and_shown(
    cluster: ClusterAccess, server: CustomObjectsApi, stored: Raw, namespace: str
) -> None:
    server.patch_namespaced_custom_object_status(*_place(stored), body={"status": STATUS})
    kept: Any = server.get_namespaced_custom_object(*_place(stored))
    assert kept["status"] == STATUS
    read = WorkflowStatus.model_validate(STATUS)
    assert read.model_dump(mode="json", by_alias=True, exclude_none=True) == STATUS
    heads, row = cluster.kubectl("get", "hcw", "-n", namespace, "-o", "wide").splitlines()
    columns = ["NAME", "READY", "REASON", "CLASS", "ENDPOINTS", "SECRETS", "AGE"]
    assert heads.split() == columns
    cells = ["router", "True", "Converged", "PHI", "1/1", "2026-01-31T00:00:00Z"]
    assert row.split()[:-1] == cells
    narrow = cluster.kubectl("get", "hcw", "-n", namespace).splitlines()[0].split()
    assert narrow == [head for head in columns if head != "SECRETS"]


def test_workflows_are_found_by_what_they_handle_and_by_category(
    cluster: ClusterAccess, stored: Raw, namespace: str
) -> None:
    name = f"healthcareworkflow.wardkeeper.io/{stored['metadata']['name']}"

    def listed(*asked: str) -> list[str]:
        return cluster.kubectl("get", *asked, "-n", namespace, "-o", "name").split()

    assert listed("hcw", "--field-selector=spec.phi.classification=PHI") == [name]
    assert listed("hcw", "--field-selector=spec.phi.classification=None") == []
    assert listed("healthcare") == [name]


ENTRY: Raw = {
    "apiVersion": f"{GROUP}/{VERSION}",
    "kind": CREDENTIAL_KIND,
    "metadata": {"name": "radiology.router.db.0123456789ab"},
    "spec": {
        "workflowRef": {"namespace": "radiology", "name": "router", "uid": "u"},
        "secret": "db",
        "engine": "DatabaseDynamic",
        "rotationId": "0123456789abcdef",
        "role": "hw.radiology.router.labs",
        "source": "fingerprint",
        "request": "now",
        "before": "marker",
    },
}
ENTRY_STATUS: Raw = {
    "phase": "Current",
    "handle": {
        "kvVersion": 3,
        "lease": "vault:v1:abc",
        "serial": "7b:00",
        "slot": "a",
        "marker": "m",
        "accessor": "acc",
    },
    "issuedAt": "2026-01-01T00:00:00Z",
    "expiresAt": "2099-01-01T01:00:00Z",
    "endsAt": "2099-01-02T00:00:00Z",
    "provenAt": "2026-01-01T00:00:10Z",
    "revokeAfter": "2026-01-01T01:00:00Z",
    "rejectedAt": "2026-01-01T00:00:20Z",
    "retryAt": "2026-01-01T00:00:30Z",
    "termSeconds": 3600,
    "failures": 1,
    "lastError": "Unreachable",
}


@pytest.fixture
def entry(server: CustomObjectsApi, namespace: str) -> tuple[str, str, str, str, str]:
    """Where an entry of the ledger is that was just written."""
    place = (GROUP, VERSION, namespace, CREDENTIAL_PLURAL)
    made: Any = server.create_namespaced_custom_object(*place, body=ENTRY)
    assert made["spec"] == ENTRY["spec"]
    assert "status" not in made
    return (*place, made["metadata"]["name"])


def test_an_entry_of_the_ledger_is_kept_as_it_is_written(
    server: CustomObjectsApi, entry: tuple[str, str, str, str, str]
) -> None:
    server.patch_namespaced_custom_object_status(*entry, body={"status": ENTRY_STATUS})
    kept: Any = server.get_namespaced_custom_object(*entry)
    assert kept["status"] == ENTRY_STATUS
    read = IssuedCredential.model_validate(kept)
    assert read.status.model_dump(mode="json", by_alias=True) == ENTRY_STATUS
    assert read.spec.model_dump(mode="json", by_alias=True) == ENTRY["spec"]


def test_what_an_entry_does_not_say_takes_no_room(server: CustomObjectsApi, namespace: str) -> None:
    needed = {name: ENTRY["spec"][name] for name in ("workflowRef", "engine", "rotationId")}
    made: Any = server.create_namespaced_custom_object(
        GROUP, VERSION, namespace, CREDENTIAL_PLURAL, {**ENTRY, "spec": needed}
    )
    assert made["spec"] == needed


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"secret": "another"}, "an entry of the ledger is never changed; delete it"),
        ({"request": None}, "an entry of the ledger is never changed; delete it"),
        ({"workflowRef": {"uid": "v"}}, "an entry of the ledger is never changed; delete it"),
        ({"engine": "Magic"}, "supported values"),
    ],
)
def test_an_entry_of_the_ledger_is_never_changed(
    server: CustomObjectsApi, entry: tuple[str, str, str, str, str], change: Raw, remedy: str
) -> None:
    with pytest.raises(ApiException) as refusal:
        server.patch_namespaced_custom_object(*entry, body={"spec": change})
    assert refusal.value.status == 422
    assert remedy in _status(refusal.value)["message"]


def test_the_ledger_is_listed_by_its_short_name(
    cluster: ClusterAccess,
    server: CustomObjectsApi,
    entry: tuple[str, str, str, str, str],
    namespace: str,
) -> None:
    server.patch_namespaced_custom_object_status(*entry, body={"status": ENTRY_STATUS})
    heads, row = cluster.kubectl("get", "hic", "-n", namespace, "-o", "wide").splitlines()
    assert heads.split() == [
        *("NAME", "WORKFLOW-NAMESPACE", "WORKFLOW", "SECRET", "ENGINE", "PHASE"),
        *("ISSUED", "EXPIRES", "AGE"),
    ]
    cells = row.split()
    assert cells[:6] == [entry[-1], "radiology", "router", "db", "DatabaseDynamic", "Current"]
    assert cells[7] == "2099-01-01T01:00:00Z"
    assert "invalid" not in row
    listed = cluster.kubectl("get", "healthcare", "-n", namespace, "-o", "name").split()
    assert f"issuedcredential.wardkeeper.io/{entry[-1]}" in listed


@pytest.mark.parametrize("whole", [definition, ledger_definition])
def test_the_server_stores_the_definition_as_it_is_written(
    cluster: ClusterAccess, server: CustomObjectsApi, whole: Callable[[], Raw]
) -> None:
    wanted = whole()
    stored = cluster.get("crd", wanted["metadata"]["name"])
    assert stored is not None
    assert stored["spec"] == {**wanted["spec"], "conversion": {"strategy": "None"}}
    cluster.apply(whole())
    again = cluster.get("crd", wanted["metadata"]["name"])
    assert again is not None
    assert again["metadata"]["generation"] == stored["metadata"]["generation"]


def test_explain_says_something_at_every_node(
    cluster: ClusterAccess, server: CustomObjectsApi
) -> None:
    published = json.loads(cluster.kubectl("get", "--raw", f"/openapi/v3/apis/{GROUP}/{VERSION}"))
    schemas = published["components"]["schemas"]
    silent = [
        path
        for kind in (schemas[f"io.wardkeeper.v1alpha1.{name}"] for name in (KIND, CREDENTIAL_KIND))
        for part in ("spec", "status")
        for path, node in _walk(kind["properties"][part], part)
        if not node.get("description")
    ]
    assert silent == []
    recursive = cluster.kubectl("explain", "hcw.spec", "--recursive")
    for path in ("spec.workload.containers", "spec.endpoints.cidrs", "status.drift.last"):
        told = cluster.kubectl("explain", f"hcw.{path}")
        assert told.split("DESCRIPTION:")[1].strip()
        assert not path.startswith("spec") or f" {path.split('.')[-1]}\t" in recursive


def _walk(node: Raw, path: str) -> Iterator[tuple[str, Raw]]:
    """Each field as explain would show it; scalar entries of lists are no fields."""
    yield path, node
    inner: Any = node.get("items", node)
    for name, member in inner.get("properties", {}).items():
        yield from _walk(member, f"{path}.{name}")
