"""The jobs that a configuration asks for, as schedulers take them."""

from __future__ import annotations

import fnmatch
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec

from resticprof.errors import UsageError
from resticprof.model import masking
from resticprof.model.schedule import Job
from resticprof.model.types import Secret
from resticprof.runs import template_data
from resticprof.schedulers import base
from resticprof.schedulers.systemd_units import Template, Templates
from resticprof.system import environment, machine, program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from resticprof.config.configuration import Configuration
    from resticprof.model.config import Global, Group, Profile, Schedule
    from resticprof.model.types import Text
    from resticprof.schedulers.base import Scheduler

log = logging.getLogger("resticprof")

_OF_THE_RUN = frozenset(
    [
        "HOME",
        "NOTIFY_SOCKET",
        "WATCHDOG_PID",
        "WATCHDOG_USEC",
        "LISTEN_FDS",
        "LISTEN_PID",
        "LISTEN_FDNAMES",
        "CREDENTIALS_DIRECTORY",
        "INVOCATION_ID",
        "JOURNAL_STREAM",
        "MAINPID",
        "SYSTEMD_EXEC_PID",
    ]
)
"""What the scheduler sets for each run; captured, it would take the place of that."""

SCHEDULE_ID = "RESTICPROFILE_SCHEDULE_ID"  # the reference's name: hooks ask for it


def of(configuration: Configuration, name: str | None = None) -> tuple[Job, ...]:
    """The jobs of a profile or group, or of all, profiles first; none when it does not exist."""
    groups = [
        one for one in configuration.groups.values() if not configuration.has_profile(one.name)
    ]
    found: list[Job] = []
    for profile in configuration.names():
        if name in (None, profile):
            found += _of_profile(configuration, configuration.profile(profile))
    for group in sorted(groups, key=lambda group: group.name):
        if name in (None, group.name):
            found += _of_group(configuration, group)
    return tuple(found)


def spelled(configuration: Configuration, name: str) -> str:
    """The name as the configuration writes it; as it is when there is none (any more)."""
    groups = (group.name for group in configuration.groups.values())
    known = {one.lower(): one for one in (*groups, *configuration.names())}
    return known.get(name.lower(), name)


def require(configuration: Configuration, name: str) -> None:
    """Raise `UsageError` when no profile or group has this name."""
    if configuration.group(name) is None:
        configuration.node(name)


def no_schedule(name: str) -> UsageError:
    """Scheduling something that has no schedule is a mistake."""
    text = f'`{name}` has no schedule; add `schedule = "daily"` to one of its sections'
    return UsageError(text)


def scheduler(global_: Global) -> Scheduler:
    """The scheduler of `global.scheduler`, with the templates of `global`."""
    return base.pick(global_.scheduler, templates(global_))


def templates(global_: Global) -> Templates | None:
    """The unit templates of `global`; None without any. Raises `UsageError` when one is missing."""
    if not (global_.systemd_unit_template or global_.systemd_timer_template):
        return None
    return Templates(
        unit=_template(global_.systemd_unit_template),
        timer=_template(global_.systemd_timer_template),
        render=template_data.render_with_functions,
        base=template_data.base_data(),
    )


def _template(file: str) -> Template | None:
    if not file:
        return None
    try:
        return Template(file=file, text=Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"the unit template `{file}` cannot be read: {error.strerror}") from error


def _of_profile(configuration: Configuration, profile: Profile) -> Iterator[Job]:
    known = masking.environment(environment.of_profile(files=profile.env_file, variables={}))
    spelled = {name.upper(): name for name in known}
    for name, text in profile.env.items():
        known[spelled.get(name.upper(), name.upper())] = text
    for command, section in sorted(profile.sections.items()):
        if section.schedule is not None:
            if command == "retention":
                log.warning("%s: a schedule belongs to `forget`, not to `retention`", section.place)
            yield _job(configuration, profile.name, command, section.schedule, known)


def _of_group(configuration: Configuration, group: Group) -> Iterator[Job]:
    known = masking.environment(os.environ)
    for command, schedule in sorted(group.schedules.items()):
        yield _job(configuration, group.name, command, schedule, known, kind="group")


def _job(
    configuration: Configuration,
    name: str,
    command: str,
    schedule: Schedule,
    variables: Mapping[str, Text],
    *,
    kind: Literal["profile", "group"] = "profile",
) -> Job:
    file = os.path.abspath(configuration.file)
    global_ = configuration.global_
    job = Job(
        command=command,
        name=name,
        kind=kind,
        config_file=file,
        settings=schedule,
        program=program.words(),
        working_directory=str(Path(file).parent),  # the same wherever `schedule` is called
        environment=_captured(variables, schedule.capture_environment),
        nice=global_.nice or machine.NICE.get(global_.priority, 0),
        io_class=global_.ionice_class if global_.ionice else 0,
        io_level=global_.ionice_level if global_.ionice else 0,
    )
    return renamed(job, file)


def _captured(variables: Mapping[str, Text], globs: Sequence[str]) -> dict[str, Text]:
    """The variables that a job gets. What a reference fetches, the run fetches itself, every time:
    nothing of it is written to disk, and no command runs because somebody asks for the status."""
    return {
        name: value
        for name, value in sorted(variables.items())
        if any(fnmatch.fnmatchcase(name, glob) for glob in globs)
        and name not in _OF_THE_RUN
        and not (isinstance(value, Secret) and value.fetched)
    }


def renamed(job: Job, file: str) -> Job:
    """The job with this name for its configuration file, in the same directory."""
    environment = {**job.environment, SCHEDULE_ID: f"{file}:{job.title}"}
    directory = str(Path(file).parent)
    return msgspec.structs.replace(
        job, config_file=file, working_directory=directory, environment=environment
    )
