# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Wardkeeper: a HealthcareWorkflow becomes a closed, hardened, supplied workload."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("wardkeeper")
