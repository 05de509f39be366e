# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What an installation decides, and reading it."""

from __future__ import annotations

from wardkeeper.settings.load import SettingsError, load_settings
from wardkeeper.settings.model import (
    Events,
    LogFormat,
    LoggingSettings,
    LogLevel,
    NetworkSettings,
    PullPolicy,
    RotationSettings,
    Settings,
    VaultSettings,
    VerificationSettings,
)

__all__ = [
    "Events",
    "LogFormat",
    "LogLevel",
    "LoggingSettings",
    "NetworkSettings",
    "PullPolicy",
    "RotationSettings",
    "Settings",
    "SettingsError",
    "VaultSettings",
    "VerificationSettings",
    "load_settings",
]
