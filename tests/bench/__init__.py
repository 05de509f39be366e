# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How fast and how small the operator is, on a real control plane: `python -m tests.bench`.

Ratios count, not digits: a floor without any operator is measured in the same run, on the same
machine, with the same objects. Writes are counted at the API server, never by the operator. What
misses its target is said to miss it. Nothing here is a test, and no test depends on a time.
"""
