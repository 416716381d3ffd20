"""Schedules as a plan: what is installed, what the configuration says, and what to do about it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from resticprof.model.schedule import Elapse, Installation, JobStatus, LastRun, UnitState
from resticprof.schedulers import difference
from resticprof.schedulers.recognition import same_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from resticprof.model.schedule import Change, Job
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
    names: frozenset[str] | None = None  # of profiles and groups; None: all

    def covers(self, installation: Installation) -> bool:
        """Whether an installed job is one of them, whichever way its configuration is spelled."""
        named = self.names is None or installation.name in self.names
        return named and same_file(installation.config_file, self.config_file)


def plan(
    scheduler: Scheduler,
    jobs: Sequence[Job],
    selection: Selection,
    *,
    keep_removed: bool = False,
) -> tuple[Change, ...]:
    """What `schedule` has to do, job by job; reads only. `jobs` are those of the selection.

    Installed jobs of the selection that the configuration does not know any more are removed,
    unless `keep_removed`. Without jobs, this is the plan of `unschedule`.
    """
    installed = scheduler.installed()
    wanted = scheduler.wanted(jobs, installed)
    before = {installation.key: installation for installation in installed}
    keys = {installation.key for installation in wanted}
    titles = {installation.title for installation in wanted}
    changes = [difference.change(before.get(after.key), after) for after in wanted]
    for change in changes:
        _tell_of_another_owner(change)
    for one in installed:
        moved = one.title in titles  # from the system to a user, for example
        if one.key not in keys and selection.covers(one) and (moved or not keep_removed):
            changes.append(difference.change(one, None))
    return tuple(changes)


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
        if change.action != "keep":
            log.info("%s: %s", _DONE[change.action], change.job.title)


_DONE = {"create": "scheduled", "change": "changed", "remove": "unscheduled"}


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
    changes = plan(scheduler, jobs, selection)
    states = scheduler.states([change.before for change in changes if change.before])
    found = []
    for change in changes:
        state = states.get(change.job.key, UnitState())
        if change.before and state.active is None:  # the scheduler does not tell
            installed = scheduler.elapses(change.before.times, now)
            state = msgspec.structs.replace(state, next_run=_next(installed))
        schedules = scheduler.elapses(change.job.times, now)
        found.append(_status(change, state, schedules, last_runs.get(change.job.title)))
    return tuple(found)


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
    return outcome.time if outcome.success else outcome.last_success


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _next(schedules: Sequence[Elapse]) -> datetime | None:
    return min((one.next_run for one in schedules if one.next_run), default=None)


def overdue(last_success: datetime | None, *, max_age: float, now: datetime) -> bool:
    """Whether the last good run is longer ago than `max_age` seconds, or not known at all."""
    return last_success is None or now - last_success > timedelta(seconds=max_age)
