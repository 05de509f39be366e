# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What differs, by the words of managedFields as the API server writes them."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import pytest

from wardkeeper.engine.compare import compare
from wardkeeper.engine.ownership import setters, undesired
from wardkeeper.engine.removal import disowning, giving_up, removal

CONTAINER = 'k:{"name":"router"}'
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {
        "name": "router",
        "namespace": "radiology",
        "labels": {"app": "router"},
        "ownerReferences": [{"uid": "u", "name": "router", "controller": True}],
    },
    "spec": {
        "replicas": 2,
        "template": {
            "metadata": {"labels": {"app": "router"}},
            "spec": {
                "containers": [
                    {
                        "name": "router",
                        "image": "i",
                        "env": [{"name": "A", "value": "1"}, {"name": "B"}],
                        "ports": [{"name": "hl7", "containerPort": 2575, "protocol": "TCP"}],
                        "volumeMounts": [
                            {"name": "claim", "mountPath": "/a"},
                            {"name": "claim", "mountPath": "/b"},
                        ],
                    }
                ],
            },
        },
    },
}
SECRET: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {
        "name": "router-db",
        "namespace": "radiology",
        "annotations": {"wardkeeper.io/version": "1"},
    },
    "type": "Opaque",
    "data": {"password": "c2VjcmV0"},
}


def entry(
    fields: dict[str, Any],
    manager: str = "kubectl-edit",
    operation: str = "Update",
    subresource: str = "",
) -> dict[str, Any]:
    made = {"manager": manager, "operation": operation, "fieldsV1": fields}
    return {**made, "subresource": subresource} if subresource else made


OURS = entry({}, "wardkeeper", "Apply")


def stored(*entries: dict[str, Any], desired: dict[str, Any] = DEPLOYMENT) -> dict[str, Any]:
    obj = copy.deepcopy(desired)
    if not any(one["manager"] == "wardkeeper" for one in entries):
        entries = (OURS, *entries)
    obj["metadata"] |= {"uid": "live-uid", "managedFields": list(entries)}
    return obj


def pod(obj: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = obj["spec"]["template"]["spec"]
    return spec


def in_pod(fields: dict[str, Any]) -> dict[str, Any]:
    return {"f:spec": {"f:template": {"f:spec": fields}}}


def in_router(fields: dict[str, Any]) -> dict[str, Any]:
    return in_pod({"f:containers": {CONTAINER: fields}})


def paths(desired: dict[str, Any], live: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one.path, one.manager) for one in compare(desired, live).differences]


def test_an_object_as_it_was_applied_is_clean() -> None:
    comparison = compare(DEPLOYMENT, stored())
    assert comparison.clean
    assert comparison.differences == ()


def test_fields_that_nobody_set_are_defaults() -> None:
    live = stored()
    pod(live)["dnsPolicy"] = "ClusterFirst"
    pod(live)["containers"][0]["terminationMessagePath"] = "/dev/termination-log"
    live["spec"]["template"]["metadata"]["creationTimestamp"] = None
    assert compare(DEPLOYMENT, live).clean


def test_a_sidecar_is_foreign_and_named() -> None:
    live = stored(
        entry(
            in_pod({"f:containers": {'k:{"name":"eve"}': {".": {}, "f:name": {}, "f:image": {}}}})
        )
    )
    pod(live)["containers"].insert(0, {"name": "eve", "image": "x"})
    comparison = compare(DEPLOYMENT, live)
    assert not comparison.apply
    assert comparison.foreign == (("spec", "template", "spec", "containers", 0),)
    assert paths(DEPLOYMENT, live) == [("spec.template.spec.containers[eve]", "kubectl-edit")]


def test_an_edit_beside_a_sidecar_is_found_where_it_is() -> None:
    live = stored(
        entry(
            in_pod(
                {
                    "f:containers": {
                        'k:{"name":"eve"}': {".": {}, "f:name": {}},
                        CONTAINER: {"f:image": {}},
                    }
                }
            )
        )
    )
    pod(live)["containers"].insert(0, {"name": "eve"})
    pod(live)["containers"][1]["image"] = "other"
    assert paths(DEPLOYMENT, live) == [
        ("spec.template.spec.containers[router].image", "kubectl-edit"),
        ("spec.template.spec.containers[eve]", "kubectl-edit"),
    ]


def test_a_variable_in_a_list_is_found_by_its_key() -> None:
    live = stored(
        entry(in_router({"f:env": {'k:{"name":"EVE"}': {".": {}, "f:name": {}, "f:value": {}}}}))
    )
    pod(live)["containers"][0]["env"].insert(1, {"name": "EVE", "value": "x"})
    found = compare(DEPLOYMENT, live)
    assert found.foreign == (("spec", "template", "spec", "containers", 0, "env", 1),)


def test_a_port_without_protocol_is_the_tcp_one() -> None:
    key = 'k:{"containerPort":2575,"protocol":"TCP"}'
    live = stored(entry(in_router({"f:ports": {key: {".": {}, "f:hostPort": {}}}})))
    port = pod(live)["containers"][0]["ports"][0]
    del port["protocol"]
    port["hostPort"] = 2575
    desired = copy.deepcopy(DEPLOYMENT)
    del pod(desired)["containers"][0]["ports"][0]["protocol"]
    assert paths(desired, live) == [
        ("spec.template.spec.containers[router].ports[hl7].hostPort", "kubectl-edit")
    ]


def test_a_volume_mounted_twice_is_told_by_its_paths() -> None:
    live = stored()
    pod(live)["containers"][0]["volumeMounts"].reverse()
    assert compare(DEPLOYMENT, live).clean


@pytest.mark.parametrize(
    "fields",
    [
        {"f:metadata": {"f:labels": {".": {}, "f:team": {}}}},
        {"f:metadata": {"f:annotations": {".": {}, "f:note": {}}}},
        {"f:metadata": {"f:finalizers": {".": {}, 'v:"example.org/keep"': {}}}},
        {"f:metadata": {"f:ownerReferences": {'k:{"uid":"x"}': {}}}},
        {"f:status": {"f:replicas": {}}},
    ],
)
def test_additions_to_metadata_and_status_are_left_alone(fields: dict[str, Any]) -> None:
    live = stored(entry(fields))
    live["metadata"]["labels"]["team"] = "x"
    live["metadata"]["annotations"] = {"note": "x"}
    live["metadata"]["finalizers"] = ["example.org/keep"]
    live["metadata"]["ownerReferences"].insert(0, {"uid": "x", "name": "y"})
    live["status"] = {"replicas": 3}
    assert compare(DEPLOYMENT, live).clean


def test_a_restart_by_hand_is_left_alone_and_its_company_is_not() -> None:
    stamp = "kubectl.kubernetes.io/restartedAt"
    fields: dict[str, Any] = {".": {}, f"f:{stamp}": {}, "f:eve": {}}
    live = stored(entry({"f:spec": {"f:template": {"f:metadata": {"f:annotations": fields}}}}))
    live["spec"]["template"]["metadata"]["annotations"] = {stamp: "now", "eve": "x"}
    assert compare(DEPLOYMENT, live).foreign == (
        ("spec", "template", "metadata", "annotations", "eve"),
    )


def test_replicas_are_left_alone_only_when_nobody_wants_a_number() -> None:
    live = stored(entry({"f:spec": {"f:replicas": {}}}))
    live["spec"]["replicas"] = 7
    assert paths(DEPLOYMENT, live) == [("spec.replicas", "kubectl-edit")]
    free = copy.deepcopy(DEPLOYMENT)
    del free["spec"]["replicas"]
    assert compare(free, live).clean


def test_a_number_of_replicas_that_we_set_is_given_up_and_not_taken_back() -> None:
    live = stored(entry({"f:spec": {"f:replicas": {}}}, "wardkeeper", "Apply"))
    free = copy.deepcopy(DEPLOYMENT)
    del free["spec"]["replicas"]
    comparison = compare(free, live)
    assert comparison.given_up == (("spec", "replicas"),)
    ops = giving_up(comparison.given_up, live)
    noted = "/metadata/managedFields/0/fieldsV1/f:spec/f:replicas"
    assert ops[-1] == {"op": "remove", "path": noted}
    after = jsonpatch.apply_patch(live, ops)
    assert after["spec"]["replicas"] == 2
    assert compare(free, after).clean


def test_a_default_that_came_where_a_field_was_taken_out_belongs_to_nobody() -> None:
    """The server notes it as set by us, but not by an apply."""
    noted = entry({"f:spec": {"f:paused": {}}}, "wardkeeper", "Update")
    live = stored(OURS, entry({}), noted)
    live["metadata"]["resourceVersion"] = "7"
    live["spec"]["paused"] = False
    assert compare(DEPLOYMENT, live).foreign == (("spec", "paused"),)
    after = jsonpatch.apply_patch(live, disowning(live))
    assert after["metadata"]["managedFields"] == [OURS, entry({})]
    assert compare(DEPLOYMENT, after).clean
    with pytest.raises(jsonpatch.JsonPatchTestFailed):
        jsonpatch.apply_patch(
            {**live, "metadata": {**live["metadata"], "resourceVersion": "8"}}, disowning(live)
        )


def test_what_nobody_set_under_our_name_is_left_on_record() -> None:
    assert disowning(stored(OURS, entry({}))) == []


def test_what_a_controller_does_through_a_subresource_is_no_edit() -> None:
    live = stored(entry({"f:spec": {"f:replicas": {}}}, "autoscaler", subresource="scale"))
    _, others = setters(live)
    assert others == []


def test_a_field_that_we_set_and_want_no_more_is_given_up_by_an_apply() -> None:
    live = stored(entry(in_router({"f:image": {}, "f:command": {}}), "wardkeeper", "Apply"))
    pod(live)["containers"][0]["command"] = ["x"]
    comparison = compare(DEPLOYMENT, live)
    assert comparison.apply
    assert comparison.foreign == ()


def test_somebody_who_borrows_our_name_is_still_somebody_else() -> None:
    live = stored(OURS, entry(in_pod({"f:hostNetwork": {}}), "wardkeeper", "Update"))
    pod(live)["hostNetwork"] = True
    assert compare(DEPLOYMENT, live).foreign == (("spec", "template", "spec", "hostNetwork"),)


def test_a_removed_field_is_found_though_nobody_is_on_record() -> None:
    live = stored()
    del pod(live)["containers"][0]["env"][0]["value"]
    assert paths(DEPLOYMENT, live) == [
        ("spec.template.spec.containers[router].env[A].value", "unknown")
    ]


def test_an_empty_map_that_the_server_dropped_is_no_difference() -> None:
    desired = copy.deepcopy(DEPLOYMENT)
    desired["spec"]["strategy"] = {}
    assert compare(desired, stored()).clean


@pytest.mark.parametrize(
    ("kind", "desired", "live", "fields"),
    [
        (
            "NetworkPolicy",
            {"spec": {"podSelector": {"matchLabels": {"a": "b"}}}},
            {
                "spec": {
                    "podSelector": {
                        "matchLabels": {"a": "b"},
                        "matchExpressions": [{"key": "x", "operator": "Exists"}],
                    }
                }
            },
            {"f:spec": {"f:podSelector": {}}},
        ),
        (
            "NetworkPolicy",
            {"spec": {"egress": [{"ports": [{"protocol": "TCP", "port": 443}]}]}},
            {"spec": {"egress": [{"ports": [{"protocol": "TCP", "port": 443, "endPort": 65535}]}]}},
            {"f:spec": {"f:egress": {}}},
        ),
        (
            "NetworkPolicy",
            {"spec": {"policyTypes": ["Ingress"]}},
            {"spec": {"policyTypes": ["Ingress"], "ingress": [{}]}},
            {"f:spec": {"f:ingress": {}}},
        ),
        (
            "Role",
            {"rules": [{"verbs": ["get"]}]},
            {"rules": [{"verbs": ["get"]}, {"verbs": ["*"]}]},
            {"f:rules": {}},
        ),
    ],
)
def test_a_value_set_as_a_whole_must_be_the_wanted_one(
    kind: str, desired: dict[str, Any], live: dict[str, Any], fields: dict[str, Any]
) -> None:
    metadata = {"name": "router", "namespace": "radiology"}
    wanted = {"kind": kind, "metadata": metadata, **desired}
    found = {
        "kind": kind,
        "metadata": {**metadata, "uid": "u", "managedFields": [OURS, entry(fields)]},
        **live,
    }
    comparison = compare(wanted, found)
    assert not comparison.clean
    assert comparison.differences[0].manager == "kubectl-edit"


def test_a_wiped_record_hides_nobody() -> None:
    """With nobody on record an addition could not be told from a default."""
    live = stored()
    pod(live)["hostPID"] = True
    live["metadata"]["managedFields"] = []
    comparison = compare(DEPLOYMENT, live)
    assert comparison.apply
    assert not comparison.recorded
    assert [one.path for one in comparison.differences] == ["metadata.managedFields"]


def test_what_was_there_before_the_record_is_taken_out_with_its_entry() -> None:
    older = entry(in_pod({"f:hostPID": {}}), "before-first-apply")
    live = stored(OURS, older)
    pod(live)["hostPID"] = True
    comparison = compare(DEPLOYMENT, live)
    assert comparison.recorded
    assert comparison.foreign == (
        ("spec", "template", "spec", "hostPID"),
        ("metadata", "managedFields", 1),
    )
    assert removal(comparison.foreign, live)[-2:] == [
        {"op": "remove", "path": "/spec/template/spec/hostPID"},
        {"op": "remove", "path": "/metadata/managedFields/1"},
    ]


def test_what_nobody_can_have_changed_is_as_it_was_made() -> None:
    """The server's record of what was there holds its defaults, too, and some cannot be removed."""
    fields: dict[str, Any] = {"f:completionMode": {}, "f:template": {"f:spec": {"f:dnsPolicy": {}}}}
    older = entry({"f:spec": fields}, "before-first-apply")
    wanted: dict[str, Any] = {
        "kind": "Job",
        "metadata": {"name": "backfill"},
        "spec": {"template": {"spec": {}}},
    }
    live = copy.deepcopy(wanted)
    live["spec"] = {
        "completionMode": "NonIndexed",
        "template": {"spec": {"dnsPolicy": "ClusterFirst"}},
    }
    live["metadata"] |= {"uid": "u", "managedFields": [OURS, older]}
    foreign = compare(wanted, live).foreign
    assert foreign == (("spec", "completionMode"), ("metadata", "managedFields", 1))


def secret(*entries: dict[str, Any], **annotations: str) -> dict[str, Any]:
    obj = copy.deepcopy({key: SECRET[key] for key in ("apiVersion", "kind", "metadata")})
    obj["metadata"]["annotations"] |= annotations
    obj["metadata"] |= {"uid": "u", "managedFields": list(entries)}
    return obj


APPLIED = entry(
    {
        "f:data": {".": {}, "f:password": {}},
        "f:metadata": {"f:annotations": {"f:wardkeeper.io/version": {}}},
        "f:type": {},
    },
    "wardkeeper",
    "Apply",
)


@pytest.mark.parametrize(
    ("entries", "differing"),
    [
        ((APPLIED,), []),
        ((APPLIED, entry({"f:data": {"f:password": {}}})), ["data.password"]),
        ((APPLIED, entry({"f:data": {"f:eve": {}}})), ["data.eve"]),
        ((entry({"f:data": {"f:password": {}}}),), ["data.password"]),
        ((APPLIED, entry({"f:metadata": {"f:annotations": {"f:note": {}}}})), []),
        (
            (APPLIED, entry({"f:metadata": {"f:annotations": {"f:wardkeeper.io/version": {}}}})),
            ["metadata.annotations.wardkeeper.io/version"],
        ),
    ],
)
def test_a_secret_is_judged_by_who_set_what_alone(
    entries: tuple[dict[str, Any], ...], differing: list[str]
) -> None:
    comparison = compare(SECRET, secret(*entries))
    named = {one.path for one in comparison.differences}
    assert set(differing) <= named
    assert comparison.clean is not bool(differing)


def test_no_value_of_a_secret_is_in_what_is_told() -> None:
    assert "c2VjcmV0" not in str(compare(SECRET, secret(entry({"f:data": {"f:password": {}}}))))


@pytest.mark.parametrize(
    ("fields", "live", "desired", "found"),
    [
        ({"f:a": {}}, {"a": 1}, {}, [("a",)]),
        ({"f:a": {}}, {"a": 1}, {"a": 2}, []),
        ({"f:a": {}}, {}, {}, []),
        ({"f:a": {".": {}, "f:b": {}}}, {"a": {"b": 1}}, {"a": {}}, [("a", "b")]),
        ({"f:a": {".": {}, "f:b": {}}}, {"a": {"b": 1}}, {}, [("a",)]),
        ({"f:a": {'v:"x"': {}}}, {"a": ["y", "x"]}, {"a": ["y"]}, [("a", 1)]),
        ({"f:a": {"v:3": {}}}, {"a": [3]}, {"a": [3]}, []),
        ({"f:a": {"i:1": {}}}, {"a": [1, 2]}, {"a": [1]}, [("a", 1)]),
        ({"f:a": {"i:7": {}}}, {"a": [1]}, {"a": [1]}, []),
        ({"f:a": {'k:{"name":"x"}': {".": {}}}}, {"a": [{"name": "x"}]}, {"a": []}, [("a", 0)]),
        ({"f:a": {'k:{"name":"x"}': {".": {}}}}, {"a": "text"}, {"a": []}, []),
        ({"f:a": {"f:b": {}}}, {"a": ["list"]}, {"a": {}}, []),
    ],
)
def test_every_form_of_key_is_read(
    fields: dict[str, Any], live: dict[str, Any], desired: dict[str, Any], found: list[Any]
) -> None:
    assert list(undesired(fields, live, desired)) == found


def test_a_removal_takes_later_items_first_and_tests_what_it_removes() -> None:
    live = {
        "metadata": {"uid": "u"},
        "spec": {"list": [{"name": "a"}, {"name": "b"}, {"name": "c"}], "a/b": 1, "set": ["x"]},
    }
    foreign = (("spec", "a/b"), ("spec", "list", 0), ("spec", "list", 2), ("spec", "set", 0))
    assert removal(foreign, live) == [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "test", "path": "/spec/list/0/name", "value": "a"},
        {"op": "test", "path": "/spec/list/2/name", "value": "c"},
        {"op": "test", "path": "/spec/set/0", "value": "x"},
        {"op": "remove", "path": "/spec/set/0"},
        {"op": "remove", "path": "/spec/list/2"},
        {"op": "remove", "path": "/spec/list/0"},
        {"op": "remove", "path": "/spec/a~1b"},
    ]
