# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Long random histories on a real control plane, and what must hold after each burst of them.

Workflows are made, changed, cut off and deleted; strangers edit, delete and hold what belongs to
them; with `--wide` they scale, mark and give it away as well, and write what is not so into its
status; the operator and the API server are killed. All of it comes from one seed. Whenever the
operator has settled, the cluster is held against what `render` gives, the status against the
cluster, and every write against the audit log.

    python -m tests.histories --seed 7 --bursts 40

tells the same steps again. What happens between two steps is up to the machine, so a seed may have
to be told more than once to fail.
"""
