# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper diff` as a user runs it: what it prints, and how it ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from typer.testing import CliRunner

from tests.component.operator_fixture import SPACE, Core, cluster
from tests.component.workflows import cron_job, workflow
from wardkeeper.cli.main import app
from wardkeeper.render.surroundings import AddressAndPort, Surroundings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from typer.testing import Result

    from tests.component.apiserver.server import ApiServer

ADDRESS = "network.apiServer={cidrs: [192.0.2.10/32], ports: [6443]}"


class User:
    """Somebody with a kubeconfig and a file."""

    def __init__(self, folder: Path, url: str) -> None:
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(_kubeconfig(url)))
        self._file = folder / "workflow.yaml"

    async def diff(self, *options: str, files: tuple[dict[str, Any], ...]) -> Result:
        """Run the command in a thread of its own, as it has a loop of its own."""
        self._file.write_text(yaml.safe_dump_all(files))
        where = ("--kubeconfig", str(self.kubeconfig), "--set", ADDRESS)
        arguments = ["diff", *where, *options, str(self._file)]
        return await asyncio.to_thread(CliRunner().invoke, app, arguments)


def _kubeconfig(url: str) -> dict[str, Any]:
    return {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "it", "user": "me"}}],
        "clusters": [{"name": "it", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {"token": "a-token"}}],
    }


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ApiServer]:
    """An API server whose operator labels children with the version that the command has."""

    def surroundings(*, api_server: tuple[AddressAndPort, ...], version: str) -> Surroundings:
        return Surroundings(api_server=api_server)

    monkeypatch.setattr("tests.component.operator_fixture.Surroundings", surroundings)
    async with cluster() as made:
        yield made


@pytest.fixture
def user(tmp_path: Path, server: ApiServer) -> User:
    return User(tmp_path, server.url)


async def converge(server: ApiServer, *workflows: dict[str, Any]) -> None:
    async with Core(server) as core:
        for one in workflows:
            server.put(one)
            await core.ready(one["metadata"]["name"])


async def test_nothing_to_do_prints_nothing_and_ends_well(server: ApiServer, user: User) -> None:
    await converge(server, workflow())
    result = await user.diff(files=(workflow(),))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "note: nothing would change\n"


async def test_differences_are_shown_with_value_and_culprit(server: ApiServer, user: User) -> None:
    await converge(server, workflow())
    server.edit(
        "Deployment",
        SPACE,
        "router",
        lambda one: one["spec"]["template"]["spec"].update(hostNetwork=True),
    )
    server.delete("NetworkPolicy", SPACE, "router-deny")
    result = await user.diff(files=(workflow(),))
    assert result.exit_code == 3
    assert result.stdout.splitlines() == [
        "HealthcareWorkflow radiology/router",
        "  + create  NetworkPolicy router-deny",
        "  ~ repair  Deployment router",
        "      spec.template.spec.hostNetwork: true -> (none)   (set by kubectl-edit)",
    ]
    assert result.stderr == ""


async def test_programs_get_the_same_as_json(server: ApiServer, user: User) -> None:
    await converge(server, workflow())
    server.edit("Deployment", SPACE, "router", lambda one: one["spec"].update(replicas=5))
    result = await user.diff("-o", "json", files=(workflow(), cron_job()))
    assert result.exit_code == 3
    first, second = orjson.loads(result.stdout)["workflows"]
    assert first == {
        "namespace": "radiology",
        "name": "router",
        "changes": [
            {
                "action": "repair",
                "kind": "Deployment",
                "name": "router",
                "fields": [
                    {"field": "spec.replicas", "manager": "kubectl-edit", "found": 5, "wanted": 2}
                ],
            }
        ],
    }
    assert {one["action"] for one in second["changes"]} == {"create"}


async def test_json_is_printed_when_nothing_would_change(server: ApiServer, user: User) -> None:
    await converge(server, workflow())
    result = await user.diff("--output=json", files=(workflow(),))
    assert result.exit_code == 0
    assert orjson.loads(result.stdout)["workflows"][0]["changes"] == []


async def test_a_name_that_is_taken_is_explained_once(server: ApiServer, user: User) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": SPACE, "name": "router"},
        "spec": {"ports": [{"port": 80}]},
    }
    server.put(service)
    result = await user.diff(files=(workflow(),))
    assert result.exit_code == 3
    assert "  ! refuse  Service router" in result.stdout
    assert result.stdout.count("rename the workflow, or delete those objects") == 1


async def test_of_a_workflow_that_is_only_audited_it_is_said_that_nothing_will_be_done(
    user: User,
) -> None:
    result = await user.diff(files=(workflow(mode="Audit"),))
    assert result.exit_code == 3
    assert "mode is Audit: the operator reports these changes and makes none" in result.stderr


async def test_wrong_input_ends_with_2_before_anything_is_asked(
    server: ApiServer, user: User
) -> None:
    result = await user.diff(files=(workflow(colour="blue"), workflow("other")))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "HealthcareWorkflow/router: spec.colour" in result.stderr
    assert server.seen == []


async def test_what_cannot_be_carried_out_ends_with_2(user: User) -> None:
    bad = cron_job()
    bad["spec"]["workload"]["timeZone"] = "Mars/Olympus"
    result = await user.diff(files=(bad,))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "spec.workload.timeZone is 'Mars/Olympus'" in result.stderr


async def test_a_cluster_that_cannot_be_reached_ends_with_1(tmp_path: Path) -> None:
    nowhere = User(tmp_path, "http://127.0.0.1:1")
    result = await nowhere.diff(files=(workflow(),))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


async def test_a_kubeconfig_that_cannot_be_used_ends_with_1(user: User) -> None:
    result = await user.diff("--context", "elsewhere", files=(workflow(),))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no context named 'elsewhere'" in result.stderr
