# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Lives of secrets that a seed draws: where they are lived, what may happen, what must be true."""
