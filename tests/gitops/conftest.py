# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The stage of the stories, once more, for those who look at it from a Git repository."""

from tests.e2e.conftest import place, stage

__all__ = ["place", "stage"]
