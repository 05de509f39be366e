# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The test cluster itself: it starts, stops, cleans up after the dead, and knows who is who.

Everything here uses our own build; no test touches a cluster that another test uses.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cluster import places, runs
from tests.cluster.access import HARDENED, CommandFailedError
from tests.cluster.cluster import Cluster
from tests.cluster.levels import Level
from tests.cluster.processes import Identity
from tests.cluster.progress import Report
from tests.cluster.selection import open_cluster, tools_for
from tests.cluster.vault_server import VaultRefusedError
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from tests.cluster.access import ClusterAccess

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def our_own(cluster: ClusterAccess) -> None:
    """Skips where no cluster can be had, and makes sure that ours is built."""
    if not isinstance(cluster, Cluster):
        pytest.skip("needs our own build: unset KUBECONFIG")


@pytest.fixture
def own_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run records of this test alone; the builds are those of the real cache."""
    builds = [tool.folder for tool in tools_for(Level.SIMULATED)]
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    places.cache().mkdir(parents=True)
    for build in builds:
        (places.cache() / build.name).symlink_to(build)


def python(code: str) -> subprocess.Popen[str]:
    """Another process of ours that runs a cluster."""
    return subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.cluster("api")
def test_a_stopped_cluster_leaves_no_process_no_folder_and_no_record() -> None:
    cluster = Cluster("api", openbao=True)
    with cluster:
        run = cluster.run
        processes = dict(run.processes)
        assert set(processes) == {"etcd", "kube-apiserver", "openbao"}
        assert all(identity.alive for identity in processes.values())
        assert run.state.exists()
    assert not any(identity.alive for identity in processes.values())
    assert not run.folder.exists()
    assert not run.state.exists()
    cluster.stop()  # and doing it again does no harm


@pytest.mark.cluster("api")
def test_two_clusters_stand_side_by_side() -> None:
    with Cluster("api") as one, Cluster("api") as other:
        assert not set(one.run.ports.values()) & set(other.run.ports.values())
        one.create_namespace("only-here")
        assert one.get("namespace", "only-here")
        assert other.get("namespace", "only-here") is None
        with pytest.raises(CommandFailedError, match="certificate"):
            one.kubectl("get", "nodes", f"--server={other.server}")


@pytest.mark.cluster("api")
@pytest.mark.usefixtures("own_records")
def test_a_start_cleans_up_after_a_run_that_was_killed() -> None:
    code = (
        "import time; from tests.cluster.cluster import Cluster\n"
        "cluster = Cluster('api', openbao=True); cluster.start()\n"
        "print(cluster.run.id, flush=True); time.sleep(600)"
    )
    with python(code) as victim:
        assert victim.stdout is not None
        identity = victim.stdout.readline().strip()
        run = next(run for run in runs.recorded() if run.id == identity)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
    left = list(run.processes.values())
    assert len(left) == 3
    assert all(process.alive for process in left)
    with Cluster("api"):
        assert not any(process.alive for process in left)
        assert not run.folder.exists()
        assert not run.state.exists()


@pytest.mark.cluster("api")
@pytest.mark.usefixtures("own_records")
def test_a_process_that_got_the_id_of_a_dead_one_is_not_killed() -> None:
    with subprocess.Popen(["sleep", "600"]) as stranger:
        run = runs.Run.begin()
        run.owner = Identity(stranger.pid, "a boot long ago/1")
        run.started("etcd", Identity(stranger.pid, "a boot long ago/1"))
        assert runs.sweep() == [run.id]
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.cluster("controllers")
def test_people_and_service_accounts_are_who_they_say(
    cluster: ClusterAccess, namespace: str
) -> None:
    def whoami(kubeconfig: Path) -> tuple[str, set[str]]:
        text = cluster.kubectl("auth", "whoami", "-o", "json", kubeconfig=kubeconfig)
        info = json.loads(text)["status"]["userInfo"]
        return info["username"], set(info["groups"])

    assert whoami(cluster.kubeconfig())[0] == "kubernetes-admin"
    name, groups = whoami(cluster.user("alice", groups=["nurses", "night"]))
    assert (name, groups) == ("alice", {"nurses", "night", "system:authenticated"})
    account = cluster.service_account_kubeconfig(namespace, "default")
    name, groups = whoami(account)
    assert name == f"system:serviceaccount:{namespace}:default"
    with pytest.raises(CommandFailedError, match="forbidden"):
        cluster.kubectl("get", "secrets", "-n", namespace, kubeconfig=account)


@pytest.mark.cluster("simulated")
def test_a_cluster_given_with_consent_is_used_and_outlives_the_tests(
    cluster: ClusterAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig()))
    monkeypatch.setenv("E2E_ALLOW_CLUSTER", "1")
    with open_cluster(Level.SIMULATED, Report()) as given:
        folder = given.run.folder
        assert (given.server, given.level) == (cluster.server, Level.SIMULATED)
        alice = given.user("alice", groups=["nurses"])
        info = json.loads(given.kubectl("auth", "whoami", "-o", "json", kubeconfig=alice))
        assert info["status"]["userInfo"]["username"] == "alice"
        assert "nurses" in info["status"]["userInfo"]["groups"]
        with pytest.raises(CommandFailedError, match='User "alice" cannot list'):
            given.kubectl("get", "secrets", kubeconfig=alice)
    assert not folder.exists()
    assert cluster.version()


@pytest.mark.cluster("controllers")
def test_writes_are_counted_by_who_made_them(cluster: ClusterAccess, namespace: str) -> None:
    writer = cluster.user("writer-of-" + namespace, groups=["system:masters"])
    cluster.kubectl("create", "configmap", "one", "-n", namespace, kubeconfig=writer)
    cluster.kubectl("get", "configmaps", "-n", namespace, kubeconfig=writer)
    events = until(lambda: cluster.writes("writer-of-" + namespace), "the write is in the log")
    assert [(event["verb"], event["objectRef"]["name"]) for event in events] == [("create", "one")]


@pytest.mark.cluster("api")
def test_a_namespace_admits_only_hardened_pods(cluster: ClusterAccess, namespace: str) -> None:
    with pytest.raises(CommandFailedError, match="violates PodSecurity"):
        cluster.kubectl("run", "soft", "--image=made.up/soft:1", "-n", namespace)


@pytest.mark.cluster("simulated")
def test_a_hardened_pod_becomes_ready_although_nothing_runs(
    cluster: ClusterAccess, namespace: str
) -> None:
    container = {"name": "main", "image": "made.up/image:1", "securityContext": HARDENED}
    cluster.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "hard", "namespace": namespace},
            "spec": {"containers": [container]},
        }
    )
    cluster.kubectl("wait", "--for=condition=Ready", "pod/hard", "-n", namespace, "--timeout=50s")


@pytest.mark.cluster("api")
def test_openbao_keeps_its_data_over_seal_and_restart() -> None:
    with Cluster("api") as cluster:
        vault = cluster.openbao
        vault.api("POST", "sys/mounts/secret", {"type": "kv", "options": {"version": "2"}})
        until(lambda: _written(cluster), "the new mount is in service")
        vault.seal()
        with pytest.raises(VaultRefusedError, match="503"):
            vault.api("GET", "secret/data/kept")
        vault.unseal()
        assert vault.api("GET", "secret/data/kept")["data"]["data"] == {"a": "1"}
        vault.stop()
        vault.start()
        assert vault.api("GET", "secret/data/kept")["data"]["data"] == {"a": "1"}


def _written(cluster: Cluster) -> bool:
    try:
        cluster.openbao.api("POST", "secret/data/kept", {"data": {"a": "1"}})
    except VaultRefusedError:
        return False
    return True


@pytest.mark.cluster("api")
def test_openbao_can_ask_the_api_server_whose_token_it_was_given(
    cluster: ClusterAccess, namespace: str
) -> None:
    account = {"name": "asker", "namespace": namespace}
    cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    vault = cluster.openbao
    path = f"auth/{namespace}"
    vault.api("POST", f"sys/{path}", {"type": "kubernetes"})
    config = {
        "kubernetes_host": cluster.server,
        "kubernetes_ca_cert": cluster.ca.read_text(),
        "token_reviewer_jwt": cluster.reviewer_token(),
        "disable_local_ca_jwt": True,
    }
    vault.api("POST", f"{path}/config", config)
    bound = {"bound_service_account_names": "asker", "audience": "vault"}
    vault.api("POST", f"{path}/role/r", {**bound, "bound_service_account_namespaces": namespace})
    token = cluster.service_account_token(namespace, "asker", audience="vault")
    login = vault.api("POST", f"{path}/login", {"role": "r", "jwt": token})
    assert login["auth"]["metadata"]["service_account_name"] == "asker"


@pytest.mark.cluster("api")
def test_an_outage_of_the_api_server_can_be_played() -> None:
    with Cluster("api") as cluster:
        cluster.create_namespace("kept")
        server = cluster.processes["kube-apiserver"]
        server.kill()
        with pytest.raises(CommandFailedError, match="refused"):
            cluster.kubectl("get", "namespaces")
        server.start()
        until(lambda: _answers(cluster), "the API server is back")
        assert cluster.get("namespace", "kept")


def _answers(cluster: Cluster) -> bool:
    try:
        return cluster.kubectl("get", "--raw", "/readyz") == "ok"
    except CommandFailedError:
        return False


@pytest.mark.cluster("api")
@pytest.mark.parametrize(("wanted", "outcome"), [("", "1 skipped"), ("simulated", "1 error")])
def test_a_missing_level_is_skipped_with_its_reason_unless_it_is_required(
    wanted: str, outcome: str, tmp_path: Path
) -> None:
    case = f"{__file__}::test_a_namespace_admits_only_hardened_pods"
    env = {
        "PATH": "/usr/bin:/bin",  # no Go on it
        "HOME": str(tmp_path),
        "E2E_REQUIRE": wanted,
    }
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", case],
        cwd=PROJECT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in result.stdout, result.stdout
    assert "install Go 1.26 or newer" in result.stdout
    assert (result.returncode == 0) == (not wanted)


@pytest.mark.cluster("api")
@pytest.mark.usefixtures("own_records")
def test_up_stays_and_down_ends_it() -> None:
    def command(*args: str) -> str:
        line = [sys.executable, "-m", "tests.cluster", *args]
        result = subprocess.run(line, cwd=PROJECT, capture_output=True, text=True, check=True)
        return result.stdout

    try:
        exports = command("up", "--level=api", "--no-openbao", "--no-operator")
        [run] = runs.recorded()
        assert exports == f"export KUBECONFIG={run.info['KUBECONFIG']}\n"
        assert command("up") == exports
        assert run.id in command("status")
        assert all(process.alive for process in run.processes.values())
    finally:
        command("down")
    assert not any(process.alive for process in run.processes.values())
    assert not run.folder.exists()
    assert command("status") == "nothing is up\n"
