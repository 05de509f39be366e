# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A workflow and its verdict become the objects it needs; one file per kind. Pure."""
