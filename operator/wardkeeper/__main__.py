# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`python -m wardkeeper` is the command `wardkeeper`."""

from __future__ import annotations

from wardkeeper.cli.main import main

main()
