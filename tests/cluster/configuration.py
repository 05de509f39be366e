# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The files the API server reads, and kubeconfigs: pure, as plain documents.

Audit keeps one line for each write of everybody but the control plane itself, so that a test can
count who wrote what.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cluster.pki import Credential

Document = dict[str, Any]

CONTROL_PLANE_USERS = [
    "system:apiserver",
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
    "system:node:node",
    "wardkeeper:kube-router",
    "wardkeeper:kwok",
]
"""Whose requests are not in the audit log; with them the ServiceAccounts of kube-system."""

SECRET_RESOURCES = [
    {"group": "", "resources": ["secrets", "serviceaccounts/token"]},
    {"group": "authentication.k8s.io", "resources": ["tokenreviews"]},
]
"""Whose bodies are in no audit log."""


def admission() -> Document:
    """Cluster-wide defaults of Pod Security: baseline is enforced where no label says more."""
    levels = {"enforce": "baseline", "warn": "restricted", "audit": "restricted"}
    defaults = {**levels, **{f"{mode}-version": "latest" for mode in levels}}
    exempt = {"usernames": [], "runtimeClasses": [], "namespaces": ["kube-system"]}
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [
            {
                "name": "PodSecurity",
                "configuration": {
                    "apiVersion": "pod-security.admission.config.k8s.io/v1",
                    "kind": "PodSecurityConfiguration",
                    "defaults": defaults,
                    "exemptions": exempt,
                },
            }
        ],
    }


def authentication() -> Document:
    """Nobody is anonymous, except to ask for health."""
    paths = [{"path": path} for path in ("/livez", "/readyz", "/healthz")]
    return {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "anonymous": {"enabled": True, "conditions": paths},
    }


def audit(*, bodies: bool = False) -> Document:
    """One line for each write when it comes, one when it is done; nothing for reads.

    Args:
        bodies: with what was sent and answered, except where that is a secret by its kind.
    """
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "rules": [
            {"level": "None", "users": CONTROL_PLANE_USERS},
            {"level": "None", "userGroups": ["system:serviceaccounts:kube-system"]},
            {"level": "None", "verbs": ["get", "list", "watch"]},
            *([{"level": "Metadata", "resources": SECRET_RESOURCES}] if bodies else []),
            {"level": "RequestResponse" if bodies else "Metadata", "omitManagedFields": True},
        ],
    }


def kubeconfig(server: str, ca: bytes, user: Document) -> Document:
    """A kubeconfig with one cluster, one user and one context."""
    authority = base64.b64encode(ca).decode()
    name = "wardkeeper-test"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": authority}}
        ],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
        "current-context": name,
    }


def certificate_user(credential: Credential) -> Document:
    """The user of a kubeconfig, known by a client certificate."""
    return {
        "client-certificate-data": base64.b64encode(credential.certificate).decode(),
        "client-key-data": base64.b64encode(credential.key).decode(),
    }


def node(name: str) -> Document:
    """A Node that kwok looks after."""
    room = {"cpu": "32", "memory": "256Gi", "pods": "1000"}
    labels = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        SIMULATED_LABEL: "true",
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": room, "capacity": room},
    }


SIMULATED_LABEL = "test.wardkeeper.io/simulated"
"""On every simulated node, so that a later run can see what kind of cluster it was given."""
