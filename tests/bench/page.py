# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""The page of docs/ that shows the results; made of the JSON alone. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEAD = """<!--
SPDX-FileCopyrightText: The Wardkeeper Authors
SPDX-License-Identifier: Apache-2.0
Generated from tests/bench/results/latest.json by `make bench`; do not change it by hand.
-->

# Benchmarks

`make bench` measures the operator on the real control plane of the test cluster and writes this
page. `python -m tests.bench --quick` is the small version, `python -m tests.bench B1 B3` measures
only what is named; both print the table and change no file.
"""

_METHOD = """
## How it is measured

- A Kubernetes API server and etcd on the loopback address, with TLS, RBAC, Pod Security, the
  shipped admission policies and an audit log. No controllers and no nodes, so that nobody else
  writes. The operator runs as its own ServiceAccount with exactly the rights that are shipped.
- The workflow is a CronJob with six children: ServiceAccount, two NetworkPolicies, Role,
  RoleBinding, CronJob. It needs no node to be ready and, but for B6, no Vault.
- **B0, the floor.** A plain asyncio client (aiohttp, orjson) does the same work without any
  operator: it creates the workflow, applies the children as the operator would render them (the
  guards at once, the RoleBinding when its Role is there, then the CronJob), and writes the status
  once. It decides nothing, keeps nothing, and reads nothing back. It is tried with 4, 8 and 16
  workflows at once, and the fastest counts.
- **B1.** The same creator, at the same concurrency, creates the workflows alone; the rest is the
  operator's. Both are timed from the first creation to the last `Ready=True` that an independent
  watch sees. Each turn of the operator is divided by the floors right before and after it, because
  a shared machine changes its speed. With 100 workflows the median of the rounds is shown.
- **Writes** are counted at the API server, in its audit log, by User-Agent: never by the operator
  itself. Renewals of the Lease and TokenRequests are counted apart. Retries are writes that were
  refused, or repeated on the same object.
- **B2.** `kill -9`, then a start as the same replica. Ready is when `/readyz` says so, counted
  from the start of the process, Python's own start included.
- **B3.** One child at a time is deleted, loosened (a Role widened, a policy opened, a security
  context weakened) or stripped of its label, each on a workflow of its own, a fifth of a second
  apart. Timed from sending that request to the event of an independent watch that shows the child
  exactly as it was. With fewer than 100 samples p99 is the worst of them.
- **B4** reads processor time from `/proc/<pid>/stat`, **B5** resident memory from
  `/proc/<pid>/status` after a rest; 1 MB is 1,000,000 bytes.
- **B6** runs on a stage of its own with a real OpenBao. Each workflow has one generated secret; the
  annotation `rotate-now` is put on all of them. Timed from the first of those requests to the event
  of an independent watch that shows the last Secret with another rotation id. The watch sees every
  Secret and every CronJob; versions are read from OpenBao itself, logins are counted there as
  tokens that exist. Only the kinds of requests to Vault are the operator's own count.
  In its second part each database of a real PostgreSQL has a client that logs in all the time, with
  what was delivered two seconds before, so that old and new users are both in use.
- **B7** patches a label onto every workflow and every child.
"""

_CAVEATS = """
## What to keep in mind

- Server, etcd, operator, creator and watches share the same few cores. Rates say what this machine
  does; the share of the floor says what the operator adds.
- A share above 1 is no magic: the floor waits for answers, workflow by workflow, with at most 16 at
  once, and the operator works on 32. Where cores were kept busy by others, rates are distorted.
- etcd writes without fsync here; on real disks both the floor and the operator are slower, and the
  share is kinder to the operator.
- The operator may neither escalate nor bind, so the API server holds each Role and RoleBinding
  against the operator's own rights. For that it makes its caches of bindings current, at most every
  100 ms. The floor has the same rights and pays the same.
- Nothing between operator and API server: no network, no other clients.
- What a start takes at its peak stays with the process: it reads every child in full once, to find
  edits that were made while nobody watched. So a process that has found many workflows at its start
  is larger than one that has seen them come.
- Runs of minutes, not of weeks: leaks that need days are not seen here.
"""


def page(document: Mapping[str, Any]) -> str:
    """The page, as Markdown."""
    environment = document["environment"]
    return "".join(
        (
            _HEAD,
            f"\n## Results of {document['date']}\n\n",
            "\n".join(_table(document)),
            "\n",
            *_details(document),
            _METHOD,
            "\n## On what\n\n",
            f"{environment['cores']} cores ({environment['cpu']}), {environment['memory_gb']} GB, "
            f"Linux {environment['kernel']}; load before the run {environment['load_before']}; "
            f"the run took {document['minutes']} minutes.\n\n",
            f"Kubernetes {environment['kubernetes']}, Python {environment['python']}, ",
            ", ".join(
                f"{name} {environment[name]}"
                for name in ("wardkeeper", "kopf", "aiohttp", "orjson", "pydantic")
            ),
            ".\n",
            _CAVEATS,
        )
    )


def _table(document: Mapping[str, Any]) -> Iterator[str]:
    yield "| | What | Target | Measured | |"
    yield "| --- | --- | --- | --- | --- |"
    for row in document["rows"]:
        verdict = row["verdict"]
        shown = f"**{verdict}**" if verdict in ("MISSED", "not measured") else verdict
        target = row["target"] or "-"
        yield f"| {row['id']} | {row['what']} | {target} | {row['measured']} | {shown} |"


def _details(document: Mapping[str, Any]) -> Iterator[str]:
    """The facts behind the rows that a reader will ask for; all others are in the JSON."""
    told = list(filter(None, map(_detail, document["rows"])))
    if told:
        yield f"\n{document.get('note', 'More of the same run:')}\n\n"
        yield "".join(f"- {line}\n" for line in told)


def _detail(row: Mapping[str, Any]) -> str:
    facts = row["facts"]
    head = f"{row['id']}, {row['what']}: "
    if row["id"] == "B0" and "per_s" in facts:
        rates = ", ".join(f"{rate} at {at_once}" for at_once, rate in facts["per_s"].items())
        return f"{head}{rates} at once (workflows per second)."
    if row["id"] == "B1" and "share" in facts:
        share = facts["share"]
        return f"{head}share {share['least']} to {share['most']} over {facts['rounds']} rounds."
    if row["id"] == "B1" and "floor_per_s" in facts:
        floors = " and ".join(map(str, facts["floor_per_s"]))
        others = ", ".join(map(str, facts.get("cores_of_others", ())))
        return (
            f"{head}{facts['workflows_per_s']} workflows per second, the floor {floors}; "
            f"{facts['processor_ms_per_workflow']} ms of the operator's processor time each; cores "
            f"kept busy by others during floor, turn and floor: {others or 'not known'}."
        )
    if row["id"] == "B2" and "processor_s_until_rest" in facts:
        spent = facts["processor_s_until_rest"]["p50"]
        memory = facts["resident_mb_after"]["p50"]
        return f"{head}{spent} s of processor time until rest, {memory} MB resident."
    if row["id"] == "B3" and "repairs_ms" in facts:
        each = ", ".join(
            f"{how} {facts[f'{how}_ms']['p50']}" for how in ("delete", "loosen", "unlabel")
        )
        return f"{head}median by damage, ms: {each}; worst {facts['repairs_ms']['most']}."
    if row["id"] == "B6" and "requests_each" in facts:
        each = ", ".join(f"{kind} {count}" for kind, count in facts["requests_each"].items())
        return f"{head}requests to Vault for each rotation: {each or 'not known'}."
    if row["id"] == "B7" and "passes" in facts:
        return (
            f"{head}{facts['objects']:,} objects, {facts['passes']:.0f} passes, "
            f"{facts['processor_ms_per_object']} ms of processor time for each object."
        )
    return ""
