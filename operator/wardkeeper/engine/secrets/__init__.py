# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Supplying workflows with secrets: made, proven, delivered, replaced, ended, and kept account of.

`rotation` decides, `vault` and `kube` act; here they are brought together. `supply` is the way in,
`withdraw` and `sweep` are the ways out, and the ledger outlives every process.
"""
