# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import pytest

from wardkeeper.rotation.request import Requests, read_requests

SECRETS = ("db", "api")


@pytest.mark.parametrize(
    ("annotation", "by_secret", "unknown"),
    [
        ("", {}, ()),
        ("db", {"db": "db"}, ()),
        ("db@monday", {"db": "db@monday"}, ()),
        ("db@1, api@1", {"db": "db@1", "api": "api@1"}, ()),
        (" db ,,", {"db": "db"}, ()),
        ("db@1,db@2", {"db": "db@2"}, ()),
        ("dbx", {}, ("dbx",)),
        ("dbx@1,dbx@2,db", {"db": "db"}, ("dbx",)),
        ("@1", {}, ("",)),
    ],
)
def test_an_annotation_asks_for_secrets_by_name_and_unknown_names_are_told(
    annotation: str, by_secret: dict[str, str], unknown: tuple[str, ...]
) -> None:
    assert read_requests(annotation, SECRETS) == Requests(by_secret, unknown)


def test_a_secret_that_nobody_asked_for_has_no_request() -> None:
    assert read_requests("db", SECRETS).of("api") == ""
