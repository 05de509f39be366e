# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Refused: one container, its image, its probes, its paths and its amounts."""

from __future__ import annotations

from typing import Any

from tests.unit.api.samples.sample import DIGEST, Sample, one

_C0 = "spec.workload.containers[0]"
_EXEC = {"exec": {"command": ["/bin/true"]}}
_RESERVED = "choose a folder of its own"


def _path(path: str, says: str) -> Sample:
    return Sample(
        f"the writable path {path}",
        {f"{_C0}.writablePaths": [{"path": path, "size": "1Mi"}]},
        f"{_C0}.writablePaths[0].path",
        says,
    )


def _nested(name: str, **lists: Any) -> Sample:
    edits = {f"{_C0}.{member}": value for member, value in lists.items()}
    return Sample(name, edits, _C0, "give each a folder of its own")


CONTAINER = (
    *(
        one(f"the image {image[:30]}", f"{_C0}.image", image, "name@sha256:<64 hex digits>")
        for image in (
            "nginx",
            "nginx:1.27",
            "nginx@sha256:abc",
            f"Nginx@{DIGEST}",
            f"nginx@{DIGEST.upper()}",
            f"a//b@{DIGEST}",
            f"@{DIGEST}",
        )
    ),
    one("a container with a capital", f"{_C0}.name", "Router", "must be lower-case letters"),
    one(
        "a variable with a dash", f"{_C0}.env", [{"name": "A-B", "value": ""}], "such as LOG_LEVEL"
    ).named(f"{_C0}.env[0].name"),
    Sample(
        "one variable twice",
        {f"{_C0}.env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        f"{_C0}.env[1]",
        "Duplicate value",
        "a second time",
    ),
    one("a port name with two dashes", f"{_C0}.ports[0].name", "a--b", "at most 15 lower-case"),
    one("a port name of digits", f"{_C0}.ports[0].name", "80", "with a letter among them"),
    *(
        one(
            f"a {probe} probe of an undeclared port by {way}",
            f"{_C0}.probes.{probe}",
            {way: {"port": "mllp", **more}},
            "declare it under ports",
        ).named(f"{_C0}.probes.{probe}.{way}.port")
        for probe in ("readiness", "liveness", "startup")
        for way, more in (("http", {"path": "/"}), ("tcpSocket", {}))
    ),
    one("a probe that asks nothing", f"{_C0}.probes.startup", {}, "exactly one way"),
    one(
        "a probe that asks twice",
        f"{_C0}.probes.startup",
        {**_EXEC, "tcpSocket": {"port": "hl7"}},
        "exactly one way",
    ),
    one(
        "a probe of a relative path",
        f"{_C0}.probes.startup",
        {"http": {"path": "healthz", "port": "hl7"}},
        "must begin with '/'",
    ).named(f"{_C0}.probes.startup.http.path"),
    *(
        one(f"{cpu!r} of cpu", f"{_C0}.resources.requests.cpu", cpu, "above 0")
        for cpu in ("0", "0.000", "0m", "1e3", "100u", "-1", "0.5m")
    ),
    *(
        one(f"{memory!r} of memory", f"{_C0}.resources.limits.memory", memory, "like 128Mi")
        for memory in ("0", "0Mi", "1.5Gi", "128mb", "1Ti", "9999999Gi", "100m")
    ),
    one("requests.cpu above the limit", f"{_C0}.resources.requests.cpu", "101m", "raise the limit"),
    one(
        "requests.memory above the limit",
        f"{_C0}.resources.requests.memory",
        "129Mi",
        "raise the limit",
    ),
    Sample(
        "writable paths above the memory",
        {
            f"{_C0}.writablePaths": [
                {"path": "/a", "size": "64Mi"},
                {"path": "/b", "size": "65Mi"},
            ]
        },
        f"{_C0}.writablePaths",
        "raise the limit or make the places smaller",
    ),
    *(
        _path(path, "path must be absolute")
        for path in ("tmp", "/a/../b", "/a/./b", "/..", "/a/", "/a//b", "/a b", "//", "/a:b")
    ),
    *(
        _path(path, _RESERVED)
        for path in (
            "/var",
            "/var/run",
            "/run",
            "/var/run/wardkeeper",
            "/var/run/wardkeeper/secrets",
            "/var/run/wardkeeper/secrets/db",
            "/var/run/wardkeeper/tokens",
            "/run/wardkeeper/secrets",
            "/proc",
            "/proc/self",
            "/sys/fs",
            "/dev/shm",
        )
    ),
    Sample(
        "a ConfigMap over the secrets",
        {f"{_C0}.configMaps": [{"name": "a", "path": "/var/run/wardkeeper/secrets"}]},
        f"{_C0}.configMaps[0].path",
        _RESERVED,
    ),
    Sample(
        "a volume over the secrets",
        {f"{_C0}.volumes": [{"claim": "a", "path": "/var/run"}]},
        f"{_C0}.volumes[0].path",
        _RESERVED,
    ),
    _nested(
        "a writable path inside another",
        writablePaths=[{"path": "/a/b", "size": "1Mi"}, {"path": "/a", "size": "1Mi"}],
    ),
    _nested(
        "a ConfigMap inside a writable path",
        writablePaths=[{"path": "/a", "size": "1Mi"}],
        configMaps=[{"name": "m", "path": "/a/b"}],
    ),
    _nested(
        "a volume where a ConfigMap is",
        configMaps=[{"name": "m", "path": "/a"}],
        volumes=[{"claim": "v", "path": "/a"}],
    ),
    Sample(
        "one writable path twice",
        {f"{_C0}.writablePaths": [{"path": "/a", "size": "1Mi"}, {"path": "/a", "size": "2Mi"}]},
        f"{_C0}.writablePaths[1]",
        "Duplicate value",
        "a second time",
    ),
    one("a relative working folder", f"{_C0}.workingDir", "app", "path must be absolute"),
)
