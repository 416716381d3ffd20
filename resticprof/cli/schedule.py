"""`schedule`, `unschedule`, `status`, `run-schedule`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from resticprof.cli import render
from resticprof.cli.app import app
from resticprof.cli.inspect import Json
from resticprof.cli.opening import open_configuration
from resticprof.errors import UsageError
from resticprof.model.types import Duration
from resticprof.runs.selection import DEFAULT_PROFILE

if TYPE_CHECKING:
    from resticprof.commands.schedule import Selection
    from resticprof.config.configuration import Configuration
    from resticprof.model.run import Invocation

All = Annotated[bool, typer.Option("--all", help="all profiles and groups")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="show the plan, change nothing")]
NoStart = Annotated[bool, typer.Option("--no-start", help="enable timers, start none")]
KeepRemoved = Annotated[
    bool, typer.Option("--keep-removed", help="leave jobs that the configuration has no more")
]
MaxAge = Annotated[
    str, typer.Option(metavar="DURATION", help="exit 2 when the last good run is longer ago")
]
Commands = Annotated[list[str] | None, typer.Argument(help="only these, such as backup")]

# The reference has them; here they make no difference.
Start = Annotated[bool, typer.Option("--start", hidden=True)]
Reload = Annotated[bool, typer.Option("--reload", hidden=True)]
Legacy = Annotated[bool, typer.Option("--legacy", hidden=True)]


@app.command()
def schedule(
    ctx: typer.Context,
    everything: All = False,
    dry_run: DryRun = False,
    no_start: NoStart = False,
    keep_removed: KeepRemoved = False,
    _start: Start = True,
    _reload: Reload = False,
) -> None:
    """Install the schedules of a profile, a group, or all."""
    from resticprof.cli import schedule_text
    from resticprof.commands import jobs
    from resticprof.commands import schedule as scheduling
    from resticprof.runs.story import now

    with _opened(ctx.obj, everything=everything) as (configuration, selection):
        scheduler = jobs.scheduler(configuration.global_)
        wanted = jobs.of(configuration, selection.name)
        changes = scheduling.plan(
            scheduler, wanted, selection, keep_removed=keep_removed, start=not no_start
        )
        if not changes and selection.name is not None:
            jobs.require(configuration, selection.name)
            raise jobs.no_schedule(selection.name)
        if dry_run or ctx.obj.dry_run or not changes:
            render.write(schedule_text.plan(changes))
            return
        moment = now()
        for job in wanted:
            elapses = scheduler.elapses(job.settings.at, moment)
            render.write(schedule_text.analysis(job, elapses, moment))
        scheduling.apply(scheduler, changes, start=not no_start)


@app.command()
def unschedule(
    ctx: typer.Context, everything: All = False, dry_run: DryRun = False, _legacy: Legacy = False
) -> None:
    """Remove the schedules of a profile, a group, or all."""
    from resticprof.cli import schedule_text
    from resticprof.commands import schedule as scheduling
    from resticprof.schedulers import base

    with _opened(ctx.obj, everything=everything) as (configuration, selection):
        scheduler = base.pick(configuration.global_.scheduler)
        changes = scheduling.unschedule(scheduler, selection)
        if dry_run or ctx.obj.dry_run or not changes:
            render.write(schedule_text.plan(changes))
            return
        scheduling.apply(scheduler, changes)


@app.command()
def status(
    ctx: typer.Context,
    commands: Commands = None,
    everything: All = False,
    json: Json = False,
    max_age: MaxAge = "",
    _legacy: Legacy = False,
) -> None:
    """Show how the scheduled jobs are doing."""
    from resticprof.cli import schedule_text
    from resticprof.commands import jobs, last_runs
    from resticprof.commands import schedule as scheduling
    from resticprof.runs.story import now

    limit = _max_age(max_age) if max_age else None
    with _opened(ctx.obj, everything=everything, commands=commands) as (configuration, selection):
        moment, past = now(), last_runs.of(configuration, selection.name)
        found = scheduling.status(
            jobs.scheduler(configuration.global_),
            jobs.of(configuration, selection.name),
            selection,
            now=moment,
            last_runs=past,
        )
        if not found and selection.name is not None:
            jobs.require(configuration, selection.name)
        if limit is None:
            render.json(found) if json else render.write(schedule_text.status(found, moment))
            return
        ages = scheduling.ages(found, past, selection, max_age=limit, now=moment)
        render.json(ages) if json else render.write(schedule_text.ages(ages, moment))
        raise typer.Exit(2 if not ages or any(age.overdue for age in ages) else 0)


@app.command(
    "run-schedule",
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
    },
)
def run_schedule(ctx: typer.Context, job: str) -> None:
    """Run COMMAND@NAME as its schedule says; schedulers call this."""
    from resticprof.cli import run

    command, at, name = job.partition("@")
    if not (at and command and name):
        raise UsageError(f"`{job}` is not COMMAND@NAME, such as backup@home")
    raise typer.Exit(run.run_scheduled(ctx.obj, command, name, tuple(ctx.args)))


@contextlib.contextmanager
def _opened(
    invocation: Invocation, *, everything: bool, commands: list[str] | None = None
) -> Iterator[tuple[Configuration, Selection]]:
    """The configuration, and the jobs that are meant."""
    from resticprof.cli.log import logging_for
    from resticprof.commands import jobs
    from resticprof.commands.schedule import Selection

    with logging_for(invocation):
        configuration = open_configuration(invocation)
        name = (
            None if everything else jobs.spelled(configuration, invocation.name or DEFAULT_PROFILE)
        )
        file = os.path.abspath(configuration.file)
        chosen = frozenset(commands or ())
        yield configuration, Selection(config_file=file, name=name, commands=chosen)


def _max_age(text: str) -> float:
    try:
        return float(Duration.parse(text))
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--max-age") from error
