# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Every condition, and every reason a condition or an event can carry.

Both are API: people alert on them and scripts wait for them, so a word that was published is never
given another meaning. Each carries what it says and what to do, and the page for readers is made
from that; a reason without a way out must not exist.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """Why something stands as it stands."""

    meaning: str
    remedy: str

    def __new__(cls, value: str, meaning: str = "", remedy: str = "Nothing.") -> Self:
        """A reason with what it means and what a person does about it."""
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.meaning = meaning
        reason.remedy = remedy
        return reason

    CONVERGED = (
        "Converged",
        "Every guard was seen in place, the workload has rolled out, the secrets are current.",
    )
    ROLLOUT_IN_PROGRESS = (
        "RolloutInProgress",
        "The workload is being rolled out; guards are already in place.",
        "Wait. If it lasts, look at the pods: `kubectl get pods -l wardkeeper.io/workflow=<name>`.",
    )
    ROLLOUT_STUCK = (
        "RolloutStuck",
        "Kubernetes has given the roll-out up: new pods do not become ready in time.",
        "Look at the events and logs of the newest pod; then correct the image, the probes or the "
        "resources.",
    )
    SPEC_INVALID = (
        "SpecInvalid",
        "The spec asks for something that cannot be carried out. What ran before keeps running and "
        "is still repaired.",
        "Change the field that the message names, as it says.",
    )
    ACCESS_REFUSED = (
        "AccessRefused",
        "`spec.access.rules` asks for more than the operator may grant; Kubernetes refused it.",
        "Take the rule that the message names out of the workflow, or let an administrator add it "
        "to the ClusterRole `wardkeeper-grantable`.",
    )
    NAME_TAKEN = (
        "NameTaken",
        "An object of the name and kind of a child exists and belongs to somebody else. It was "
        "not touched.",
        "Rename the workflow, or delete the object that the message names if nobody needs it.",
    )
    QUOTA_EXCEEDED = (
        "QuotaExceeded",
        "A ResourceQuota of the namespace leaves no room for a child.",
        "Ask for less under `resources`, or have the quota raised; it is tried again by itself.",
    )
    WRITE_REFUSED = (
        "WriteRefused",
        "The API server or an admission webhook refused a child; the message is theirs.",
        "Do what the message says, or ask who runs the webhook; it is tried again by itself.",
    )
    QUARANTINED = (
        "Quarantined",
        "The annotation `wardkeeper.io/quarantine` is set: network, rights, identity and secrets "
        "were taken away; pods and their values in Vault are kept as evidence.",
        "Look into the incident. Then take the annotation away: everything is made anew, with "
        "another identity and other credentials.",
    )
    API_UNAVAILABLE = (
        "ApiUnavailable",
        "The API server did not answer, or asked to come back later.",
        "Wait; it is tried again with growing pauses. If it lasts, look at the API server.",
    )
    DECLARED = (
        "Declared",
        "The endpoint is declared, and packets to it are let through.",
    )
    PEER_MISSING = (
        "PeerMissing",
        "A workflow that is named as a peer does not exist. Nothing is opened to it.",
        "Create the workflow, or correct its name or namespace; it opens by itself then.",
    )
    CONFIG_MAP_MISSING = (
        "ConfigMapMissing",
        "A ConfigMap that a container mounts does not exist, so its pods cannot start.",
        "Create the ConfigMap, or correct its name under `configMaps`.",
    )
    POLICIES_IN_PLACE = (
        "PoliciesInPlace",
        "The NetworkPolicies were seen in place. Whether the network plugin enforces them is not "
        "probed.",
    )
    POLICIES_ENFORCED = (
        "PoliciesEnforced",
        "The NetworkPolicies were seen in place, and the canary found that the network plugin "
        "enforces them.",
    )
    POLICIES_NOT_ENFORCED = (
        "PoliciesNotEnforced",
        "The NetworkPolicies are in place, and the canary reached what they close: the network "
        "plugin does not enforce them, so no workflow's network is closed.",
        "Install a network plugin that enforces NetworkPolicies in both directions, or have its "
        "controller repaired. The canary looks again by itself.",
    )
    OPENED_BY_OTHERS = (
        "OpenedByOthers",
        "NetworkPolicies add up: one that somebody else wrote selects the workflow's pods and has "
        "a rule, so it opens what the workflow's own keep closed. It was not touched.",
        "Let the policy leave out the pods of workflows: `podSelector.matchExpressions: [{key: "
        "wardkeeper.io/workflow, operator: DoesNotExist}]`. What was meant to reach the workflow, "
        "or be reached by it, is declared in `spec.network.ingress` or `spec.endpoints`.",
    )
    CANARY_UNAVAILABLE = (
        "CanaryUnavailable",
        "The NetworkPolicies are in place; whether they are enforced cannot be told, for the "
        "canary does not answer, or others open its own network.",
        "Look at the workflow `wardkeeper-canary` in the operator's namespace and at the message, "
        "or switch `verification.canary` off.",
    )
    POLICIES_MISSING = (
        "PoliciesMissing",
        "Not every guard was seen in place in the last pass.",
        "See the message of `Ready`; the workload is not changed before its guards stand.",
    )
    SECRETS_CURRENT = (
        "SecretsCurrent",
        "Every declared secret is delivered and young enough.",
    )
    NO_SECRETS = (
        "NoSecrets",
        "The workflow declares no secrets.",
    )
    VAULT_UNAVAILABLE = (
        "VaultUnavailable",
        "Vault is sealed or does not answer. Secrets that are delivered stay; guards are kept.",
        "Unseal Vault or repair the way to it; the operator goes on by itself.",
    )
    VAULT_REFUSED = (
        "VaultRefused",
        "Vault answered and refused: a mount, a policy or a role is not as it has to be.",
        "Run `wardkeeper vault bootstrap --dry-run`, compare, and run it without `--dry-run`.",
    )
    VAULT_NOT_CONFIGURED = (
        "VaultNotConfigured",
        "The workflow declares secrets, but the operator was started without Vault.",
        "Set the address of Vault in the operator's settings, or take `spec.secrets` out.",
    )
    SECRET_TOO_OLD = (
        "SecretTooOld",
        "A secret is older than its `rotation.maxAge`.",
        "See why it was not replaced: the message of the secret and the events of the workflow.",
    )
    ROTATION_FAILED = (
        "RotationFailed",
        "A secret could not be replaced; the one before stays in use.",
        "Do what the message says; it is tried again by itself.",
    )
    ROTATION_OVERDUE = (
        "RotationOverdue",
        "A secret is past its deadline and was not replaced.",
        "See the events of the workflow and `wardkeeper secrets NAME` for what it waits for.",
    )
    SOURCE_DELETED = (
        "SourceDeleted",
        "Somebody deleted the source of a synced secret in Vault. What is delivered stays.",
        "Write its values anew in Vault, or take the secret out of the workflow.",
    )
    SECRET_EMPTY = (
        "SecretEmpty",
        "The source of a secret holds nothing that could be delivered, or lacks a field.",
        "Write the fields that the message names in Vault; nothing empty is ever delivered.",
    )
    DATABASE_REFUSED = (
        "DatabaseRefused",
        "Vault could not make a login, because the database is down or refused it.",
        "Repair the database, or Vault's connection to it; it is tried again by itself.",
    )
    SOURCE_MISSING = (
        "SourceMissing",
        "What a secret is made from is missing in Vault: a role, a key or a path.",
        "Let an administrator make it as `wardkeeper vault bootstrap --for` prints it.",
    )
    AUTHORITY_ENDING = (
        "AuthorityEnding",
        "The authority that signs certificates ends before the certificate would.",
        "Let an administrator put a new issuer into Vault's PKI engine.",
    )
    ROTATED = (
        "Rotated",
        "A secret was replaced and delivered.",
    )
    DRIFT_REPAIRED = (
        "DriftRepaired",
        "Somebody else changed a child; it was put back. The message names the child, the fields "
        "and the field manager.",
        "If the change was meant, make it in the workflow; else find out who made it.",
    )
    AUDIT_MODE = (
        "AuditMode",
        "`mode` is Audit: everything is as it would be made, and nothing is written.",
        "Set `mode: Enforce` when the operator shall act.",
    )
    WOULD_CHANGE = (
        "WouldChange",
        "`mode` is Audit, and a pass would change the objects that the message names.",
        "Look at `wardkeeper diff`; set `mode: Enforce` when the operator shall act.",
    )
    DELETING = (
        "Deleting",
        "The workflow is being deleted: first the workload, then its guards.",
        "Wait.",
    )
    CLEANUP_INCOMPLETE = (
        "CleanupIncomplete",
        "Something outside the cluster that belongs to the workflow could not be removed yet.",
        "Do what the message says; it is tried again by itself. As a last resort remove the "
        "finalizer `wardkeeper.io/cleanup` and the leftovers by hand.",
    )
    AVAILABLE = (
        "Available",
        "Enough pods of the Deployment are ready.",
    )
    SCHEDULED = (
        "Scheduled",
        "The CronJob is in place and waits for its next run.",
    )
    RUNNING = ("Running", "The Job's run is under way.")
    COMPLETED = (
        "Completed",
        "The Job has come to its end.",
    )
    FAILED = (
        "Failed",
        "The Job has failed as often as `backoffLimit` allows, or ran longer than "
        "`activeDeadlineSeconds`.",
        "Look at the logs of its last pod, correct the cause, delete the workflow and create it "
        "anew.",
    )


class ConditionType(StrEnum):
    """The conditions of a HealthcareWorkflow; the first three are kstatus conditions."""

    meaning: str

    def __new__(cls, value: str, meaning: str = "") -> Self:
        """A condition with what it says while it is True."""
        condition = str.__new__(cls, value)
        condition._value_ = value
        condition.meaning = meaning
        return condition

    READY = (
        "Ready",
        "At this generation every guard was seen in place, the workload has rolled out and the "
        "secrets are current. The one to wait for.",
    )
    RECONCILING = ("Reconciling", "Work goes on; there only while it does.")
    STALLED = (
        "Stalled",
        "Nothing will change until somebody acts; there only while that is so.",
    )
    ADMITTED = ("Admitted", "The spec can be carried out.")
    NETWORK_CLOSED = (
        "NetworkClosed",
        "The NetworkPolicies are in place, default-deny first, and no NetworkPolicy of somebody "
        "else opens what they close.",
    )
    SECRETS_CURRENT = (
        "SecretsCurrent",
        "Every declared secret is delivered and younger than its `rotation.maxAge`.",
    )
    WORKLOAD_AVAILABLE = (
        "WorkloadAvailable",
        "The Deployment has its pods, the CronJob waits for its time, the Job runs or is done.",
    )
