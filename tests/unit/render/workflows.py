# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Workflows of every shape that the API accepts, for properties that must hold for all of them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from wardkeeper.api.workflow import HealthcareWorkflow

CPU = st.one_of(
    st.integers(1, 999).map(str),
    st.integers(1, 999999).map("{}m".format),
    st.tuples(st.integers(1, 99), st.integers(0, 999)).map(lambda v: f"{v[0]}.{v[1]:03}"),
)
MEMORY = st.one_of(
    st.integers(1, 10**12 - 1).map(str),
    st.tuples(st.integers(1, 999999), st.sampled_from(["k", "M", "G", "Ki", "Mi", "Gi"])).map(
        lambda v: f"{v[0]}{v[1]}"
    ),
)
LABEL = st.sampled_from(["a", "b", "hl7", "lab-router", "x-1", "intake", "n" * 40])
PORT = st.sampled_from([1, 53, 443, 8080, 65535])
COUNT = st.integers(0, 2)
DIGEST = st.sampled_from("0123456789abcdef").map(lambda digit: digit * 64)
PEER = st.one_of(
    st.fixed_dictionaries(
        {"workflow": st.fixed_dictionaries({"name": LABEL}, optional={"namespace": LABEL})}
    ),
    st.fixed_dictionaries(
        {
            "pods": st.fixed_dictionaries(
                {"matchLabels": st.dictionaries(LABEL, LABEL, min_size=1, max_size=2)},
                optional={"namespace": LABEL},
            )
        }
    ),
)
CIDR = st.sampled_from(["203.0.113.0/28", "198.51.100.7/32", "2001:db8:1::/48"])
HOST = st.fixed_dictionaries(
    {"host": st.just("fhir.example.org"), "cidrs": st.lists(CIDR, min_size=1, unique=True)}
)


def _named(shapes: st.SearchStrategy[dict[str, Any]], most: int = 3) -> Any:
    """A list of entries with names of their own."""
    return st.dictionaries(LABEL, shapes, max_size=most).map(
        lambda entries: [{"name": name, **entry} for name, entry in entries.items()]
    )


@st.composite
def _container(draw: st.DrawFn, ports: list[dict[str, Any]], probes: bool) -> dict[str, Any]:
    amounts = {"cpu": draw(CPU), "memory": "2G"}
    folders = draw(st.lists(st.sampled_from(["/a", "/b", "/c", "/d"]), unique=True, max_size=4))
    made: dict[str, Any] = {
        "image": f"registry.example.org/app@sha256:{draw(DIGEST)}",
        "resources": {"requests": amounts, "limits": amounts},
        "user": draw(st.integers(10000, 2**31 - 1)),
        "ports": ports,
        "env": [{"name": "SET", "value": "x"}, {"name": "EMPTY", "value": ""}][: draw(COUNT)],
        "writablePaths": [{"path": path, "size": "64Mi"} for path in folders[:1]],
        "configMaps": [{"name": draw(LABEL), "path": path} for path in folders[1:2]],
        "volumes": [
            {
                "claim": draw(st.sampled_from(["spool", "rules"])),
                "path": path,
                "access": draw(st.sampled_from(["ReadOnly", "ReadWrite"])),
            }
            for path in folders[2:]
        ],
    }
    if probes:
        asked = {"exec": {"command": ["/ready"]}}
        if ports:
            asked = draw(st.sampled_from([asked, {"tcpSocket": {"port": ports[0]["name"]}}]))
        made["probes"] = {"readiness": asked, "liveness": asked}
    return made


@st.composite
def workflows(draw: st.DrawFn) -> HealthcareWorkflow:
    """A workflow that the API server would accept."""
    kind = draw(st.sampled_from(["Deployment", "CronJob", "Job"]))
    criticality = draw(st.sampled_from(["Standard", "High", "LifeSafety"]))
    names = draw(st.lists(LABEL, min_size=1, max_size=4, unique=True))
    init = names[1:2]
    ports = draw(st.dictionaries(st.sampled_from(["hl7", "web", "health"]), PORT))
    numbers = {number: name for name, number in ports.items()}
    declared = [{"name": name, "port": number} for number, name in numbers.items()]
    workload: dict[str, Any] = {
        "kind": kind,
        "containers": [
            {"name": name, **draw(_container(declared if at == 0 else [], kind == "Deployment"))}
            for at, name in enumerate(one for one in names if one not in init)
        ],
        "initContainers": [{"name": name, **draw(_container([], probes=False))} for name in init],
    }
    if kind == "Deployment":
        least = 0 if criticality == "Standard" else 2
        workload["replicas"] = draw(
            st.integers(least, 5) if least else st.none() | st.integers(0, 5)
        )
    if kind == "CronJob":
        workload["schedule"] = "30 2 * * *"
    incoming = st.one_of(PEER, st.fixed_dictionaries({"cidr": CIDR})).map(
        lambda peer: {**peer, "ports": [port["name"] for port in declared]}
    )
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
    secret = {"source": {"kvGenerated": {"fields": [{"name": "key"}]}}}
    return HealthcareWorkflow.model_validate(
        {
            "metadata": {"name": draw(LABEL), "namespace": draw(LABEL), "uid": draw(LABEL)},
            "spec": {
                "criticality": criticality,
                "owner": {"team": "t", "contact": "t@example.org"},
                "phi": {"classification": "PHI"},
                "workload": workload,
                "access": {
                    "rules": [rule] * draw(COUNT),
                    "tokens": draw(_named(st.just({"audience": "vault"}))),
                },
                "network": {"ingress": draw(_named(incoming)) if declared else []},
                "endpoints": draw(
                    _named(
                        st.builds(
                            lambda peer, port: {**peer, "kind": "TCP", "port": port},
                            st.one_of(PEER, HOST),
                            PORT,
                        )
                    )
                ),
                "secrets": draw(
                    _named(
                        st.sampled_from(["Restart", "Reload"]).map(
                            lambda change: {**secret, "delivery": {"onChange": change}}
                        )
                    )
                ),
            },
        }
    )
