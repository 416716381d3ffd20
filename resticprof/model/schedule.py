"""Scheduled jobs: what the configuration asks for, what is installed, and how it goes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from resticprof.model.config import Schedule
from resticprof.model.types import Text


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A command of one profile or group that runs by itself."""

    command: str
    name: str  # of the profile or group
    kind: Literal["profile", "group"] = "profile"
    config_file: str  # absolute path
    settings: Schedule
    program: tuple[str, ...]  # what starts us: an absolute path, and words such as `-m resticprof`
    working_directory: str
    environment: dict[str, Text] = {}  # captured variables; may be secret
    nice: int = 0  # 0: as it is
    io_class: int = 0  # 1 realtime, 2 best-effort, 3 idle; 0: as it is
    io_level: int = 0

    @property
    def title(self) -> str:
        """`backup@home`, as `run-schedule` takes it."""
        return f"{self.command}@{self.name}"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A file, or the lines of a crontab, that belong to one job."""

    path: str
    text: str | None  # None: we may not read it
    mode: int = 0o644
    secret: bool = False


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """A job as a scheduler has it, or shall have it. Two with the same `key` are the same job."""

    key: str
    title: str
    name: str  # of the profile or group
    scope: str  # system, user, or the crontab's name
    config_file: str
    times: tuple[str, ...]
    parts: tuple[Part, ...]
    enabled: bool = True
    idle: bool = False  # enabled, but the scheduler does not follow it just now


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What has to happen to one job."""

    action: Literal["create", "change", "remove", "keep"]
    before: Installation | None = None
    after: Installation | None = None
    diff: str = ""  # unified, with secrets masked

    @property
    def job(self) -> Installation:
        """The job as it will be, or as it was."""
        found = self.after or self.before
        if found is None:
            raise ValueError("a change of nothing")
        return found


class Elapse(msgspec.Struct, frozen=True, kw_only=True):
    """One calendar expression, and when it comes next."""

    written: str
    normal: str
    next_run: datetime | None = None  # None: never


class LastRun(msgspec.Struct, frozen=True, kw_only=True):
    """How the last run of a job ended, as the status file tells."""

    time: datetime
    success: bool
    error: str = ""
    last_success: datetime | None = None  # this one or an earlier one; None: not known


class UnitState(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheduler knows about an installed job while the machine runs."""

    active: bool | None = None
    elapsed: bool = False  # its times are over
    running: bool = False
    last_run: datetime | None = None
    last_success: datetime | None = None
    next_run: datetime | None = None
    result: str = ""  # empty: nothing to complain of


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known about a job; None where it is not."""

    title: str
    name: str
    scope: str
    config_file: str
    schedules: tuple[Elapse, ...] = ()
    drift: str = ""  # how it differs from the configuration; empty: not at all
    enabled: bool = True
    active: bool | None = None
    elapsed: bool = False  # the scheduler knows no time at which it will run
    running: bool = False
    last_run: datetime | None = None
    last_success: datetime | None = None
    next_run: datetime | None = None
    result: str = ""
    outcome: LastRun | None = None
