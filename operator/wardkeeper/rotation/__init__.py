# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""When a credential is due and what its next version is: pure, clock and randomness injected."""
