# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Values that the chart refuses, with the words that say why, and values that it must take."""

from __future__ import annotations

from typing import Any

AGGREGATED = "rbac.authorization.k8s.io/aggregate-to-view"
WORKFLOW = "wardkeeper.io/workflow"

REFUSED: tuple[tuple[str, Any, str], ...] = (
    ("crds.keep", False, "Helm never takes the definitions away"),
    ("replicaCount", 2, "additional properties 'replicaCount' not allowed"),
    ("image.name", "x", "additional properties 'name' not allowed"),
    ("settings.http", {"port": 1}, "additional properties 'http' not allowed"),
    ("settings.rotation.collcet", 1, "additional properties 'collcet' not allowed"),
    ("vault.token", "x", "additional properties 'token' not allowed"),
    ("replicas", 0, "at '/replicas': minimum: got 0, want 1"),
    ("replicas", "2", "at '/replicas': got string, want integer"),
    ("scope", "Namespace", "at '/scope': value must be one of 'Cluster', 'Namespaces'"),
    ("scope", "Namespaces", "at '/namespaces': minItems: got 0, want 1"),
    ("namespaces", ["radiology"], "at '/namespaces': maxItems: got 1, want 0"),
    ("image.digest", "sha256:abc", "at '/image/digest': 'sha256:abc' does not match pattern"),
    ("image.digest", "a" * 64, "at '/image/digest'"),
    ("image.tag", "a b", "at '/image/tag': 'a b' does not match pattern"),
    ("image.repository", "", "at '/image/repository': minLength: got 0, want 1"),
    ("image.repository", "example.org/w:1", "at '/image/repository': 'example.org/w:1' does"),
    ("enabled", False, "at '/enabled': value must be true"),
    ("logLevel", "trace", "at '/logLevel': value must be one of 'debug', 'info'"),
    ("vault.address", "http://vault.vault.svc:8200", "at '/vault/address'"),
    ("vault.address", "https://user:secret@vault:8200", "at '/vault/address'"),
    ("vault.address", "https://:8200", "at '/vault/address'"),
    ("vault.address", "https://vault:65536", "vault.address: found port 65536, wanted 1 to"),
    ("vault.address", "https://vault:port", "at '/vault/address'"),
    ("vault.writesPerSecond", 0, "at '/vault/writesPerSecond': minimum: got 0, want 1"),
    ("admission.ledger", "deny", "at '/admission/ledger': value must be one of 'Deny', 'Warn'"),
    ("settings.leaderElection.duration", "soon", "at '/settings/leaderElection/duration'"),
    ("settings.leaderElection.retry", 0, "at '/settings/leaderElection/retry': minimum"),
    ("settings.rotation.collect", 7200, "at '/settings/rotation/collect': maximum"),
    ("settings.leaderElection.duration", "10s", "wanted retry less than deadline, and deadline"),
    ("settings.leaderElection.deadline", "2s", "found duration 15s, deadline 2s and retry 2s"),
    ("settings.leaderElection.duration", "2h", "duration: found 2h, wanted 1 to 3600 seconds"),
    ("settings.rotation.collect", "1h1s", "rotation.collect: found 1h1s, wanted 0 to 3600 seconds"),
    ("vault.tokenPeriod", "59s", "vault.tokenPeriod: found 59s, wanted 60 to 2592000 seconds"),
    ("settings.network.apiServer.cidrs", ["10.0.0.1"], "at '/settings/network/apiServer/cidrs/0'"),
    ("settings.network.apiServer.cidrs", ["10.0.0.1/33"], "apiServer/cidrs/0': '10.0.0.1/33' does"),
    ("settings.network.apiServer.cidrs", ["10.0.0.1/32"], "apiServer': missing property 'ports'"),
    ("settings.network.apiServer.ports", [6443], "apiServer': missing property 'cidrs'"),
    ("commonLabels", {"team": "a b"}, "at '/commonLabels/team': 'a b' does not match pattern"),
    ("commonLabels", {"a b": "c"}, "at '/commonLabels': additional properties 'a b' not"),
    ("commonLabels", {WORKFLOW: "w"}, f"commonLabels names {WORKFLOW}: labels"),
    ("podLabels", {WORKFLOW: "w"}, f"podLabels names {WORKFLOW}: labels of"),
    ("commonLabels", {AGGREGATED: "true"}, f"commonLabels names {AGGREGATED}, by which"),
    ("podAnnotations", {"a b": "c"}, "at '/podAnnotations': additional properties 'a b' not"),
    ("nodeSelector", {"pool": "a b"}, "at '/nodeSelector/pool': 'a b' does not match pattern"),
    ("extraEnv", [{"name": "POD_IP", "value": "::1"}], "extraEnv[0] has the name POD_IP, which"),
    ("extraVolumes", [{"name": "api-token"}], "extraVolumes[0] has the name api-token, which"),
    ("resources", {"limits": {}}, "at '/resources': missing property 'requests'"),
    ("podDisruptionBudget.maxUnavailable", 0, "at '/podDisruptionBudget/maxUnavailable'"),
    ("extraArgs", ["verbose"], "at '/extraArgs/0': 'verbose' does not match pattern"),
    ("networkPolicy.apiServerPorts", [], "at '/networkPolicy/apiServerPorts': minItems"),
    ("serviceMonitor.enabled", True, "this cluster has no kind ServiceMonitor of monitoring."),
    ("podMonitor.enabled", True, "install Prometheus Operator first, or leave podMonitor.enabled"),
    ("prometheusRule.enabled", True, "--api-versions monitoring.coreos.com/v1/PrometheusRule"),
)
"""Path of the value, the value, and what helm says."""

TAKEN: tuple[tuple[str, Any], ...] = (
    ("enabled", True),
    ("image.repository", "registry.example.org:5000/platform/wardkeeper"),
    ("commonLabels", {"example.org/cost-centre": "17", "team": ""}),
    ("serviceAccount.annotations", {"example.org/role": "arn:x:y::1:role/z"}),
    ("vault.address", "https://[2001:db8::1]:8200"),
    ("vault.address", "https://vault.example.org/"),
    ("vault.tokenPeriod", 2592000),
    ("settings.leaderElection", {"duration": "11s", "retry": "9s"}),
    ("settings.leaderElection", {"duration": "1h", "deadline": "59m59s", "retry": "08s"}),
    ("settings.rotation", {"collect": 0, "verifyWindow": "1h", "minRestartInterval": "24h"}),
    ("settings.network.apiServer", {"cidrs": ["10.0.0.1/32", "fd00::1/128"], "ports": [6443]}),
    ("resources.limits", {"cpu": None}),
    ("namespaces", ["radiology", "123", "true"]),
)
"""Path of the value, and the value."""
