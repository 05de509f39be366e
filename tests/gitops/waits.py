# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""`kubectl wait` over recorded objects: a server that shows them, and kubectl, which looks once."""

from __future__ import annotations

import json
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

from tests.cluster.build import ensure
from tests.cluster.progress import Report
from tests.cluster.tools import KUBEALL
from wardkeeper.api.schema import GROUP, VERSION
from wardkeeper.api.workflow import KIND, PLURAL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Obj = dict[str, Any]

_BASE = f"/apis/{GROUP}/{VERSION}"
_VERSION = {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
_DISCOVERY: dict[str, Obj] = {
    "/api": {"kind": "APIVersions", "versions": []},
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [{"name": GROUP, "versions": [_VERSION], "preferredVersion": _VERSION}],
    },
    _BASE: {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{GROUP}/{VERSION}",
        "resources": [
            {"name": PLURAL, "kind": KIND, "namespaced": True, "verbs": ["get", "list", "watch"]}
        ],
    },
}


def waits(objects: Sequence[Obj], condition: str) -> list[bool]:
    """For each object, whether `kubectl wait --for=condition=...` is content with it."""
    program = ensure(KUBEALL, Report()) / "kubectl"
    with _served(objects) as server, tempfile.TemporaryDirectory() as home:

        def look(number: int) -> bool:
            return _look(program, server, home, number, condition)

        look(0)  # fills the cache of discovery
        with ThreadPoolExecutor(max_workers=4) as looks:
            return list(looks.map(look, range(len(objects))))


def _look(program: Path, server: str, home: str, number: int, condition: str) -> bool:
    target = [f"{PLURAL}.{GROUP}/{number}", f"--for=condition={condition}", "--timeout=0s"]
    done = subprocess.run(
        [program, "wait", f"--server={server}", "--namespace=recorded", *target],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={"HOME": home, "KUBECONFIG": str(Path(home) / "none")},
    )
    if done.returncode and "condition not met" not in done.stderr:
        raise RuntimeError(done.stderr)
    return not done.returncode


@contextmanager
def _served(objects: Sequence[Obj]) -> Iterator[str]:
    """A server that shows the objects under their numbers; its URL."""
    documents = {
        f"{_BASE}/namespaces/recorded/{PLURAL}/{number}": _renamed(one, number)
        for number, one in enumerate(objects)
    }

    class Shown(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = ({**_DISCOVERY, **documents}).get(self.path.partition("?")[0])
            content = json.dumps(found or {"kind": "Status", "code": 404}).encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any, **__: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Shown) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _renamed(one: Obj, number: int) -> Obj:
    return {**one, "metadata": {**one["metadata"], "name": str(number), "namespace": "recorded"}}
