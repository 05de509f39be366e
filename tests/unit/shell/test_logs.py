# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A log line has stable keys and never carries a credential, whoever wrote it."""

from __future__ import annotations

import asyncio
import io
import logging
import sys
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from wardkeeper.engine.workers import CURRENT_PASS, PassContext
from wardkeeper.kube.errors import Forbidden
from wardkeeper.settings import LogFormat, LogLevel
from wardkeeper.shell.handlers import kopf_settings
from wardkeeper.shell.logs import set_up_logs

if TYPE_CHECKING:
    from collections.abc import Iterator

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
CANARIES = [
    ("hvs.CANARYcanary0123456789", "CANARY"),
    ("hvb.CANARYcanary0123456789", "CANARY"),
    ("s.CANARYcanary0123456789abcd", "CANARY"),
    ("Bearer CANARYcanary", "CANARY"),
    ("authorization: basic Q0FOQVJZOmNhbmFyeQ==", "Q0FO"),
    (JWT, "eyJzdWIi"),
    ("https://user:CANARY@vault.example.org/v1", "CANARY"),
    ("-----BEGIN EC PRIVATE KEY-----\nCANARY\n-----END EC PRIVATE KEY-----", "CANARY"),
]
PASS = PassContext("radiology", "lab", "uid-1", 7, "a1b2c3")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("wardkeeper")
    before = (root.handlers[:], root.level, ours.level, sys.excepthook)
    yield io.StringIO()
    root.handlers[:], root.level, sys.excepthook = before[0], before[1], before[3]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    logging.captureWarnings(False)


@pytest.fixture
def json(stream: io.StringIO) -> io.StringIO:
    set_up_logs(LogLevel.DEBUG, LogFormat.JSON, stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_time_level_logger_and_message_first(json: io.StringIO) -> None:
    logging.getLogger("wardkeeper.engine").info("hello %s", "world")
    (line,) = lines(json)
    assert list(line) == ["time", "level", "logger", "msg"]
    assert line["time"].endswith("Z")
    assert (line["level"], line["logger"], line["msg"]) == (
        "info",
        "wardkeeper.engine",
        "hello world",
    )


def test_a_line_of_a_pass_names_the_workflow_and_the_pass(json: io.StringIO) -> None:
    token = CURRENT_PASS.set(PASS)
    try:
        logging.getLogger("wardkeeper.engine").warning("put off", extra={"retry_in": 0.5})
    finally:
        CURRENT_PASS.reset(token)
    (line,) = lines(json)
    assert (
        line.items()
        >= {
            "namespace": "radiology",
            "name": "lab",
            "uid": "uid-1",
            "generation": 7,
            "reconcileID": "a1b2c3",
            "retry_in": 0.5,
        }.items()
    )


def test_an_object_that_kopf_names_is_named_the_same_way(json: io.StringIO) -> None:
    reference = {"namespace": "radiology", "name": "lab", "uid": "u", "kind": "X"}
    extra = {"k8s_ref": reference, "settings": kopf_settings()}
    logging.getLogger("kopf.objects").info("seen", extra=extra)
    (line,) = lines(json)
    assert (line["namespace"], line["name"], line["uid"]) == ("radiology", "lab", "u")
    assert "settings" not in line


def test_of_an_extra_that_is_no_scalar_only_the_type_is_written(json: io.StringIO) -> None:
    logging.getLogger("wardkeeper").info("x", extra={"body": {"data": "CANARY"}})
    assert lines(json)[0]["body"] == "<dict>"


@pytest.mark.parametrize(
    "library", ["kopf", "kopf.objects", "aiohttp.client", "urllib3", "asyncio"]
)
def test_libraries_never_log_below_info(json: io.StringIO, library: str) -> None:
    logging.getLogger(library).debug("a whole body")
    assert not logging.getLogger(library).isEnabledFor(logging.DEBUG)
    logging.getLogger("wardkeeper").debug("our own")
    assert [line["msg"] for line in lines(json)] == ["our own"]


def test_the_level_holds_for_everybody_when_it_is_higher(stream: io.StringIO) -> None:
    set_up_logs(LogLevel.ERROR, LogFormat.JSON, stream)
    for name in ("wardkeeper", "kopf"):
        logging.getLogger(name).warning("quiet")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("form", list(LogFormat))
@pytest.mark.parametrize(("text", "canary"), CANARIES)
def test_credentials_are_cut_out_wherever_they_stand(
    stream: io.StringIO, form: LogFormat, text: str, canary: str
) -> None:
    set_up_logs(LogLevel.DEBUG, form, stream)
    log = logging.getLogger("wardkeeper.kube")
    log.info("plain %s.", text)
    log.info("extra", extra={"header": text})
    try:
        raise Forbidden(403, "Forbidden", f"refused: {text}")
    except Forbidden:
        log.exception("raised")
    logging.getLogger("kopf").info(text)
    written = stream.getvalue()
    assert len(written.splitlines()) == 4
    assert canary not in written
    assert "[redacted]" in written


def test_ordinary_words_are_left_alone(json: io.StringIO) -> None:
    text = "Secret radiology/lab-db uses role hw.w.radiology.lab; e.g. b.example.org, sha256:0a1b"
    logging.getLogger("wardkeeper").info(text)
    assert lines(json)[0]["msg"] == text


def test_of_somebody_elses_exception_the_text_is_never_written(json: io.StringIO) -> None:
    try:
        try:
            raise ValueError("the body was {'password': 'CANARY'}")
        except ValueError as cause:
            raise RuntimeError("again CANARY") from cause
    except RuntimeError:
        logging.getLogger("kopf").exception("handler failed")
    (line,) = lines(json)
    assert "CANARY" not in json.getvalue()
    assert [each["type"] for each in line["error"]] == [
        "builtins.RuntimeError",
        "builtins.ValueError",
    ]
    assert line["error"][0]["at"][0].startswith("test_logs.py:")


def test_our_own_exceptions_say_what_they_mean(json: io.StringIO) -> None:
    try:
        raise Forbidden(403, "Forbidden", "no right to apply Role a/b")
    except Forbidden:
        logging.getLogger("wardkeeper").exception("x")
    assert lines(json)[0]["error"][0]["text"] == "no right to apply Role a/b"


async def test_exceptions_in_a_group_say_what_they_mean_and_where_they_were_raised(
    json: io.StringIO,
) -> None:
    async def fail(error: Exception) -> None:
        raise error

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(ValueError("CANARY")))
            group.create_task(fail(Forbidden(403, "Forbidden", "no right to apply Role a/b")))
    except ExceptionGroup:
        logging.getLogger("wardkeeper").exception("x")
    [[theirs], [ours]] = lines(json)[0]["error"][0]["inner"]
    assert (theirs["type"], ours["type"]) == (
        "builtins.ValueError",
        "wardkeeper.kube.errors.Forbidden",
    )
    assert ours["text"] == "no right to apply Role a/b"
    assert theirs["at"][-1].startswith("test_logs.py:")
    assert "CANARY" not in json.getvalue()


def test_a_line_that_cannot_be_made_gives_nothing_away(stream: io.StringIO) -> None:
    # Set up here and not in a fixture: pytest adds handlers of its own in between.
    set_up_logs(LogLevel.DEBUG, LogFormat.JSON, stream)
    logging.getLogger("wardkeeper.kube").info("%d", "CANARY")
    assert stream.getvalue().startswith("a log line of wardkeeper.kube:")
    assert "CANARY" not in stream.getvalue()


def test_an_error_that_ends_the_process_is_logged_like_any_other(json: io.StringIO) -> None:
    error = ValueError("CANARY")
    sys.excepthook(ValueError, error, None)
    assert lines(json)[0]["error"][0]["type"] == "builtins.ValueError"
    assert "CANARY" not in json.getvalue()


def test_a_line_for_a_terminal_is_one_line(stream: io.StringIO) -> None:
    set_up_logs(LogLevel.INFO, LogFormat.TEXT, stream)
    token = CURRENT_PASS.set(PASS)
    try:
        logging.getLogger("wardkeeper").info("one\ntwo", extra={"retry_in": 1})
    finally:
        CURRENT_PASS.reset(token)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("info    radiology/lab one\\ntwo retry_in=1\n")
