"""Scheduled jobs: what a scheduler installs, and what it says about them."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from resticprof.model.config import Schedule


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A command of one profile or group that runs by itself."""

    command: str
    name: str  # of the profile or group
    kind: Literal["profile", "group"] = "profile"
    config_file: str  # absolute path
    settings: Schedule
    argv: tuple[str, ...]  # absolute program first
    working_directory: str
    environment: dict[str, str] = {}  # captured variables; may be secret

    @property
    def title(self) -> str:
        """`backup@home`, as `run-schedule` takes it."""
        return f"{self.command}@{self.name}"


class JobStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What the scheduler knows about an installed job; None where it does not know."""

    title: str
    times: tuple[str, ...]
    scope: str  # system, user, or the crontab's name
    active: bool | None = None
    last_run: datetime | None = None
    next_run: datetime | None = None
    last_result: str = ""
