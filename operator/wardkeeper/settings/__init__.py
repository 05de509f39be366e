# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an installation decides, and reading it."""

from __future__ import annotations

from wardkeeper.settings.load import SettingsError, load_settings
from wardkeeper.settings.model import (
    LoggingSettings,
    NetworkSettings,
    RotationSettings,
    Settings,
    VaultSettings,
    VerificationSettings,
)
from wardkeeper.settings.values import LogFormat, LogLevel, PullPolicy, Switch

__all__ = [
    "LogFormat",
    "LogLevel",
    "LoggingSettings",
    "NetworkSettings",
    "PullPolicy",
    "RotationSettings",
    "Settings",
    "SettingsError",
    "Switch",
    "VaultSettings",
    "VerificationSettings",
    "load_settings",
]
