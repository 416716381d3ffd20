"""What every scheduler can do, and which one is meant by `global.scheduler`."""

from __future__ import annotations

import abc
import importlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from resticprof.errors import ConfigError, NotAvailable, Problem
from resticprof.model.run import Command, Result
from resticprof.model.schedule import Elapse, UnitState
from resticprof.schedulers.calendar import Calendar
from resticprof.system import process
from resticprof.system.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from resticprof.model.schedule import Change, Installation, Job
    from resticprof.schedulers.systemd_units import Templates

KINDS = {"systemd": "systemd", "crond": "crontab", "crontab": "crontab"}
"""Names in `global.scheduler` to the files of this folder."""


class Scheduler(abc.ABC):
    """Installs jobs. What is wanted and what is installed have one form, so both compare."""

    name: ClassVar[str]

    @classmethod
    @abc.abstractmethod
    def create(cls, kind: str, resource: str, templates: Templates | None) -> Scheduler:
        """The scheduler that `kind:resource` names."""

    @abc.abstractmethod
    def installed(self) -> tuple[Installation, ...]:
        """Every job of ours on this machine, of any configuration."""

    @abc.abstractmethod
    def wanted(
        self, jobs: Sequence[Job], installed: Sequence[Installation]
    ) -> tuple[Installation, ...]:
        """What has to be installed for these jobs. Raises `ConfigError` for a bad expression."""

    @abc.abstractmethod
    def apply(self, changes: Sequence[Change], *, start: bool = True) -> None:
        """Carry out the changes; one that fails leaves its job as it was."""

    def idle(self, installed: Sequence[Installation]) -> frozenset[str]:  # noqa: ARG002
        """Keys of jobs that are installed, but that the scheduler does not follow just now."""
        return frozenset()

    def states(self, installed: Sequence[Installation]) -> Mapping[str, UnitState]:
        """What the scheduler tells about installed jobs, by key; nothing where it does not know."""
        return {installation.key: UnitState() for installation in installed}

    @classmethod
    def read(cls, expression: str) -> Calendar:
        """A calendar expression in this scheduler's language. Raises `ValueError`."""
        return Calendar.parse(expression)

    def normal(self, calendar: Calendar) -> str:
        """The normal form, as this scheduler shows it."""
        return str(calendar)

    def elapses(self, times: Sequence[str], now: datetime) -> tuple[Elapse, ...]:
        """Each expression with its normal form and its next elapse in this machine's time zone."""
        from resticprof.templates.gotime import LocalZone

        local = now.astimezone(LocalZone())  # it knows about summer time, `now` may not
        return tuple(self._elapse(text, local) for text in times)

    def _elapse(self, text: str, now: datetime) -> Elapse:
        try:
            calendar = self.read(text)
        except ValueError:  # installed by somebody who knows more
            return Elapse(written=text, normal=text)
        return Elapse(written=text, normal=self.normal(calendar), next_run=calendar.next_after(now))

    def check(self, jobs: Sequence[Job]) -> None:
        """Raise `ConfigError` with every expression of these jobs that cannot be used."""
        problems = [
            Problem(
                text,
                file=job.settings.place.file or job.config_file,
                line=job.settings.place.line,
                key=_key(job),
            )
            for job in jobs
            for text in self.mistakes(job.settings.at)
        ]
        if problems:
            raise ConfigError(*problems)

    @classmethod
    def mistakes(cls, times: Sequence[str]) -> Iterator[str]:
        """What is wrong with these calendar expressions, one sentence for each that is wrong."""
        for expression in times:
            try:
                cls.read(expression)
            except ValueError as error:
                yield f"`{expression}`: {error}" if expression not in str(error) else str(error)


def _key(job: Job) -> str:
    """Where the configuration says so."""
    if job.kind == "group":
        return f"groups.{job.name}.schedules.{job.command}"
    return f"{job.name}.{job.command}.schedule"


def pick(choice: str, templates: Templates | None = None) -> Scheduler:
    """The scheduler of `global.scheduler`: `systemd`, `crond[:program]`, `crontab:[user:]file`.

    Without a choice (or `auto`) it is systemd, or cron where there is no systemd.
    """
    kind, _, resource = (part.strip() for part in choice.partition(":"))
    if kind in {"", "auto"}:
        kind = _available()
    return kind_of(kind).create(kind, resource, templates)


def kind_of(choice: str) -> type[Scheduler]:
    """What reads the expressions of `global.scheduler`; systemd when the machine has to decide.

    Raises `ConfigError` when there is no such scheduler.
    """
    kind = choice.partition(":")[0].strip()
    if kind in {"", "auto"}:
        kind = "systemd"
    if kind not in KINDS:
        names = "`, `".join(("auto", *KINDS))
        text = f"no scheduler `{kind}`; there are `{names}`"
        raise ConfigError(Problem(text, key="global.scheduler"))
    module = importlib.import_module(f"resticprof.schedulers.{KINDS[kind]}")
    scheduler: type[Scheduler] = module.SCHEDULER
    return scheduler


def _available() -> str:
    systemd, cron = shutil.which("systemctl"), shutil.which("crontab")
    if systemd and (not cron or _systemd_runs()):
        return "systemd"
    if cron:
        return "crond"
    text = "neither `systemctl` nor `crontab` can be found; install systemd or cron, or set"
    raise NotAvailable(f'{text} `global.scheduler = "crontab:FILE"`')


def _systemd_runs() -> bool:
    """sd_booted(3); some containers have a `systemctl` of their own, so it has the last word."""
    if Path("/run/systemd/system").is_dir():
        return True
    result, _ = output("systemctl", "--no-pager", "list-units", "resticprofile-*")
    return result.exit_code == 0


def output(*words: str, stdin: bytes = b"") -> tuple[Result, str]:
    """Run a program of the scheduler, in plain English and UTC; its result and whole stdout."""
    if shutil.which(words[0]) is None:
        raise NotAvailable(f"`{words[0]}` cannot be found; is the scheduler installed?")
    chunks: list[bytes] = []
    streams = process.Streams(
        stdin=stdin,
        stdout=Stream(echo=False, raw=chunks.append),
        stderr=Stream(echo=False, keep=True),
    )
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    result = process.run(Command(argv=words, env=environment), streams)
    return result, b"".join(chunks).decode(errors="replace")
