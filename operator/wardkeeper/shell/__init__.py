# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The process: kopf handlers, probes, metrics, logs and the wiring of everything below."""
