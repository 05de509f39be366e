# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real node: containerd, runc, kubelet, kube-proxy, kube-router and CoreDNS, in a sandbox.

The sandbox is a set of namespaces (network, mounts, processes) that one process holds. Whatever
the node starts, mounts or configures is inside, and the kernel takes all of it away when that
process ends, however it ends. So nothing of a node can stay behind but its cgroups and its folder,
and both bear the name of the run.

The network of the sandbox leads nowhere. What stands for the world outside, the metadata address
of clouds and the addresses that documentation uses, is a second network namespace in it.

It needs root, and the Debian packages of `packages.txt`.
"""
