# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Decisions about a workflow, made from facts and nothing else. Pure."""
