# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Who has which address in a sandbox.

Everything a pod might try to reach has an address on an interface there, so no packet can leave,
and one that gets no answer was dropped by somebody.
"""

from __future__ import annotations

NODE = "10.244.0.1"
"""The node's, on the bridge of its pods."""

POD_SUBNET = "10.244.0.0/24"
PODS = "10.244.0.0/16"
BRIDGE = "pods0"
CLUSTER_DNS = "10.96.0.10"

NODE_SIDE = "172.31.255.1"
BEYOND_SIDE = "172.31.255.2"
"""The two ends of the cable between the node and what lies beyond."""

BEYOND = "beyond"
"""The network namespace that stands for the world."""

METADATA = "169.254.169.254"
"""Where clouds answer with credentials of the node."""

PARTNER = "203.0.113.10"
"""A server of somebody else, for endpoints that are declared."""

FORMER_PARTNER = "203.0.113.77"
STRANGER = "198.51.100.10"
FOREIGN_DNS = "192.0.2.53"

OUTSIDE = (METADATA, PARTNER, FORMER_PARTNER, STRANGER, FOREIGN_DNS)
"""Addresses of servers beyond the node."""
