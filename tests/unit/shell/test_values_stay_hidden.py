# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What holds a value does not show it: not as text, not in a log line, not through an exception.

Every class of the rooms that touch values is found by itself, so a new one is searched as well.
Each is filled with a canary wherever a value could be: by the name of the field, or because the
field is left out of its repr.
"""

from __future__ import annotations

import dataclasses
import importlib
import io
import logging
import pkgutil
import traceback
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

import wardkeeper.engine
import wardkeeper.proof
import wardkeeper.rotation
import wardkeeper.vault
from wardkeeper.engine.secrets.driver import Desk, Made
from wardkeeper.proof.errors import NotProven
from wardkeeper.rotation.version import Version
from wardkeeper.shell.logs import JsonLines, TextLines
from wardkeeper.vault.errors import Kind, VaultError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

CANARY = "k4n4ry-3f9c1d"
PACKAGES = (wardkeeper.engine, wardkeeper.proof, wardkeeper.rotation, wardkeeper.vault)
VALUES = frozenset(
    {
        *("data", "beside", "pending", "values", "stored", "pairs"),
        *("password", "passwords", "token", "client_token", "jwt", "reviewer_token"),
        *("mac_key", "key_pem", "private_key", "plaintext", "lease_in_clear", "url"),
    }
)
"""Names of fields that hold a value, or could."""

FORMATTERS = (JsonLines, TextLines)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """The package's modules, those of its packages as well."""
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def classes() -> list[type]:
    """Every class that is written in these rooms."""
    found = {
        one
        for package in PACKAGES
        for module in modules(package)
        for one in vars(module).values()
        if isinstance(one, type) and one.__module__ == module.__name__
    }
    return sorted(found, key=lambda one: (one.__module__, one.__qualname__))


CLASSES = classes()
DATA = [one for one in CLASSES if dataclasses.is_dataclass(one)]
"""Classes that show their fields by themselves."""


def hidden(kind: type) -> frozenset[str]:
    """The fields that hold a value: by their name, or because the class hides them."""
    return frozenset(
        one.name for one in dataclasses.fields(kind) if one.name in VALUES or not one.repr
    )


HOLDERS = [one for one in DATA if hidden(one)]


def filled(kind: type) -> Any:
    """One of it, made without its constructor, with the canary where a value could be."""
    one: Any = object.__new__(kind)
    for each in dataclasses.fields(kind):
        value: object = "harmless"
        if each.name in hidden(kind):
            value = {"password": CANARY} if "Mapping" in str(each.type) else CANARY
        object.__setattr__(one, each.name, value)
    return one


def named(kind: type) -> str:
    return f"{kind.__module__.removeprefix('wardkeeper.')}.{kind.__qualname__}"


def test_the_search_finds_those_that_are_known_to_hold_values() -> None:
    assert {Desk, Made, Version} <= set(HOLDERS)


@pytest.mark.parametrize("kind", HOLDERS, ids=named)
def test_no_text_of_it_holds_a_value(kind: type) -> None:
    one = filled(kind)
    for text in (
        repr(one),
        str(one),
        f"{one}",
        f"{[one]}",
        f"{({'it': one},)}",
        "{!r} {}".format(*[one] * 2),
    ):
        assert CANARY not in text


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize("kind", HOLDERS, ids=named)
def test_no_log_line_about_it_holds_a_value(kind: type, formatter: type[logging.Formatter]) -> None:
    one, stream = filled(kind), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter())
    log = logging.Logger("wardkeeper.canary", logging.DEBUG)
    log.addHandler(handler)
    log.debug("found %s", one, extra={"found": one, "many": [one], "by_name": {"it": one}})
    try:
        raise ValueError(one, CANARY)
    except ValueError:
        log.exception("it failed", extra={"found": one})
    assert stream.getvalue()
    assert CANARY not in stream.getvalue()


@pytest.mark.parametrize("formatter", FORMATTERS)
@pytest.mark.parametrize(
    "ours", [VaultError(Kind.FAILED, "write it"), NotProven("the login was refused")]
)
def test_no_log_line_follows_an_exception_to_a_value(
    ours: Exception, formatter: type[logging.Formatter]
) -> None:
    try:
        try:
            try:
                raise KeyError(CANARY)
            except KeyError as first:
                raise OSError(CANARY) from first
        except OSError:
            raise ours  # noqa: B904 - the chain that Python makes by itself is what is looked at
    except Exception as error:
        record = logging.LogRecord(
            "wardkeeper", logging.ERROR, "", 1, "failed", None, (type(error), error, None)
        )
    text = formatter().format(record)
    assert str(ours) in text
    assert CANARY not in text


@pytest.mark.parametrize("kind", HOLDERS, ids=named)
def test_a_traceback_of_a_wrong_use_holds_no_value(kind: type) -> None:
    one = filled(kind)
    with pytest.raises((AttributeError, TypeError)) as caught:
        one.no_such_member = CANARY.upper()
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("kind", [one for one in CLASSES if issubclass(one, tuple)], ids=named)
def test_a_tuple_shows_all_it_holds_and_so_holds_no_value(kind: type) -> None:
    assert not VALUES & set(getattr(kind, "_fields", ()))


def test_nothing_else_tells_its_content_in_a_way_of_its_own() -> None:
    """A class with a `__repr__` of its own could show what a field of a dataclass hides."""
    own = [
        named(one)
        for one in CLASSES
        if one not in DATA
        and not issubclass(one, BaseException | Enum | tuple)
        and one.__repr__ is not object.__repr__
    ]
    assert own == []
