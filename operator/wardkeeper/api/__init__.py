# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What people write and read: the kinds, their status, conditions and reasons. Pure."""
