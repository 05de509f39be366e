# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`wardkeeper secrets` as a user runs it: what it prints, what it never asks, how it ends."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, tzinfo
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson
import pytest
import typer
import yaml
from typer.testing import CliRunner

from wardkeeper.cli.secret_table import in_short
from wardkeeper.cli.secrets import command
from wardkeeper.kube.access import AccessError
from wardkeeper.kube.kubeconfig import namespace_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

NS, WF, UID = "integration", "router", "uid-1"
GROUP = "/apis/wardkeeper.io/v1alpha1"
WORKFLOWS = f"{GROUP}/namespaces/{NS}/healthcareworkflows"
LEDGER = f"{GROUP}/namespaces/wardkeeper-system/issuedcredentials"
NOW = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
CANARY = "vault:v1:canary"


class StandingClock(datetime):
    """A clock that always shows NOW, so that what is read off it is exact."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> StandingClock:
        return cls.fromtimestamp(NOW.timestamp(), tz)


class Server:
    """Answers as an API server does, from a table of paths; everything else is not found."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {LEDGER: (200, listed())}
        self.asked: list[str] = []
        self.queries: dict[str, dict[str, list[str]]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                outer.asked.append(path)
                outer.queries[path] = parse_qs(self.path.partition("?")[2])
                code, body = outer.answers.get(path, (404, status(404, "NotFound")))
                text = orjson.dumps(body)
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class User:
    """Somebody with a kubeconfig."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.kubeconfig = folder / "kubeconfig"
        self.kubeconfig.write_text(yaml.safe_dump(kubeconfig(server.url)))
        self.app = typer.Typer()
        self.app.command()(command)

    def secrets(self, *arguments: str) -> Result:
        return CliRunner().invoke(self.app, ["--kubeconfig", str(self.kubeconfig), *arguments])


def kubeconfig(url: str) -> dict[str, Any]:
    here = {"cluster": "it", "user": "me", "namespace": NS}
    return {
        "current-context": "here",
        "contexts": [{"name": "here", "context": here}],
        "clusters": [{"name": "it", "cluster": {"server": url}}],
        "users": [{"name": "me", "user": {"token": "a-token"}}],
    }


def status(code: int, reason: str) -> dict[str, Any]:
    return {"kind": "Status", "code": code, "reason": reason, "message": reason}


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"resourceVersion": "1"}, "items": list(items)}


def at(**delta: float) -> str:
    return (NOW + timedelta(**delta)).strftime("%Y-%m-%dT%H:%M:%SZ")


def secret(name: str = "db", **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "engine": "DatabaseDynamic",
        "phase": "Idle",
        "version": "7",
        "rotatedAt": at(hours=-5),
        "dueAt": at(hours=10, seconds=30),
        "deadline": at(hours=20),
        "expiresAt": at(hours=24),
        **changes,
    }


def workflow(
    *secrets: dict[str, Any], name: str = WF, declared: tuple[str, ...] = (), **condition: str
) -> dict[str, Any]:
    current = {"type": "SecretsCurrent", "status": "True", "reason": "SecretsCurrent"}
    times = {"observedGeneration": 1, "lastTransitionTime": at(hours=-1)}
    return {
        "metadata": {"namespace": NS, "name": name, "uid": UID},
        "spec": {
            "secrets": [{"name": one} for one in declared or [one["name"] for one in secrets]]
        },
        "status": {
            "observedGeneration": 1,
            "conditions": [{**current, "message": "young", **times, **condition}],
            "secrets": list(secrets),
        },
    }


def credential(name: str, secret: str = "db", uid: str = UID, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": "wardkeeper-system"},
        "spec": {
            "workflowRef": {"namespace": NS, "name": WF, "uid": uid},
            "secret": secret,
            "engine": "DatabaseDynamic" if secret else "Token",
            "rotationId": "r-1",
        },
        "status": {
            "phase": "Current",
            "issuedAt": at(hours=-5),
            "handle": {"lease": CANARY},
            **status,
        },
    }


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def user(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> User:
    monkeypatch.setattr("wardkeeper.cli.secrets.datetime", StandingClock)
    return User(tmp_path, server)


def have(server: Server, *workflows: dict[str, Any]) -> None:
    server.answers[WORKFLOWS] = (200, listed(*workflows))
    server.answers[f"{GROUP}/healthcareworkflows"] = (200, listed(*workflows))
    for one in workflows:
        server.answers[f"{WORKFLOWS}/{one['metadata']['name']}"] = (200, one)


def columns(result: Result, heading: str) -> list[list[str]]:
    """Cells of the rows of the table that begins with this heading."""
    lines = result.stdout.splitlines()
    begin = next(index for index, line in enumerate(lines) if line.startswith(heading))
    rows = []
    for line in lines[begin + 1 :]:
        if not line.strip():
            break
        rows.append([cell.strip() for cell in line.split("  ") if cell.strip()])
    return rows


def test_a_secret_is_one_line_with_everything_about_it(server: Server, user: User) -> None:
    have(server, workflow(secret(waitsFor="the end of a freeze window")))
    result = user.secrets(WF)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == f"HealthcareWorkflow {NS}/{WF}"
    [row] = columns(result, "SECRET")
    assert row[:4] == ["db", "DatabaseDynamic", "Idle", "7"]
    assert row[4].startswith("5h")
    assert row[5].startswith("in 10h")
    assert row[5].endswith(f"({(NOW + timedelta(hours=10, seconds=30)):%Y-%m-%d %H:%M}Z)")
    assert row[8] == "the end of a freeze window"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"phase": "Failed"}, "Failed"),
        ({"deadline": at(minutes=-3)}, "Overdue"),
        ({"expiresAt": at(minutes=-3)}, "Expired"),
        ({"version": None}, "Missing"),
    ],
)
def test_a_secret_that_is_not_current_ends_with_1(
    server: Server, user: User, changes: dict[str, Any], fault: str
) -> None:
    have(server, workflow(secret("db", **changes), secret("tls")))
    result = user.secrets(WF)
    assert result.exit_code == 1
    assert fault in columns(result, "SECRET")[0][2]
    assert fault not in columns(result, "SECRET")[1][2]


@pytest.mark.parametrize("phase", ["Degraded", "RollingOut", "Overlap", "Intent"])
def test_a_secret_that_is_young_enough_is_current_whatever_is_done_about_it(
    server: Server, user: User, phase: str
) -> None:
    have(server, workflow(secret(phase=phase)))
    assert user.secrets(WF).exit_code == 0


def test_a_declared_secret_that_no_pass_has_seen_is_not_current(server: Server, user: User) -> None:
    have(server, workflow(secret("db"), declared=("db", "tls")))
    result = user.secrets(WF)
    assert result.exit_code == 1
    assert columns(result, "SECRET")[1] == ["tls", *"-------", "its first pass"]


def test_what_the_operator_says_of_a_failure_is_passed_on(server: Server, user: User) -> None:
    words = "secret db: role is missing"
    failed = secret(phase="Failed")
    have(server, workflow(failed, status="False", reason="RotationFailed", message=words))
    assert "RotationFailed: secret db: role is missing" in user.secrets(WF).stdout


def test_live_credentials_of_the_workflow_stand_below(server: Server, user: User) -> None:
    have(server, workflow(secret()))
    server.answers[LEDGER] = (
        200,
        listed(
            credential("c-token", ""),
            credential("c-old", phase="Superseded", revokeAfter=at(hours=30)),
            credential("c-bad", phase="Retiring", failures=3, lastError="Failed"),
            credential("c-of-another", uid="uid-of-a-namesake"),
        ),
    )
    result = user.secrets(WF)
    assert result.exit_code == 0
    rows = {row[-1]: row for row in columns(result, "CREDENTIAL OF")}
    assert set(rows) == {"c-token", "c-old", "c-bad"}
    assert rows["c-token"][:2] == ["(its own token)", "Token"]
    assert rows["c-old"][5].startswith("in 1d")
    assert rows["c-bad"][6] == "Failed, 3 times"
    assert CANARY not in result.output


def test_who_may_not_read_the_ledger_is_told_so_and_sees_the_rest(
    server: Server, user: User
) -> None:
    have(server, workflow(secret()))
    server.answers[LEDGER] = (403, status(403, "Forbidden"))
    result = user.secrets(WF)
    assert result.exit_code == 0
    assert columns(result, "SECRET")
    assert result.stderr == (
        "note: you may not list IssuedCredentials in wardkeeper-system: nothing is said about the "
        "credentials that live\n"
    )


def test_a_status_that_this_version_cannot_read_is_told(server: Server, user: User) -> None:
    newer = workflow(secret())
    newer["status"]["secrets"] = {"db": {"phase": "Idle"}}
    server.answers[f"{WORKFLOWS}/{WF}"] = (200, newer)
    result = user.secrets(WF)
    assert result.exit_code == 1
    assert f"the status of {NS}/{WF} cannot be read" in result.stderr


def test_of_the_ledger_only_the_workflows_own_part_is_asked_for(server: Server, user: User) -> None:
    have(server, workflow(secret()))
    user.secrets(WF)
    [selector] = server.queries[LEDGER]["labelSelector"]
    mine = f"wardkeeper.io/workflow={WF},wardkeeper.io/workflow-namespace={NS}"
    assert selector == mine
    user.secrets("--all")
    assert "labelSelector" not in server.queries[LEDGER]


def test_the_ledger_may_lie_in_another_namespace(server: Server, user: User) -> None:
    have(server, workflow(secret()))
    user.secrets(WF, "--operator-namespace", "platform")
    assert f"{GROUP}/namespaces/platform/issuedcredentials" in server.asked


@pytest.mark.parametrize("option", [["--json"], ["-o", "json"]])
def test_programs_get_the_same_as_json(server: Server, user: User, option: list[str]) -> None:
    have(server, workflow(secret(), secret("tls", deadline=at(minutes=-3))))
    server.answers[LEDGER] = (200, listed(credential("c-1")))
    result = user.secrets(WF, *option)
    assert result.exit_code == 1
    [one] = orjson.loads(result.stdout)["workflows"]
    assert (one["namespace"], one["name"], one["current"]) == (NS, WF, False)
    first, second = one["secrets"]
    assert first | {"ageSeconds": 0} == {
        **secret(),
        "waitsFor": None,
        "ageSeconds": 0,
        "faults": [],
    }
    assert first["ageSeconds"] >= 5 * 3600
    assert second["faults"] == ["Overdue"]
    assert [(each["name"], each["phase"]) for each in one["ledger"]] == [("c-1", "Current")]
    assert CANARY not in result.output


def test_json_says_that_the_ledger_was_not_read(server: Server, user: User) -> None:
    have(server, workflow(secret()))
    server.answers[LEDGER] = (403, status(403, "Forbidden"))
    assert orjson.loads(user.secrets(WF, "--json").stdout)["workflows"][0]["ledger"] is None


def test_all_shows_every_workflow(server: Server, user: User) -> None:
    have(server, workflow(secret(), name="b"), workflow(secret(), name="a"))
    for where in ((), ("-n", NS)):
        result = user.secrets("--all", *where)
        assert result.exit_code == 0
        heads = [line for line in result.stdout.splitlines() if line.startswith("Healthcare")]
        assert heads == [f"HealthcareWorkflow {NS}/{name}" for name in "ab"]
    assert server.asked.count(f"{GROUP}/healthcareworkflows") == 1
    assert server.asked.count(WORKFLOWS) == 1


def test_no_workflows_at_all_is_said(server: Server, user: User) -> None:
    have(server)
    result = user.secrets("--all")
    assert result.exit_code == 0
    assert "note: there are no workflows" in result.stderr


def test_a_workflow_without_secrets_has_none_that_is_overdue(server: Server, user: User) -> None:
    have(server, workflow())
    result = user.secrets(WF)
    assert result.exit_code == 0
    assert "declares no secrets" in result.stdout


def test_no_secret_is_ever_asked_for(server: Server, user: User) -> None:
    have(server, workflow(secret()))
    user.secrets(WF)
    assert server.asked == [f"{WORKFLOWS}/{WF}", LEDGER]


def test_what_a_terminal_would_obey_is_shown_as_a_question_mark(server: Server, user: User) -> None:
    have(server, workflow(secret(waitsFor="\x1b[31mred\x1b[0m [bold]x")))
    result = user.secrets(WF)
    assert "?[31mred?[0m [bold]x" in result.stdout
    assert "\x1b" not in result.stdout


def test_a_workflow_that_is_not_there_ends_with_2_and_a_remedy(user: User) -> None:
    result = user.secrets("elsewhere")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"no HealthcareWorkflow elsewhere in namespace {NS}" in result.stderr
    assert "--namespace" in result.stderr


def test_who_may_not_read_workflows_is_told_what_to_ask_for(server: Server, user: User) -> None:
    server.answers[f"{WORKFLOWS}/{WF}"] = (403, status(403, "Forbidden"))
    result = user.secrets(WF)
    assert result.exit_code == 2
    assert "ask for get and list on healthcareworkflows.wardkeeper.io" in result.stderr


def test_a_cluster_without_the_definitions_is_recognised(user: User) -> None:
    result = user.secrets("--all")
    assert result.exit_code == 2
    assert "apply the operator's CRDs" in result.stderr


def test_a_cluster_that_cannot_be_reached_ends_with_2(server: Server, user: User) -> None:
    user.kubeconfig.write_text(yaml.safe_dump(kubeconfig("http://127.0.0.1:1")))
    result = user.secrets(WF)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "check the server's address" in result.stderr
    assert "Traceback" not in result.stderr


def test_no_kubeconfig_is_said_with_its_remedy(user: User, tmp_path: Path) -> None:
    user.kubeconfig = tmp_path / "nowhere"
    result = user.secrets(WF)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "nowhere cannot be read" in result.stderr
    assert "--kubeconfig or $KUBECONFIG" in result.stderr


@pytest.mark.parametrize("arguments", [[], [WF, "--all"], [WF, "-o", "xml"]])
def test_wrong_arguments_end_with_2(user: User, arguments: list[str]) -> None:
    result = user.secrets(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")


def test_help_says_how_it_ends(user: User) -> None:
    told = CliRunner().invoke(user.app, ["--help"]).stdout
    assert "Exit codes: 0 every secret is current" in told


def test_a_context_without_namespace_means_the_default_one(user: User) -> None:
    config = yaml.safe_load(user.kubeconfig.read_text())
    assert namespace_of(user.kubeconfig) == NS
    del config["contexts"][0]["context"]["namespace"]
    user.kubeconfig.write_text(yaml.safe_dump(config))
    assert namespace_of(user.kubeconfig, "here") == "default"
    with pytest.raises(AccessError, match="elsewhere"):
        namespace_of(user.kubeconfig, "elsewhere")


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(minutes=12), "12m"),
        (timedelta(hours=4, minutes=12, seconds=9), "4h12m"),
        (timedelta(days=3, minutes=5), "3d"),
        (timedelta(days=90, hours=7), "90d7h"),
        (timedelta(seconds=-4), "0s"),
    ],
)
def test_a_length_of_time_is_told_in_its_two_largest_units(span: timedelta, words: str) -> None:
    assert in_short(span) == words
