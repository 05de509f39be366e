# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The only place that knows the HTTP of Vault and OpenBao."""
