# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The programs of the test cluster: what each is made from and where its build lies.

A build is named by the content it is made from, so it is made once, and a change of one program
makes only that one anew.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cluster import places

if TYPE_CHECKING:
    from pathlib import Path

KUBERNETES = "v1.36.3"

_COMMIT = "0f29094e5b73085e3802ecc1298ecae13866bfe6"


def _stamped() -> str:
    """Linker flags that give the control plane the version it was made from."""
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    values = {
        "gitVersion": KUBERNETES,
        "gitMajor": major,
        "gitMinor": minor,
        "gitCommit": _COMMIT,
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    stamps = [
        f"-X {package}.{key}={value}" for package in packages for key, value in values.items()
    ]
    return " ".join(["-s -w", *stamps])


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that is built or unpacked once into the cache.

    Attributes:
        name: of the tool and of its main program.
        inputs: the files that say what it is made from.
        programs: what lies in its `bin` folder afterwards.
        recipe: what decides about the result besides the inputs and the machine.
    """

    name: str
    inputs: tuple[Path, ...]
    programs: tuple[str, ...]
    recipe: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name of the build: SHA-256 of machine, recipe, programs and inputs."""
        machine = (platform.system(), platform.machine())
        digest = hashlib.sha256(repr((machine, self.recipe, self.programs)).encode())
        for path in self.inputs:
            content = path.read_bytes()
            digest.update(f"\n{path.name} {len(content)}\n".encode())
            digest.update(content)
        return digest.hexdigest()

    @property
    def folder(self) -> Path:
        """Where the build lies when it is there."""
        return places.cache() / f"{self.name}-{self.key[:20]}"

    @property
    def bin(self) -> Path:
        """The folder of its programs."""
        return self.folder / "bin"

    @property
    def built(self) -> bool:
        """Whether it is there; a folder is only ever renamed into place when it is complete."""
        return self.bin.is_dir()


@dataclass(frozen=True, slots=True)
class GoFiles(Tool):
    """Files of a Go module that nothing is compiled of; `programs` are their names.

    Attributes:
        module: folder of the module that names it.
        source: path of the module.
        under: folder of the files in it.
    """

    module: Path = places.SOURCES
    source: str = ""
    under: str = ""


@dataclass(frozen=True, slots=True)
class GoTool(Tool):
    """Built from a Go module under this folder.

    Attributes:
        module: folder of the module.
        package: the main package.
        flags: of `go build`.
    """

    module: Path = places.SOURCES
    package: str = ""
    flags: tuple[str, ...] = ()


def _go(name: str, package: str, ldflags: str, programs: tuple[str, ...], *recipe: str) -> GoTool:
    """A tool built from the module in the folder of its name."""
    module = places.SOURCES / name
    sources = sorted(module.glob("cmd/**/*.go"))
    flags = ("-trimpath", "-buildvcs=false", "-ldflags", ldflags)
    return GoTool(
        name=name,
        inputs=(module / "go.mod", module / "go.sum", *sources),
        programs=programs,
        flags=flags,
        recipe=(package, *flags, *recipe),
        module=module,
        package=package,
    )


STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/general/pod-create.yaml",
    "pod/general/pod-ready.yaml",
    "pod/general/pod-init-container-running.yaml",
    "pod/general/pod-init-container-completed.yaml",
    "pod/general/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
)
"""How kwok lets Nodes and Pods live; files of its module, under `kustomize/stage`."""

CONTROL_PLANE = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
"""The names the one binary of the control plane is called by."""

KUBEALL = _go("controlplane", "./cmd/kubeall", _stamped(), CONTROL_PLANE)
KWOK = _go("kwok", "sigs.k8s.io/kwok/cmd/kwok", "-s -w", ("kwok", "stages.yaml"), *STAGES)
KUBECONFORM = _go(
    "kubeconform", "github.com/yannh/kubeconform/cmd/kubeconform", "-s -w", ("kubeconform",)
)
KUBE_ROUTER = _go(
    "kube-router",
    "github.com/cloudnativelabs/kube-router/v2/cmd/kube-router",
    "-s -w",
    ("kube-router",),
)
COREDNS = _go("coredns", "./cmd/coredns", "-s -w", ("coredns",))
HELM_UNITTEST = _go(
    "helm-unittest",
    "github.com/helm-unittest/helm-unittest/cmd/helm-unittest",
    "-s -w",
    ("helm-unittest",),
)
HELM_DOCS = _go("helm-docs", "github.com/norwoodj/helm-docs/cmd/helm-docs", "-s -w", ("helm-docs",))
JUDGES = _go("judges", "./cmd/judges", "-s -w", ("judges",))
MONITORING = GoFiles(
    name="prometheus-operator",
    inputs=tuple(places.SOURCES / "prometheus-operator" / name for name in ("go.mod", "go.sum")),
    programs=tuple(
        f"monitoring.coreos.com_{plural}.yaml"
        for plural in ("servicemonitors", "podmonitors", "prometheusrules")
    ),
    module=places.SOURCES / "prometheus-operator",
    source="github.com/prometheus-operator/prometheus-operator",
    under="example/prometheus-operator-crd",
)
"""The CustomResourceDefinitions of Prometheus Operator."""
CLIENTS = Tool("kubectl-helm", (places.SOURCES / "pins" / "kubectl-helm.txt",), ("kubectl", "helm"))
OLDER_HELM = Tool("helm-3.19.0", (places.SOURCES / "pins" / "helm-3.19.0.txt",), ("helm",))
OLDER_OPENBAO = Tool("openbao-2.6.2", (places.SOURCES / "pins" / "openbao-2.6.2.txt",), ("bao",))
