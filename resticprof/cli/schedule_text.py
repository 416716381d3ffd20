"""What `schedule`, `unschedule` and `status` print, for people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.commands.schedule import DRIFT
from resticprof.model.types import Duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from resticprof.commands.schedule import Age
    from resticprof.model.schedule import Change, Elapse, Job, JobStatus

TIME = "%Y-%m-%d %H:%M:%S %Z"
NOTHING = "no scheduled jobs found"


def plan(changes: Sequence[Change]) -> str:
    """What is going to happen to each job, with its unified diff."""
    parts = (f"{change.action} {change.job.title}\n{change.diff}" for change in changes)
    return "".join(parts) or NOTHING


def analysis(job: Job, elapses: Sequence[Elapse], now: datetime) -> str:
    """Every expression of a job with what it means and when it comes next."""
    blocks = []
    for number, elapse in enumerate(elapses, start=1):
        which = f" {number}/{len(elapses)}" if len(elapses) > 1 else ""
        title = f"{job.kind.capitalize()} {job.name}: {job.command} schedule{which}"
        rows = "".join(f"{label:>16} {value}\n" for label, value in _elapse(elapse, now))
        blocks.append(f"\n{title}\n{'=' * len(title)}\n{rows}")
    return "".join(blocks)


def _elapse(elapse: Elapse, now: datetime) -> Iterator[tuple[str, str]]:
    yield "Original form:", elapse.written
    yield "Normalized form:", elapse.normal
    if elapse.next_run is None:
        yield "Next elapse:", "never"
    else:
        yield "Next elapse:", elapse.next_run.strftime(f"%a {TIME}")
        yield "From now:", f"{_distance(elapse.next_run, now)} left"


def status(jobs: Sequence[JobStatus], now: datetime) -> str:
    """One block for each job."""
    return "\n".join(_job(job, now) for job in jobs) or NOTHING


def _job(job: JobStatus, now: datetime) -> str:
    rows = "".join(f"    {label:<14}{value}\n" for label, value in _rows(job, now))
    return f"{job.title}\n{rows}"


def _rows(job: JobStatus, now: datetime) -> Iterator[tuple[str, str]]:
    yield "scheduler:", job.scope
    for elapse in job.schedules:
        yield "schedule:", f"{elapse.written} ({elapse.normal})"
    yield "next run:", _next_run(job, now)
    yield "last run:", "running now" if job.running else moment(job.last_run, now)
    yield "last success:", moment(job.last_success, now)
    if job.outcome is not None and not job.outcome.success:
        yield "last error:", job.outcome.error
    if job.result:
        yield "result:", job.result
    if job.drift:
        yield "drift:", job.drift


def _next_run(job: JobStatus, now: datetime) -> str:
    if job.next_run is not None:
        return moment(job.next_run, now)
    if job.elapsed:
        return "none, systemd knows no time to come"
    if not job.enabled:
        return "none" if job.drift == DRIFT["create"] else "none, the timer is not enabled"
    return "none, the timer is not active" if job.active is False else "unknown"


def ages(found: Sequence[Age], now: datetime) -> str:
    """One line for each job; pollers show the first one."""
    return "\n".join(_age(age, now) for age in found) or "OVERDUE nothing is known about any run"


def _age(age: Age, now: datetime) -> str:
    word = "OVERDUE" if age.overdue else "OK"
    error = f"; {age.error}" if age.error else ""
    return f"{word} {age.title}: last success {moment(age.last_success, now)}{error}"


def moment(value: datetime | None, now: datetime) -> str:
    """A time in the zone of this machine, and how far away it is."""
    if value is None:
        return "unknown"
    distance = _distance(value, now)
    words = f"in {distance}" if value > now else f"{distance} ago"
    return f"{value.astimezone():{TIME}} ({words})"


def _distance(one: datetime, other: datetime) -> Duration:
    return Duration(round(abs((one - other).total_seconds())))
