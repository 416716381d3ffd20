"""Schedules as a plan: what is installed, what the configuration says, and what to do about it."""

from __future__ import annotations

import logging
import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from resticprof.commands.jobs import renamed
from resticprof.commands.last_runs import recorded
from resticprof.model.schedule import Installation, JobStatus, LastRun, UnitState
from resticprof.schedulers import difference
from resticprof.schedulers.recognition import same_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from resticprof.model.schedule import Change, Elapse, Job
    from resticprof.schedulers.base import Scheduler

log = logging.getLogger("resticprof")

DRIFT = {
    "create": "not installed",
    "change": "differs from the configuration",
    "remove": "not in the configuration",
    "keep": "",
}


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """The jobs that a command is about."""

    config_file: str
    name: str | None = None  # of a profile or group; None: all
    commands: frozenset[str] = frozenset()  # none: all

    def covers(self, installation: Installation) -> bool:
        """Whether an installed job is one of them, whichever way its configuration is spelled."""
        named = self.name is None or installation.name == self.name
        file = installation.config_file
        return named and self.has(installation.title) and same_file(file, self.config_file)

    def has(self, title: str) -> bool:
        """Whether the command of `command@name` is one of those that are asked for."""
        return not self.commands or title.partition("@")[0] in self.commands


def plan(
    scheduler: Scheduler,
    jobs: Sequence[Job],
    selection: Selection,
    *,
    keep_removed: bool = False,
    start: bool = False,
) -> tuple[Change, ...]:
    """What `schedule` has to do, job by job; reads only. `jobs` are those of the selection.

    Installed jobs of the selection that the configuration does not know any more are removed,
    unless `keep_removed`. With `start`, timers that do not run are a difference, too. Without jobs,
    this is the plan of `unschedule`.
    """
    installed = scheduler.installed()
    namesakes: dict[str, list[Installation]] = {}
    for one in installed:
        namesakes.setdefault(one.title, []).append(one)
    jobs = [_as_installed(job, namesakes.get(job.title, ())) for job in jobs]
    wanted = scheduler.wanted(jobs, installed)
    before = {installation.key: installation for installation in installed}
    keys = {installation.key for installation in wanted}
    titles = {installation.title for installation in wanted}
    if start:
        for key in scheduler.idle([before[key] for key in keys if key in before]):
            before[key] = msgspec.structs.replace(before[key], idle=True)
    changes = [difference.change(before.get(after.key), after) for after in wanted]
    for change in changes:
        _tell_of_another_owner(change)
    for one in installed:
        moved = one.title in titles  # from the system to a user, for example
        if one.key not in keys and selection.covers(one) and (moved or not keep_removed):
            changes.append(difference.change(one, None))
    return tuple(changes)


def _as_installed(job: Job, namesakes: Sequence[Installation]) -> Job:
    """The job as it calls its configuration file already: another spelling is no change."""
    for one in namesakes:
        if _another_spelling(one.config_file, job.config_file):
            return renamed(job, one.config_file)
    return job


def _another_spelling(old: str, new: str) -> bool:
    """Whether it is the same file in the same directory; in another one it means something else."""
    if old == new or os.path.normpath(old) != old:
        return False
    return same_file(old, new) and same_file(*map(os.path.dirname, (old, new)))


def _tell_of_another_owner(change: Change) -> None:
    """A profile of the same name in another file would lose its job."""
    before, after = change.before, change.after
    if before and after and not same_file(before.config_file, after.config_file):
        log.warning(
            "`%s` is installed for `%s`, and will be replaced", after.title, before.config_file
        )


def apply(scheduler: Scheduler, changes: Sequence[Change], *, start: bool = True) -> None:
    """Do what the plan says; without `start`, timers begin with the next start of the machine."""
    scheduler.apply(changes, start=start)
    for change in changes:
        log.info("%s: %s", _DONE[change.action], change.job.title)


_DONE = {
    "create": "scheduled",
    "change": "changed",
    "remove": "unscheduled",
    "keep": "nothing to change",
}


def unschedule(scheduler: Scheduler, selection: Selection) -> tuple[Change, ...]:
    """The plan of `unschedule`: every installed job of the selection goes."""
    return plan(scheduler, (), selection)


def status(
    scheduler: Scheduler,
    jobs: Sequence[Job],
    selection: Selection,
    *,
    now: datetime,
    last_runs: Mapping[str, LastRun],
) -> tuple[JobStatus, ...]:
    """How every job of the selection is doing; `last_runs` (by title) come from status files."""
    changes = plan(scheduler, [job for job in jobs if selection.has(job.title)], selection)
    states = scheduler.states([change.before for change in changes if change.before])
    found = []
    for change in changes:
        state = states.get(change.job.key, UnitState())
        state = _with_next_run(state, change.before, scheduler, now)
        schedules = scheduler.elapses(change.job.times, now)
        found.append(_status(change, state, schedules, last_runs.get(recorded(change.job.title))))
    return tuple(found)


def _with_next_run(
    state: UnitState, installed: Installation | None, scheduler: Scheduler, now: datetime
) -> UnitState:
    """What the scheduler does not tell: it is cron, or a timer whose service runs just now."""
    if state.next_run or installed is None or not installed.enabled:
        return state
    if state.active is False or state.elapsed:
        return state
    moments = [elapse.next_run for elapse in scheduler.elapses(installed.times, now)]
    return msgspec.structs.replace(state, next_run=_earliest(moments))


def _status(
    change: Change, state: UnitState, schedules: tuple[Elapse, ...], outcome: LastRun | None
) -> JobStatus:
    job = change.job
    return JobStatus(
        title=job.title,
        name=job.name,
        scope=job.scope,
        config_file=job.config_file,
        schedules=schedules,
        drift=DRIFT[difference.change(_public(change.before), _public(change.after)).action],
        enabled=bool(change.before and change.before.enabled),
        active=state.active,
        elapsed=state.elapsed,
        running=state.running,
        last_run=_latest(state.last_run, outcome.time if outcome else None),
        last_success=_last_success(state, outcome),
        next_run=state.next_run,
        result=state.result,
        outcome=outcome,
    )


def _public(installation: Installation | None) -> Installation | None:
    """Without the captured variables: they depend on the shell in which somebody looks."""
    if installation is None:
        return None
    parts = tuple(part for part in installation.parts if not part.secret)
    return msgspec.structs.replace(installation, parts=parts)


def _last_success(state: UnitState, outcome: LastRun | None) -> datetime | None:
    """The status file knows better: for the scheduler a run that was skipped is a success."""
    if outcome is None:
        return state.last_success
    return outcome.last_success or (outcome.time if outcome.success else None)


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _earliest(moments: Sequence[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment), default=None)


class Age(msgspec.Struct, frozen=True, kw_only=True):
    """How long ago a job went well."""

    title: str
    last_success: datetime | None
    overdue: bool
    error: str = ""  # of the last run


def ages(
    jobs: Sequence[JobStatus],
    last_runs: Mapping[str, LastRun],
    selection: Selection,
    *,
    max_age: float,
    now: datetime,
) -> tuple[Age, ...]:
    """Whether the last good runs are longer ago than `max_age` seconds; those that are come first.

    Where we have scheduled nothing, somebody else starts the runs that status files tell about.
    """
    latest = {job.title: (job.last_success, job.outcome) for job in jobs}
    if not latest:
        past = ((title, run) for title, run in last_runs.items() if selection.has(title))
        latest = {title: (run.last_success, run) for title, run in past}
    found = [
        Age(
            title=title,
            last_success=moment,
            overdue=overdue(moment, max_age=max_age, now=now),
            error=run.error if run else "",
        )
        for title, (moment, run) in sorted(latest.items())
    ]
    return tuple(sorted(found, key=lambda age: not age.overdue))


def overdue(last_success: datetime | None, *, max_age: float, now: datetime) -> bool:
    """Whether the last good run is longer ago than `max_age` seconds, or not known at all."""
    return last_success is None or now - last_success > timedelta(seconds=max_age)
