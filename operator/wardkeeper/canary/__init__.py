# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The program in the canary's pod: tries, from within a closed network, what is and is not open."""
