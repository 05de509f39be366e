# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Writes are counted from the audit log: whose, what, and what had to be done twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tests.bench.audit import AuditLog, Target, parse, tally

if TYPE_CHECKING:
    from pathlib import Path

USER = "system:serviceaccount:wardkeeper-system:wardkeeper"


def line(resource: str = "roles", name: str = "wf", **given: Any) -> bytes:
    resource, _, subresource = resource.partition("/")
    about = {"resource": resource, "namespace": "radiology", "name": name}
    event = {
        "stage": given.get("stage", "ResponseComplete"),
        "verb": given.get("verb", "patch"),
        "userAgent": given.get("agent", "wardkeeper/0.1.0"),
        "user": {"username": USER},
        "objectRef": about | ({"subresource": subresource} if subresource else {}),
        "responseStatus": {"code": given.get("code", 200)},
    }
    return orjson.dumps(event) + b"\n"


def counted(tmp_path: Path, *lines: bytes) -> Any:
    path = tmp_path / "audit.log"
    path.write_bytes(b"".join(lines))
    return tally(AuditLog(path).since(0))


def test_each_accepted_write_counts_by_verb_and_resource(tmp_path: Path) -> None:
    found = counted(tmp_path, line(), line("cronjobs"), line("healthcareworkflows/status"))
    assert found.total == 3
    assert dict(found.kinds) == {
        "patch roles": 1,
        "patch cronjobs": 1,
        "patch healthcareworkflows/status": 1,
    }
    assert (found.conflicts, found.repeated) == (0, 0)
    assert found.of("roles") == {Target("roles", "radiology", "wf")}


def test_the_lease_and_tokens_are_counted_apart(tmp_path: Path) -> None:
    found = counted(
        tmp_path,
        line("leases", verb="update"),
        line("leases", verb="update", code=409),
        line("serviceaccounts/token", verb="create"),
    )
    assert (found.total, found.repeated) == (0, 0)
    assert found.apart == {"update leases": 2, "create serviceaccounts/token": 1}


def test_what_others_write_does_not_count(tmp_path: Path) -> None:
    assert counted(tmp_path, line(agent="bench"), line(agent="kubectl/v1.36.3")).total == 0


def test_a_refused_write_is_no_write_but_something_to_do_again(tmp_path: Path) -> None:
    found = counted(tmp_path, line(code=409), line())
    assert (found.total, found.conflicts, found.repeated) == (1, 1, 1)


def test_a_second_write_to_the_same_object_is_a_repetition(tmp_path: Path) -> None:
    assert counted(tmp_path, line(), line(), line(name="other")).repeated == 1


def test_reads_and_unfinished_requests_are_no_writes() -> None:
    assert parse(line(verb="list")) is None
    assert parse(line(stage="RequestReceived")) is None


def test_only_what_came_after_a_position_counts_and_only_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "audit.log"
    path.write_bytes(line())
    log = AuditLog(path)
    position = log.position()
    path.write_bytes(line() + line("cronjobs") + line("rolebindings")[:-5])
    assert [write.target.resource for write in log.since(position)] == ["cronjobs"]
