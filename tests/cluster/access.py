# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""What a test can do with a cluster, wherever the cluster comes from.

All of it needs only an admin's kubeconfig and kubectl. Tests talk to the API server through named
identities; the admin is for preparing the stage.
"""

from __future__ import annotations

import json
import subprocess
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

import yaml

from tests.cluster.audit import AuditLog
from tests.cluster.openbao import OpenBao
from tests.cluster.postgres import Postgres
from tests.cluster.processes import Process
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from kubernetes.client import ApiClient

    from tests.cluster.levels import Level
    from tests.cluster.progress import Report
    from tests.cluster.runs import Run

RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}
"""Labels of a namespace in which only hardened Pods are let in."""

HARDENED = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
"""The security context of a container of such a Pod."""

REVIEWER = "openbao-reviewer"
"""ServiceAccount in kube-system that may ask the API server who a token belongs to."""

YEAR = 365 * 24 * 3600
"""Seconds that a test's ServiceAccount token is valid: longer than any run."""


class CommandFailedError(RuntimeError):
    """kubectl ended with an error; the message is what it said."""


class ClusterAccess(ABC):
    """A running cluster; a context manager.

    Attributes:
        level: what tests may rely on.
        folder: where kubeconfigs and tokens of this run are written.
        server: URL of the API server.
        ca: file with the PEM of the authority that signed the API server's certificate.
        kubectl_program: path of kubectl.
        processes: what was started, by name.
        report: where progress is said.
        openbao_version: which OpenBao is started; the newest when empty.
    """

    level: Level
    folder: Path
    server: str
    ca: Path
    kubectl_program: str

    def __init__(self, report: Report) -> None:
        """Nothing runs yet."""
        self.report = report
        self.processes: dict[str, Process] = {}
        self.openbao_version = ""
        self._openbao: OpenBao | None = None
        self._postgres: Postgres | None = None
        self._run: Run | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @abstractmethod
    def start(self) -> None:
        """Start what is ours to start and wait until the cluster is of use."""

    def stop(self) -> None:
        """End every process of ours and remove everything; safe to call twice."""
        if self._run is None:
            return
        self._run.finish()
        for process in self.processes.values():
            process.stop()
        if self._openbao is not None:
            self._openbao.close()
        self.processes.clear()
        self._run = self._openbao = self._postgres = None

    @property
    def run(self) -> Run:
        """The record of this run.

        Raises:
            RuntimeError: the cluster is not running.
        """
        if self._run is None:
            raise RuntimeError("the cluster is not running")
        return self._run

    @property
    def openbao(self) -> OpenBao:
        """The cluster's OpenBao; started when it is first asked for."""
        if self._openbao is None:
            self._openbao = self._start_openbao()
        return self._openbao

    def _start_openbao(self) -> OpenBao:
        openbao = OpenBao(self.run, self.report, self.openbao_version)
        self.processes["openbao"] = openbao.process
        openbao.start()
        return openbao

    @property
    def postgres(self) -> Postgres:
        """The cluster's PostgreSQL; started when it is first asked for.

        Raises:
            BuildError: its package is not installed.
        """
        if self._postgres is None:
            self._postgres = self._start_postgres()
        return self._postgres

    def _start_postgres(self) -> Postgres:
        postgres = Postgres(self.run)
        self.processes["postgres"] = postgres.process
        postgres.start()
        return postgres

    def spawn(self, name: str, command: list[str], env: Mapping[str, str] | None = None) -> Process:
        """Start a program that ends with the cluster, before everything else of it.

        Args:
            name: what people call it; its output goes to `logs/<name>.log` of the run.
            command: path of the binary and its arguments.
            env: its whole environment besides PATH and HOME.
        """
        process = Process(
            name,
            command,
            log=self.run.logs / f"{name}.log",
            folder=self.run.folder,
            env=env,
            within=self.run.within,
            on_start=self.run.started,
        )
        self.processes[name] = process
        process.start()
        return process

    @property
    def audit_log(self) -> Path | None:
        """The audit log of writes, one JSON document a line; None where it is not ours to read."""
        return None

    @abstractmethod
    def kubeconfig(self, name: str = "admin") -> Path:
        """The kubeconfig of an identity that exists: `admin`, or one made by `user`."""

    @abstractmethod
    def user(self, name: str, groups: tuple[str, ...] | list[str] = ()) -> Path:
        """The kubeconfig of a person of this name in these groups; RBAC gives them nothing yet."""

    def kubectl(self, *args: str, stdin: str | None = None, kubeconfig: Path | None = None) -> str:
        """Run kubectl, as the admin unless another kubeconfig is given; returns its output.

        Raises:
            CommandFailedError: kubectl did not end with 0.
        """
        command = [self.kubectl_program, f"--kubeconfig={kubeconfig or self.kubeconfig()}", *args]
        result = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
        )
        if result.returncode:
            raise CommandFailedError(f"kubectl {' '.join(args)}: {result.stderr.strip()}")
        return result.stdout

    def apply(self, *objects: dict[str, Any]) -> None:
        """Apply objects on the server's side, as the admin."""
        text = yaml.safe_dump_all(objects)
        self.kubectl("apply", "--server-side", "--field-manager=test", "-f", "-", stdin=text)

    def patch(self, kind: str, name: str, namespace: str, patch: dict[str, Any]) -> None:
        """Change an object with a merge patch, as the admin."""
        text = json.dumps(patch)
        self.kubectl("patch", kind, name, "-n", namespace, "--type=merge", f"--patch={text}")

    def get(self, kind: str, name: str, namespace: str = "") -> dict[str, Any] | None:
        """One object, or None when there is none of this name."""
        where = ["-n", namespace] if namespace else []
        text = self.kubectl("get", kind, name, *where, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text else None

    def items(self, kind: str, namespace: str = "", selector: str = "") -> list[dict[str, Any]]:
        """All objects of a kind, in one namespace or in all."""
        where = ["-n", namespace] if namespace else ["-A"]
        chosen = ["-l", selector] if selector else []
        found: list[dict[str, Any]] = json.loads(
            self.kubectl("get", kind, *where, *chosen, "-o", "json")
        )["items"]
        return found

    def may(self, user: str, verb: str, resource: str, namespace: str = "default") -> bool:
        """Whether RBAC lets a user do this: the API server learns of a binding after it is made."""
        asked = ("auth", "can-i", verb, resource, f"--as={user}", "-n", namespace)
        try:
            return self.kubectl(*asked).strip() == "yes"
        except CommandFailedError:
            return False

    def serves(self, resource: str) -> bool:
        """Whether a kind is served, and told of to who asks for kinds, as kubectl does."""
        try:
            self.kubectl("get", resource, "-A", "-o", "name")
        except CommandFailedError:
            return False
        return True

    def version(self) -> str:
        """The API server's version, such as `v1.36.3`."""
        return str(json.loads(self.kubectl("get", "--raw", "/version"))["gitVersion"])

    def api_client(self, kubeconfig: Path | None = None) -> ApiClient:
        """A client of the `kubernetes` package, as the admin unless another kubeconfig is given."""
        from kubernetes import config  # takes a second to import

        path = str(kubeconfig or self.kubeconfig())
        client: ApiClient = config.new_client_from_config(path)  # type: ignore[no-untyped-call]
        return client

    def create_namespace(self, name: str, labels: dict[str, str] | None = None) -> None:
        """A namespace that admits only hardened Pods, complete with its default ServiceAccount."""
        metadata = {"name": name, "labels": RESTRICTED if labels is None else labels}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        if self.level != "api":
            until(
                lambda: self.get("serviceaccount", "default", name),
                f"namespace {name} has its default ServiceAccount",
            )

    def service_account_token(
        self, namespace: str, name: str, audience: str = "", seconds: int = YEAR
    ) -> str:
        """A token of a ServiceAccount; for the API server when no audience is given."""
        chosen = [f"--audience={audience}"] if audience else []
        duration = f"--duration={seconds}s"
        return self.kubectl("create", "token", name, "-n", namespace, duration, *chosen).strip()

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """A kubeconfig that reads the ServiceAccount's token from a file, as a Pod would."""
        stem = f"serviceaccount.{namespace}.{name}"
        token = self._write(f"{stem}.token", self.service_account_token(namespace, name))
        return self.write_kubeconfig(stem, {"tokenFile": str(token)})

    def reviewer_token(self) -> str:
        """A token that may create TokenReviews: what Vault's Kubernetes auth is given."""
        account = {"kind": "ServiceAccount", "name": REVIEWER, "namespace": "kube-system"}
        role = {"kind": "ClusterRole", "name": "system:auth-delegator"}
        group = "rbac.authorization.k8s.io"
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "ServiceAccount",
                "metadata": {"name": REVIEWER, "namespace": "kube-system"},
            },
            {
                "apiVersion": f"{group}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": REVIEWER},
                "roleRef": {"apiGroup": group, **role},
                "subjects": [account],
            },
        )
        user = f"system:serviceaccount:kube-system:{REVIEWER}"
        review = "tokenreviews.authentication.k8s.io"
        until(lambda: self.may(user, "create", review), f"{user} may review tokens")
        return self.service_account_token("kube-system", REVIEWER)

    @property
    def audit(self) -> AuditLog:
        """What the audit log tells of writes, of everybody but the control plane.

        Raises:
            NotImplementedError: this cluster's audit log is not ours to read.
        """
        if self.audit_log is None:
            raise NotImplementedError("the audit log of this cluster cannot be read")
        return AuditLog(self.audit_log, self.processes["kube-apiserver"])

    def writes(self, user: str) -> list[dict[str, Any]]:
        """The audit events of one user, such as `system:serviceaccount:ns:name`."""
        return [event for event in self.audit.since() if event["user"]["username"] == user]

    @abstractmethod
    def write_kubeconfig(self, stem: str, user: dict[str, Any]) -> Path:
        """Write a kubeconfig of this cluster for a user section; returns its path."""

    def _write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path
