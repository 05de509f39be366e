# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes control plane, simulated nodes and OpenBao, for tests and for trying things.

In a test, declare what you rely on and take the fixtures of `tests/conftest.py`:

    @pytest.mark.cluster("simulated")  # or "api", "controllers", "node", "netpol"
    def test_a_nurse_sees_nothing(cluster: ClusterAccess, namespace: str) -> None:
        alice = cluster.user("alice", groups=["nurses"])
        with pytest.raises(CommandFailedError, match="forbidden"):
            cluster.kubectl("get", "pods", "-n", namespace, kubeconfig=alice)

`cluster` is shared by all tests of a session; `namespace` is fresh, enforces Pod Security
restricted and is deleted afterwards. `cluster.openbao` starts OpenBao when it is first touched. A
fixture of a wider scope takes `clusters` and calls `clusters.at("simulated")`.

A cluster of one's own, for a demo, a benchmark, or a test that breaks things:

    with Cluster("simulated", openbao=True, nodes=3) as cluster:
        operator = cluster.service_account_kubeconfig("wardkeeper-system", "wardkeeper")
        cluster.spawn("operator", [sys.executable, "-m", "wardkeeper.shell.main", ...])
        cluster.writes("system:serviceaccount:wardkeeper-system:wardkeeper")  # from the audit log
        cluster.processes["kube-apiserver"].stop()  # an outage; `.start()` ends it

OpenBao starts empty. What Kubernetes auth in it needs is `cluster.server`, `cluster.ca` and
`cluster.reviewer_token()`. `cluster.postgres` starts a PostgreSQL, and `tests/cluster/databases.py`
makes it known to OpenBao; a test that needs it takes the fixture `postgresql`, which says what is
missing where the package is not installed.

From a shell: `python -m tests.cluster up | status | down | build`.

A real node, with the control plane beside it in a sandbox, is a `NodeCluster` of `node/`, which
tells more.

It is a development and test tool: the operator never imports it, and it touches nothing outside
its temporary folder, its cache folder and the loopback address but the namespaces and cgroups of a
real node, which bear the name of the run and end with it.
"""
