# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""How the commands of each page are run, and which are not, with the reason.

A page that is not named here is run as it stands, where Wardkeeper is installed and the samples are
Ready, in a copy of the repository, with the namespace of the sample service as default. A YAML
block whose first line is a comment with a file's name is that file there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class NotRun(NamedTuple):
    """A block of commands that cannot be run here.

    Attributes:
        page: where it stands.
        first: its first line.
        reason: why it cannot; what tries the same thing instead, if anything does.
    """

    page: str
    first: str
    reason: str


@dataclass(frozen=True)
class Way:
    """How the commands of a page are run.

    Attributes:
        alone: on a cluster of its own, because the page installs or removes.
        installed: whether Wardkeeper is installed and the samples are there before the first block.
        given: names in the folder of work that the page takes for granted; `world.py` makes them.
        instead: what stands for an example's address or name here.
        helm: whether it was installed by Helm, and not from manifests/.
        gitops: whether the kinds, namespaces and the ConfigMap of Argo CD and Flux are there.
    """

    alone: bool = False
    installed: bool = True
    given: tuple[str, ...] = ()
    instead: dict[str, str] = field(default_factory=dict)
    helm: bool = False
    gitops: bool = False


VAULT = "{vault}"
KUBERNETES = "{kubernetes}"

AS_IT_STANDS = Way()

WAYS = {
    "README.md": Way(alone=True, helm=True),
    "docs/gitops.md": Way(gitops=True),
    "docs/installation.md": Way(alone=True, installed=False),
    "docs/kustomize.md": Way(alone=True, installed=False),
    "docs/namespaced.md": Way(alone=True, helm=True),
    "docs/secrets.md": Way(given=("lab-results-router.yaml",)),
    "docs/uninstall.md": Way(alone=True, helm=True),
    "docs/upgrade.md": Way(alone=True, helm=True),
    "docs/vault.md": Way(
        given=(
            "kube-ca.pem",
            "operator-token",
            "reviewer-token",
            "vault-ca.pem",
            "workflow.yaml",
        ),
        instead={
            "https://vault.vault.svc:8200": VAULT,
            "https://kubernetes.default.svc": KUBERNETES,
        },
    ),
}
"""By page; the addresses of the test cluster stand for `{vault}` and `{kubernetes}`."""

NOT_RUN = (
    NotRun("README.md", "make test", "it is what runs this; .ci/run is that command"),
    NotRun(
        "docs/air-gapped.md",
        "python3 -m pip download --requirement requirements/runtime.lock --dest wheels \\",
        "needs a package index each time; what runs this was installed from a lock with hashes too",
    ),
    NotRun(
        "docs/air-gapped.md",
        "pip install --no-index --find-links wheels --require-hashes --requirement runtime.lock",
        "is for the build of an image, out of what the block before it downloads",
    ),
)
