# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The pass: gather facts, judge, render, plan, carry out, report. Orchestrates; holds no HTTP."""
