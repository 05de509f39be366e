# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Texts that are right but for a character or two: where two judges would first disagree."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.unit.api.samples.sample import DIGEST, IMAGE, Sample

_C0 = "spec.workload.containers[0]"
_CHARACTERS = "0123456789./:-_*,abfAZmhs @\n%é"


@st.composite
def _nearly(draw: st.DrawFn, *right: str) -> str:
    """One of the texts, with up to two characters put in, taken out or changed."""
    text = draw(st.sampled_from(right))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(text)))
        keep = draw(st.integers(0, 1))
        put = draw(st.sampled_from(("", *_CHARACTERS)))
        text = text[:at] + put + text[at + keep :]
    return text


def _sample(field: str, values: st.SearchStrategy[Any], base: str = "Deployment") -> Any:
    return values.map(lambda value: Sample("", {field: value}, base=base))


_V4 = st.builds(
    "{}.{}.{}.{}/{}".format,
    *(st.sampled_from((0, 1, 10, 63, 64, 100, 127, 128, 129, 168, 169, 200, 254)) for _ in "1234"),
    st.integers(0, 33),
)
_V6_STARTS = (
    *("::", "::1", "2000::", "2001:db8::", "fc00::", "fd00:ec2::", "fd00:ec2::254", "fd20:ce::"),
    *("fe80::", "::ffff:192.0.2.1", "1:0:0:2::"),
)
_V6 = st.builds("{}/{}".format, st.sampled_from(_V6_STARTS), st.integers(0, 129))
_CIDR = _V4 | _V6 | _nearly("10.0.0.0/8", "2001:db8::/32", "010.0.0.0/8", "10.0.0.0/08")
_PATH = _nearly(
    "/tmp", "/a/../b", "/.a/b", "/run", "/var/run", "/var/run/wardkeeper", "/proc/1", "/dev/shm"
)
_PLACES = st.lists(
    st.sampled_from(("/a", "/a/b", "/ab", "/a/b/c", "/b", "/a.b")), min_size=1, max_size=3
)
_CRON = _nearly("30 2 * * *", "*/5 0-3,7 1,2 JAN-dec mon-5/2", "? ? ? ? ?", "0 0 31 12 6", "@daily")


_SOURCE = "spec.secrets[0].source"
_SYNCED = _nearly("vendor-x/api-key", "a/../b", "/a", "a/b/c/d/e/f/g/h", "a*", "A/b")
_TIMES = _nearly("00:00", "23:59", "20:00", "06:30")
_SOURCES = st.sets(
    st.sampled_from(("kvGenerated", "kvSynced", "database", "pki", "transit")), max_size=3
)


def _window(to: str) -> list[dict[str, Any]]:
    return [{"days": ["Mon"], "from": "06:00", "to": to, "timeZone": "Etc/UTC"}]


def _database(name: str) -> dict[str, Any]:
    where = {"host": name, "database": name}
    return {"database": {"role": "r", "strategy": "Static", "connection": where}}


def _some(names: set[str]) -> dict[str, Any]:
    """The sources of these names, each as short as can be."""
    every = {
        "kvGenerated": {"fields": [{"name": "a"}]},
        "kvSynced": {"path": "a", "fields": ["b"]},
        "pki": {},
        "transit": {"key": "k"},
        **_database("a"),
    }
    return {name: every[name] for name in names}


def _labels(label: dict[str, str]) -> dict[str, Any]:
    return {"name": "a", "kind": "TCP", "port": 1, "pods": {"matchLabels": label}}


def _writable(*paths: str) -> list[dict[str, str]]:
    return [{"path": path, "size": "1Ki"} for path in paths]


NEAR = (
    _sample("metadata.name", _nearly("a", "a-b", "a.b", "1a", "a" * 52)),
    _sample("spec.endpoints[0].cidrs", _CIDR.map(lambda cidr: [cidr])),
    _sample("spec.endpoints[0].host", _nearly("a.b", "fhir.acme.example", "192.0.2.1", "10")),
    _sample(
        "spec.endpoints[0]",
        st.dictionaries(
            _nearly("app", "a.b/c", "k" * 63), _nearly("", "v", "a_b.c-d"), max_size=2
        ).map(_labels),
    ),
    _sample(f"{_C0}.image", _nearly(IMAGE, f"a:5000/b@{DIGEST}", f"a/b/c:v1@{DIGEST}")),
    _sample(f"{_C0}.writablePaths", _PATH.map(_writable)),
    _sample(f"{_C0}.writablePaths", _PLACES.map(lambda paths: _writable(*paths))),
    _sample(f"{_C0}.resources.limits.cpu", _nearly("1", "100m", "0.1", "1.25", "0.005"), "Job"),
    _sample(f"{_C0}.resources.limits.memory", _nearly("128Mi", "1Gi", "134217728", "200M"), "Job"),
    _sample("spec.workload.schedule", _CRON, "CronJob"),
    _sample("spec.workload.timeZone", _nearly("Etc/UTC", "Local", "Etc/GMT+5"), "CronJob"),
    _sample("spec.secrets[0].rotation.every", _nearly("24h", "1h30m", "8784h", "60s")),
    _sample(
        "spec.secrets[0].rotation",
        st.fixed_dictionaries(
            {},
            optional={
                "every": _nearly("1h", "90m"),
                "overlap": _nearly("1h", "60m", "91m"),
                "maxAge": _nearly("3600s", "1h"),
            },
        ),
    ),
    _sample("spec.secrets[0].rotation.windows", _TIMES.map(_window)),
    _sample(_SOURCE, _SOURCES.map(_some)),
    _sample(_SOURCE, _SYNCED.map(lambda path: {"kvSynced": {"path": path, "fields": ["b"]}})),
    _sample(_SOURCE, _nearly("db.example.org", "labs_1", "192.0.2.1").map(_database)),
    _sample(_SOURCE, _nearly("5m", "299s", "2160h", "24h").map(lambda ttl: {"pki": {"ttl": ttl}})),
    _sample("spec.access.tokens[0].audience", _nearly("vault", "vault-operator", "https://a.b")),
)
