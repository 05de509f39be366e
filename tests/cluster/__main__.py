# SPDX-FileCopyrightText: The Wardkeeper Authors
# SPDX-License-Identifier: Apache-2.0
"""Commands around a cluster that stays: `up`, `status`, `down`, and `build` alone.

What a shell can use goes to standard output; progress goes to standard error.
"""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from typing import Annotated

import typer

from tests.cluster import tools
from tests.cluster.access import CommandFailedError
from tests.cluster.build import ensure
from tests.cluster.cluster import Cluster
from tests.cluster.golang import BuildError
from tests.cluster.installation import Installation
from tests.cluster.levels import Level
from tests.cluster.node.cluster import NodeCluster
from tests.cluster.node.installation import PodInstallation
from tests.cluster.node.packages import node_problem
from tests.cluster.node.sandbox import SandboxError
from tests.cluster.processes import ProcessDiedError
from tests.cluster.progress import Report
from tests.cluster.runs import Run, recorded, sweep
from tests.cluster.waiting import NotReadyError

FAILURES = (BuildError, CommandFailedError, NotReadyError, ProcessDiedError, SandboxError)

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The test cluster.")


def _staying() -> Run | None:
    """The cluster that `up` left running."""
    return next((run for run in recorded() if run.owner is None and not run.abandoned), None)


def _exports(run: Run) -> None:
    for name, value in run.info.items():
        if name.isupper():
            typer.echo(f"export {name}={shlex.quote(value)}")


def _refuse_without_node() -> None:
    """Say what is missing before anything is touched."""
    if problem := node_problem():
        Report().say(problem)
        raise typer.Exit(1)


@app.command()
def up(
    level: Annotated[Level, typer.Option(help="What it must offer.")] = Level.SIMULATED,
    nodes: Annotated[int, typer.Option(min=1, help="How many simulated nodes.")] = 3,
    openbao: Annotated[bool, typer.Option(help="Start OpenBao as well.")] = True,
    operator: Annotated[bool, typer.Option(help="Install and start the operator.")] = True,
) -> None:
    """Start a cluster that stays, building it first if need be, and print how to reach it."""
    report = Report()
    sweep()
    if (run := _staying()) is not None:
        report.say("it is already up")
        _exports(run)
        return
    if level.real:
        _refuse_without_node()
    cluster = (
        NodeCluster(level, openbao=openbao, report=report)
        if level.real
        else Cluster(level, nodes=nodes, openbao=openbao, report=report)
    )
    with ExitStack() as undo:
        undo.callback(cluster.stop)
        try:
            cluster.start()
            if operator:
                installation = (
                    PodInstallation(cluster, vault=openbao)
                    if isinstance(cluster, NodeCluster)
                    else Installation(cluster, vault=openbao)
                )
                installation.install()
                installation.start()
                report.say("the operator runs; try: kubectl apply -f manifests/samples/")
        except FAILURES as error:
            report.say(str(error))
            raise typer.Exit(1) from error
        undo.pop_all()
    _exports(cluster.leave())


@app.command()
def down() -> None:
    """Stop the cluster that `up` left running, and clean up after runs that died."""
    report = Report()
    run = _staying()
    for dead in sweep():
        report.say(f"cleaned up after run {dead}, which died")
    if run is None:
        report.say("nothing is up")
        return
    run.finish()
    report.say("stopped; nothing is left")


@app.command()
def status() -> None:
    """Say what runs."""
    runs = recorded()
    for run in runs:
        kind = "up" if run.owner is None else f"of process {run.owner.pid}"
        state = "dead" if run.abandoned else kind
        alive = sorted(name for name, found in run.processes.items() if found.alive)
        typer.echo(f"{run.id}  {state}  {run.folder}  {', '.join(alive)}")
    if not runs:
        typer.echo("nothing is up")
    if (staying := _staying()) is not None:
        _exports(staying)


@app.command()
def demo(
    level: Annotated[Level, typer.Option(help="Simulated nodes, or a real one.")] = Level.SIMULATED,
) -> None:
    """Show what Wardkeeper does, on a cluster of its own that is gone afterwards."""
    if level.real:
        _refuse_without_node()
        from tests.node.demo import demo as show
    else:
        from tests.cluster.demo import demo as show  # the kubernetes package takes a second

    try:
        show()
    except FAILURES as error:
        Report().say(str(error))
        raise typer.Exit(1) from error


@app.command()
def build() -> None:
    """Build and download everything into the cache, as far as it is not there."""
    report = Report()
    try:
        for tool in (
            tools.KUBEALL,
            tools.KWOK,
            tools.KUBECONFORM,
            tools.KUBE_ROUTER,
            tools.COREDNS,
            tools.JUDGES,
            tools.CLIENTS,
            tools.OLDER_HELM,
        ):
            report.say(f"{tool.name}: {ensure(tool, report)}")
    except BuildError as error:
        report.say(str(error))
        raise typer.Exit(1) from error


if __name__ == "__main__":
    app()
