# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL for tests, from Debian's package: the database whose users Vault makes.

It listens on the loopback address and only with TLS, runs as nobody when we are root, and asks
everybody for a password. Only the administrator gets in without one, over a socket in its folder.
"""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.cluster.components import HOST
from tests.cluster.golang import BuildError
from tests.cluster.pki import Authority
from tests.cluster.processes import Process
from tests.cluster.waiting import until

if TYPE_CHECKING:
    from tests.cluster.runs import Run

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
"""Where Debian's package puts them; they are on no PATH."""

ADMIN = "admin"
PORT = "postgres"
SERVER_NAME = "localhost"
"""The name that its certificate bears beside its address."""

_CONFIG = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{folder}'
unix_socket_permissions = 0700
ssl = on
ssl_cert_file = '{folder}/server.crt'
ssl_key_file = '{folder}/server.key'
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '16MB'
dynamic_shared_memory_type = 'mmap'
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
jit = off
log_min_error_statement = 'panic'
"""
_ACCESS = f"""\
local   all {ADMIN} trust
hostssl all all 127.0.0.1/32 scram-sha-256
"""


class SqlFailedError(RuntimeError):
    """PostgreSQL refused what it was asked; the message is what it said."""


def programs() -> Path:
    """The folder of PostgreSQL's programs.

    Raises:
        BuildError: the package is not installed.
    """
    if not (PROGRAMS / "postgres").exists():
        raise BuildError("PostgreSQL 15 is missing: apt-get install postgresql-15")
    return PROGRAMS


class Postgres:
    """One PostgreSQL server, with a certificate of an authority of its own.

    Attributes:
        host: address; the certificate names it and `localhost`.
        port: TCP port.
        ca_file: PEM of the authority that signed its certificate; everybody may read it.
        process: the server.
    """

    def __init__(self, run: Run) -> None:
        """Prepare it; nothing runs yet.

        Raises:
            BuildError: the package is not installed.
        """
        self._programs = programs()
        run.reserve(PORT)
        self.host, self.port = HOST, run.ports[PORT]
        self._folder = run.folder / "postgres"
        self._data = self._folder / "data"
        self._account = _account()
        self.ca_file = self._folder / "ca.crt"
        self.process = Process(
            "postgres",
            [str(self._programs / "postgres"), "-D", str(self._data)],
            log=run.logs / "postgres.log",
            folder=self._folder,
            account=self._account,
            on_start=run.started,
        )

    def start(self) -> None:
        """Start it, made from nothing the first time, and wait until it serves."""
        if not self._data.exists():
            self._lay_out()
        self.process.start()
        until(self._serves, "PostgreSQL serves", seconds=30, check=self.process.check)

    def stop(self) -> None:
        """Stop it, whoever is connected; its data stay."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "fast", "-w", "stop")
        self.process.stop()

    def sql(self, text: str, database: str = "postgres") -> list[tuple[str, ...]]:
        """Run statements as the administrator; the rows of the answers as text.

        Raises:
            SqlFailedError: a statement failed; those before it stay done.
        """
        options = ("-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1")
        where = ("-h", str(self._folder), "-p", str(self.port), "-U", ADMIN, "-d", database)
        lines = self._run("psql", *options, *where, stdin=text).splitlines()
        return [tuple(line.split("\t")) for line in lines]

    def users(self) -> set[str]:
        """Everybody who may log in, without the administrator."""
        found = self.sql("SELECT rolname FROM pg_roles WHERE rolcanlogin")
        return {name for (name,) in found} - {ADMIN}

    def _lay_out(self) -> None:
        """Make its folder, its certificate and an empty database."""
        self._folder.mkdir(mode=0o711, exist_ok=True)
        if self._account:
            os.chown(self._folder, *self._account)
        authority = Authority("wardkeeper-test-postgres")
        server = authority.server((SERVER_NAME,), (HOST,))
        self._write("server.key", server.key, 0o600)
        self._write("server.crt", server.certificate, 0o644)
        self._write("ca.crt", authority.credential.certificate, 0o644)
        made = (f"--username={ADMIN}", "--encoding=UTF8", "--locale=C", "--no-sync")
        self._run(
            "initdb",
            "-D",
            str(self._data),
            "--auth=scram-sha-256",
            "--no-instructions",
            *made,
            "--auth-local=trust",
        )
        config = self._data / "postgresql.conf"
        with config.open("a") as file:
            file.write(_CONFIG.format(host=HOST, port=self.port, folder=self._folder))
        (self._data / "pg_hba.conf").write_text(_ACCESS)

    def _write(self, name: str, content: bytes, mode: int) -> None:
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)
        path.chmod(mode)
        if self._account:
            os.chown(path, *self._account)

    def _run(self, program: str, *arguments: str, stdin: str = "") -> str:
        """Run one of its programs as the account it runs as; what it printed."""
        user, group = self._account or (None, None)
        result = subprocess.run(
            [str(self._programs / program), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=self._folder,
            env={"HOME": str(self._folder), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=user,
            group=group,
            extra_groups=None if user is None else [],
        )
        if result.returncode:
            raise SqlFailedError(f"{program}: {result.stderr.strip()}")
        return result.stdout

    def _serves(self) -> bool:
        try:
            return self.sql("SELECT 1") == [("1",)]
        except SqlFailedError:
            return False


def _account() -> tuple[int, int] | None:
    """Whom it runs as: nobody when we are root, for it refuses root; else ourselves."""
    if os.getuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid
