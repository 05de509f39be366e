# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The kinds of values that settings have, each with the words for one that will not do."""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from wardkeeper.api.duration import seconds
from wardkeeper.api.schema import LABEL


def _name(text: str) -> str:
    if len(text) > 63 or not re.fullmatch(LABEL, text):
        raise ValueError("a name of at most 63 lower-case letters, digits and '-'")
    return text


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("a CIDR without host bits, such as 10.0.0.10/32") from None


def _pinned(text: str) -> str:
    if not re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", text):
        raise ValueError("an image by its digest, name@sha256:...")
    return text


def _http_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.password:
        raise ValueError("a URL without credentials, such as http://canary.example:8080")
    return text.rstrip("/")


def _vault_url(text: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname or url.username or url.password:
        raise ValueError("a URL without credentials, such as https://vault.vault.svc:8200")
    if url.scheme == "http" and url.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("an https URL: tokens and secrets would be sent in the clear")
    return text.rstrip("/")


def in_seconds(value: Any) -> Any:
    """A duration such as 15s, as seconds."""
    return seconds(value) if isinstance(value, str) else value


Name = Annotated[str, AfterValidator(_name)]
Count = Annotated[int, Strict(), Field(ge=1, le=256)]
Port = Annotated[int, Strict(), Field(ge=1, le=65535)]
Cidr = Annotated[str, AfterValidator(_network)]
Image = Annotated[str, AfterValidator(_pinned)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
VaultUrl = Annotated[str, AfterValidator(_vault_url)]
Period = Annotated[int, BeforeValidator(in_seconds), Strict(), Field(ge=60, le=2592000)]
Seconds = Annotated[int, BeforeValidator(in_seconds), Strict(), Field(ge=1, le=3600)]


class LogLevel(StrEnum):
    """From which severity on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How a line is written."""

    JSON = "json"
    TEXT = "text"


class PullPolicy(StrEnum):
    """When nodes fetch images."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"


class Switch(StrEnum):
    """Whether something is done."""

    ENABLED = "Enabled"
    DISABLED = "Disabled"
