# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The command line, `wardkeeper` and `kubectl wardkeeper`: one file per command."""
