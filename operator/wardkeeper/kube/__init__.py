# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The only place that knows Kubernetes HTTP: access, client, informer, lease, events.

It moves objects and reports what the server said. It never decides what should exist.
"""
