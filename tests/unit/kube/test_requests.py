# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Requests as they go out: the right verb, the right headers, the two guards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from wardkeeper.kube import requests
from wardkeeper.kube.lanes import Lane
from wardkeeper.kube.resource import resource_of

if TYPE_CHECKING:
    from wardkeeper.kube.requests import Request

SECRET = resource_of("Secret")
POD = resource_of("Pod")
SECRET_OBJECT: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"namespace": "a", "name": "b"},
    "data": {},
}


def _about_secrets() -> list[Request]:
    lane = Lane.LIVE
    return [
        requests.get_one(SECRET, "a", "b", metadata_only=False, lane=lane),
        requests.list_page(
            SECRET, None, label_selector="", metadata_only=False, limit=1, token="", lane=lane
        ),
        requests.watch_from(SECRET, None, "1", label_selector="", metadata_only=False, seconds=1),
        requests.apply_object(SECRET_OBJECT, manager="m", subresource="", dry_run=False, lane=lane),
        requests.create_object(SECRET_OBJECT, manager="m", lane=lane),
        requests.replace_object(SECRET_OBJECT, manager="m", subresource="", lane=lane),
        requests.patch_object(SECRET, "a", "b", [], manager="m", subresource="", lane=lane),
        requests.delete_object(SECRET, "a", "b", uid="u", propagation="Background", lane=lane),
    ]


@pytest.mark.parametrize("request_", _about_secrets(), ids=lambda made: str(made.what))
def test_whatever_is_asked_about_secrets_the_answer_is_metadata_alone(request_: Request) -> None:
    assert "as=PartialObjectMetadata" in request_.accept
    assert request_.secret


def test_other_kinds_come_whole_unless_metadata_is_asked_for() -> None:
    whole = requests.get_one(POD, "a", "b", metadata_only=False, lane=Lane.LIVE)
    partial = requests.get_one(POD, "a", "b", metadata_only=True, lane=Lane.LIVE)
    assert whole.accept == "application/json"
    assert "as=PartialObjectMetadata;" in partial.accept
    assert not whole.secret


def test_a_delete_without_uid_is_never_made() -> None:
    with pytest.raises(ValueError, match="needs a uid"):
        requests.delete_object(POD, "a", "b", uid="", propagation="Background", lane=Lane.LIVE)


def test_a_delete_names_the_uid_it_means() -> None:
    made = requests.delete_object(POD, "a", "b", uid="u", propagation="Foreground", lane=Lane.LIVE)
    assert made.body["preconditions"] == {"uid": "u"}
    assert made.body["propagationPolicy"] == "Foreground"


def test_an_apply_forces_and_names_its_manager() -> None:
    made = requests.apply_object(
        SECRET_OBJECT, manager="wardkeeper", subresource="", dry_run=False, lane=Lane.LIVE
    )
    assert made.method == "PATCH"
    assert made.content_type == "application/apply-patch+yaml"
    assert made.target == "/api/v1/namespaces/a/secrets/b?fieldManager=wardkeeper&force=true"
    assert made.write


def test_a_dry_run_is_no_write() -> None:
    made = requests.apply_object(
        SECRET_OBJECT, manager="wardkeeper", subresource="", dry_run=True, lane=Lane.LIVE
    )
    assert made.target.endswith("&dryRun=All")
    assert not made.write


def test_everything_else_that_changes_something_is_a_write() -> None:
    made = [*_about_secrets(), requests.request_token("a", "b", "vault", 600)]
    assert {request.method for request in made if request.write} == {
        "PATCH",
        "POST",
        "PUT",
        "DELETE",
    }
    assert {request.method for request in made if not request.write} == {"GET"}


def test_a_watch_asks_for_bookmarks_and_an_end() -> None:
    made = requests.watch_from(
        POD, "a", "17", label_selector="x=y", metadata_only=False, seconds=270
    )
    assert made.target == (
        "/api/v1/namespaces/a/pods?watch=true&allowWatchBookmarks=true"
        "&resourceVersion=17&timeoutSeconds=270&labelSelector=x%3Dy"
    )


def test_the_words_for_a_request_hold_no_content() -> None:
    obj = {**SECRET_OBJECT, "data": {"password": "hunter2"}}
    made = requests.create_object(obj, manager="m", lane=Lane.LIVE)
    assert made.what == "create Secret a/b"
