# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Paths are what the API server expects, whatever a name contains."""

from __future__ import annotations

import pytest

from wardkeeper.kube.resource import Ref, ref_of, resource_of


@pytest.mark.parametrize(
    ("kind", "namespace", "name", "subresource", "path"),
    [
        ("Secret", "a", "b", "", "/api/v1/namespaces/a/secrets/b"),
        ("Secret", "a", "", "", "/api/v1/namespaces/a/secrets"),
        ("Secret", None, "", "", "/api/v1/secrets"),
        ("Namespace", "", "a", "", "/api/v1/namespaces/a"),
        ("Namespace", None, "", "", "/api/v1/namespaces"),
        ("ServiceAccount", "a", "b", "token", "/api/v1/namespaces/a/serviceaccounts/b/token"),
        (
            "HealthcareWorkflow",
            "a",
            "b",
            "status",
            "/apis/wardkeeper.io/v1alpha1/namespaces/a/healthcareworkflows/b/status",
        ),
    ],
)
def test_a_path_names_group_version_place_and_subresource(
    kind: str, namespace: str | None, name: str, subresource: str, path: str
) -> None:
    assert resource_of(kind).path(namespace, name, subresource) == path


def test_a_name_cannot_lead_to_another_object() -> None:
    path = resource_of("Role").path("a", "../secrets/b?x=1#y")
    assert path.endswith("/namespaces/a/roles/..%2Fsecrets%2Fb%3Fx%3D1%23y")


def test_an_object_of_a_namespaced_kind_needs_a_namespace() -> None:
    with pytest.raises(ValueError, match="needs a namespace"):
        resource_of("Secret").path("", "b")


def test_a_kind_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="ClusterRole"):
        resource_of("ClusterRole")


def test_a_reference_is_kind_namespace_and_name() -> None:
    obj = {"kind": "Pod", "metadata": {"namespace": "a", "name": "b"}}
    assert ref_of(obj) == Ref("Pod", "a", "b")
    assert ref_of({"kind": "Namespace", "metadata": {"name": "b"}}) == Ref("Namespace", "", "b")


def test_api_versions_have_no_slash_in_the_core_group() -> None:
    assert resource_of("Pod").api_version == "v1"
    assert resource_of("Deployment").api_version == "apps/v1"
