"""`schedule`, `unschedule`, `status`, `run-schedule`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from resticprof.cli import render
from resticprof.cli.app import app
from resticprof.cli.inspect import Json
from resticprof.cli.opening import open_configuration
from resticprof.errors import UsageError
from resticprof.model.run import Invocation
from resticprof.model.types import Duration

All = Annotated[bool, typer.Option("--all", help="all profiles and groups")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="show the plan, change nothing")]


@app.command()
def schedule(
    ctx: typer.Context,
    everything: All = False,
    dry_run: DryRun = False,
    no_start: Annotated[bool, typer.Option("--no-start", help="enable timers, start none")] = False,
    keep_removed: Annotated[
        bool, typer.Option("--keep-removed", help="leave jobs that the configuration has no more")
    ] = False,
    _start: Annotated[bool, typer.Option("--start", hidden=True)] = True,  # the reference has it
    _reload: Annotated[bool, typer.Option("--reload", hidden=True)] = False,  # we always do
) -> None:
    """Install the schedules of a profile, a group, or all."""
    from resticprof.commands import schedule as scheduling

    with _scheduling(ctx.obj) as (configuration, scheduler, moment):
        jobs, selection = _selected(ctx.obj, configuration, everything=everything)
        changes = scheduling.plan(scheduler, jobs, selection, keep_removed=keep_removed)
        if dry_run or ctx.obj.dry_run:
            render.write("".join(_planned(change) for change in changes) or "nothing is scheduled")
            return
        for job in jobs:
            elapses = scheduler.elapses(job.settings.at, moment)
            render.write(_analysis(job.kind, job.name, job.command, elapses, moment))
        scheduling.apply(scheduler, changes, start=not no_start)


@app.command()
def unschedule(ctx: typer.Context, everything: All = False, dry_run: DryRun = False) -> None:
    """Remove the schedules of a profile, a group, or all."""
    from resticprof.commands import schedule as scheduling

    with _scheduling(ctx.obj) as (configuration, scheduler, _):
        selection = _selection(ctx.obj, configuration, everything=everything)
        changes = scheduling.unschedule(scheduler, selection)
        if dry_run or ctx.obj.dry_run:
            render.write("".join(_planned(change) for change in changes) or "nothing is scheduled")
        elif not changes:
            render.write("no scheduled jobs found")
        else:
            scheduling.apply(scheduler, changes)


@app.command()
def status(
    ctx: typer.Context,
    everything: All = False,
    json: Json = False,
    max_age: Annotated[
        str | None,
        typer.Option(
            "--max-age", metavar="DURATION", help="exit 2 when the last good run is older"
        ),
    ] = None,
) -> None:
    """Show how the scheduled jobs are doing."""
    from resticprof.commands import last_runs
    from resticprof.commands import schedule as scheduling

    limit = _duration(max_age) if max_age else None
    with _scheduling(ctx.obj) as (configuration, scheduler, moment):
        jobs, selection = _selected(ctx.obj, configuration, everything=everything, required=False)
        names = None if everything else {ctx.obj.name or "default"}
        past = last_runs.of(configuration, names)
        found = scheduling.status(scheduler, jobs, selection, now=moment, last_runs=past)
        if limit is not None:
            raise typer.Exit(_report_age(found, past, limit, moment, json=json))
        if json:
            render.json(found)
        else:
            render.write(
                "\n".join(_status_text(job, moment) for job in found) or "no scheduled jobs found"
            )


@app.command(
    "run-schedule",
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "allow_interspersed_args": False,
    },
)
def run_schedule(ctx: typer.Context, job: str) -> None:
    """Run COMMAND@NAME with the settings of its schedule; schedulers call this."""
    from resticprof.cli import run

    command, at, name = job.partition("@")
    if not (at and command and name):
        raise UsageError(f"`{job}` is not COMMAND@NAME, such as backup@home")
    raise typer.Exit(run.run_scheduled(ctx.obj, command, name, tuple(ctx.args)))


# ---- selection ------------------------------------------------------------------------------


@contextlib.contextmanager
def _scheduling(invocation: Invocation) -> Iterator[tuple[Any, Any, datetime]]:
    from resticprof.cli.run import logging_for
    from resticprof.commands import jobs
    from resticprof.commands.story import now
    from resticprof.schedulers import base

    with logging_for(invocation):
        configuration = open_configuration(invocation)
        global_ = configuration.global_
        yield configuration, base.pick(global_.scheduler, jobs.templates(global_)), now()


def _selection(invocation: Invocation, configuration: Any, *, everything: bool) -> Any:
    from resticprof.commands.schedule import Selection

    names = None if everything else frozenset({invocation.name or "default"})
    return Selection(config_file=os.path.abspath(configuration.file), names=names)


def _selected(
    invocation: Invocation, configuration: Any, *, everything: bool, required: bool = True
) -> tuple[Any, Any]:
    """The jobs that the configuration asks for, and what they are compared with."""
    from resticprof.commands import jobs

    selection = _selection(invocation, configuration, everything=everything)
    if everything:
        return jobs.of_all(configuration), selection
    name = invocation.name or "default"
    found = jobs.of_name(configuration, name)
    if required:
        jobs.require(found, name)
    return found, selection


def _duration(text: str) -> float:
    try:
        return float(Duration.parse(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


# ---- text -----------------------------------------------------------------------------------


def _planned(change: Any) -> str:
    return f"{change.action} {change.job.title}\n{change.diff}"


def _analysis(kind: str, name: str, command: str, elapses: Any, moment: datetime) -> str:
    """Every expression with what it means and when it comes next."""
    blocks = []
    for number, elapse in enumerate(elapses, start=1):
        which = f" {number}/{len(elapses)}" if len(elapses) > 1 else ""
        title = f"{kind.capitalize()} {name}: {command} schedule{which}"
        rows = [("Original form:", elapse.written), ("Normalized form:", elapse.normal)]
        if elapse.next_run is None:
            rows.append(("Next elapse:", "never"))
        else:
            rows.append(("Next elapse:", elapse.next_run.strftime("%a %Y-%m-%d %H:%M:%S %Z")))
            left = Duration(round((elapse.next_run - moment).total_seconds()))
            rows.append(("From now:", f"{left} left"))
        lines = "".join(f"{label:>16} {value}\n" for label, value in rows)
        blocks.append(f"\n{title}\n{'=' * len(title)}\n{lines}")
    return "".join(blocks)


def _status_text(job: Any, moment: datetime) -> str:
    rows = [("scheduler:", job.scope)]
    rows += [("schedule:", f"{one.written} ({one.normal})") for one in job.schedules]
    rows += [
        ("next run:", _moment(job.next_run, moment)),
        ("last run:", _moment(job.last_run, moment)),
    ]
    rows.append(("last success:", _moment(job.last_success, moment)))
    if job.outcome is not None and not job.outcome.success:
        rows.append(("last error:", job.outcome.error))
    if job.result:
        rows.append(("result:", job.result))
    if job.drift:
        rows.append(("drift:", job.drift))
    return f"{job.title}\n" + "".join(f"    {label:<14}{value}\n" for label, value in rows)


def _moment(value: datetime | None, now: datetime) -> str:
    if value is None:
        return "unknown"
    distance = Duration(round(abs((value - now).total_seconds())))
    words = f"in {distance}" if value > now else f"{distance} ago"
    return f"{value.astimezone().strftime('%Y-%m-%d %H:%M:%S %Z')} ({words})"


class Age(msgspec.Struct, frozen=True):
    """One line of `status --max-age`."""

    title: str
    last_success: datetime | None
    overdue: bool


def _report_age(found: Any, past: Any, limit: float, moment: datetime, *, json: bool) -> int:
    """2 when a job has had no success for longer than `limit` seconds, for Nagios-like pollers."""
    from resticprof.commands import schedule as scheduling

    latest = {job.title: job.last_success for job in found}
    for title, run in past.items():
        latest.setdefault(title, run.time if run.success else run.last_success)
    ages = [
        Age(title, last, scheduling.overdue(last, max_age=limit, now=moment))
        for title, last in sorted(latest.items())
    ]
    if json:
        render.json(ages)
    else:
        for age in ages:
            word = "OVERDUE" if age.overdue else "OK"
            render.write(f"{word} {age.title}: last success {_moment(age.last_success, moment)}")
        if not ages:
            render.write("OVERDUE nothing is known about any run")
    return 2 if not ages or any(age.overdue for age in ages) else 0
