# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every reason a condition or an event can carry. Reasons are API: stable, listed, documented."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Why something stands as it stands."""

    CONVERGED = "Converged"
    ROLLOUT_IN_PROGRESS = "RolloutInProgress"
    ROLLOUT_STUCK = "RolloutStuck"
    SPEC_INVALID = "SpecInvalid"
    ACCESS_REFUSED = "AccessRefused"
    NAME_TAKEN = "NameTaken"
    QUOTA_EXCEEDED = "QuotaExceeded"
    WRITE_REFUSED = "WriteRefused"
    API_UNAVAILABLE = "ApiUnavailable"
    DECLARED = "Declared"
    CONFIG_MAP_MISSING = "ConfigMapMissing"
    PEER_MISSING = "PeerMissing"
    POLICIES_IN_PLACE = "PoliciesInPlace"
    POLICIES_MISSING = "PoliciesMissing"
    SECRETS_CURRENT = "SecretsCurrent"
    NO_SECRETS = "NoSecrets"
    VAULT_UNAVAILABLE = "VaultUnavailable"
    VAULT_REFUSED = "VaultRefused"
    VAULT_NOT_CONFIGURED = "VaultNotConfigured"
    SECRET_TOO_OLD = "SecretTooOld"  # noqa: S105 - a reason, not a password
    ROTATION_FAILED = "RotationFailed"
    ROTATED = "Rotated"
    DRIFT_REPAIRED = "DriftRepaired"
    AUDIT_MODE = "AuditMode"
    WOULD_CHANGE = "WouldChange"
    DELETING = "Deleting"
    CLEANUP_INCOMPLETE = "CleanupIncomplete"
    AVAILABLE = "Available"
    SCHEDULED = "Scheduled"
    COMPLETED = "Completed"
    FAILED = "Failed"


class ConditionType(StrEnum):
    """The conditions of a HealthcareWorkflow; the first three are kstatus conditions."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    ADMITTED = "Admitted"
    NETWORK_CLOSED = "NetworkClosed"
    SECRETS_CURRENT = "SecretsCurrent"
    WORKLOAD_AVAILABLE = "WorkloadAvailable"
