"""Every mistake of a configuration in one go, and what is likely to be one."""

from __future__ import annotations

import glob
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import ConfigError, Error, Problem
from resticprof.model.config import Backup, Profile, Schedule, Section, Webhook
from resticprof.schedulers import base as schedulers
from resticprof.system import files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from resticprof.config.configuration import Configuration
    from resticprof.config.convert import Converter
    from resticprof.model.types import Place


class Finding(msgspec.Struct, frozen=True, order=True):
    """One line of `check-config`. An error makes a run fail; a warning may be meant."""

    file: str
    line: int
    key: str
    text: str
    severity: str = "error"

    def __str__(self) -> str:
        problem = Problem(self.text, file=self.file, line=self.line, key=self.key)
        return f"{self.severity}: {problem}"


def check(open_configuration: Callable[[], Configuration]) -> list[Finding]:
    """All findings, sorted by file and line."""
    try:
        configuration = open_configuration()
    except ConfigError as error:
        return sorted(_from_problem(problem) for problem in error.problems)
    except Error as error:
        return [_from_error(error)]
    found = {_from_problem(problem) for problem in configuration.problems}
    found.update(_from_problem(problem) for problem in configuration.warnings)
    found.update(_scheduler(configuration))
    found.update(_groups(configuration))
    for name in configuration.names():
        found.update(_profile(configuration, name))
    return sorted(found)


def _from_problem(problem: Problem) -> Finding:
    return Finding(problem.file, problem.line, problem.key, problem.text)


def _from_error(error: Error) -> Finding:
    file, line = getattr(error, "file", ""), getattr(error, "line", 0)
    return Finding(file, line, "", getattr(error, "text", str(error)))


def _at(place: Place, key: str, text: str, severity: str = "warning") -> Finding:
    return Finding(place.file, place.line, key, text, severity)


def _groups(configuration: Configuration) -> Iterator[Finding]:
    for group in configuration.groups.values():
        key = f"groups.{group.name}.profiles"
        for member in group.profiles:
            if not configuration.has_profile(member):
                yield _at(group.place, key, f"there is no profile `{member}`", "error")
        if configuration.has_profile(group.name):
            text = "a profile has the same name, so the group cannot be run"
            yield _at(group.place, f"groups.{group.name}", text)
        for command, schedule in group.schedules.items():
            path = f"groups.{group.name}.schedules.{command}"
            yield from _schedule(configuration, schedule, path)


def _profile(configuration: Configuration, name: str) -> Iterator[Finding]:
    try:
        converter, profile = configuration.read_profile(name, reveal=False)
    except ConfigError as error:
        yield from map(_from_problem, error.problems)
        return
    except Error as error:
        yield _from_error(error)
        return
    yield from _converted(converter)
    yield from _files(profile)
    yield from _backup(profile)
    yield from _retention(profile)
    for command, section in profile.sections.items():
        path = f"{name}.{command}"
        yield from _webhooks(section, path)
        if section.schedule is not None:
            yield from _schedule(configuration, section.schedule, f"{path}.schedule")
    yield from _permissions(configuration, profile)


def _converted(converter: Converter) -> Iterator[Finding]:
    yield from map(_from_problem, converter.problems)
    yield from map(_from_problem, converter.unknown)
    for problem in converter.advice:
        yield msgspec.structs.replace(_from_problem(problem), severity="warning")


def _files(profile: Profile) -> Iterator[Finding]:
    """Files that the profile names and that are not there."""
    named = [("password-file", profile.password_file), ("repository-file", profile.repository_file)]
    named += [("env-file", file) for file in profile.env_file]
    named += [("cacert", file) for file in profile.cacert]
    for key, file in named:
        if file and not Path(file).exists():
            severity = "warning" if key == "env-file" else "error"
            yield _at(profile.place, f"{profile.name}.{key}", f"`{file}` does not exist", severity)


def _backup(profile: Profile) -> Iterator[Finding]:
    """Sources that are not there: a backup would silently be smaller than meant."""
    section = profile.sections.get("backup")
    if not isinstance(section, Backup):
        return
    for source in section.source:
        path = os.path.join(section.source_base or profile.base_dir, source)
        key = f"{profile.name}.backup.source"
        if not source:
            yield _at(
                section.place, key, "a source is empty; a variable in it may not be set", "error"
            )
        elif glob.has_magic(path) and not files.glob_sources(path):
            yield _at(section.place, key, f"`{source}` matches nothing", "error")
        elif not glob.has_magic(path) and not Path(path).exists():
            yield _at(section.place, key, f"`{source}` does not exist", "error")
    for key in (
        "exclude-file",
        "files-from",
        "files-from-raw",
        "files-from-verbatim",
        "iexclude-file",
    ):
        for file in getattr(section, key.replace("-", "_")):
            if not Path(file).exists():
                text = f"`{file}` does not exist"
                yield _at(section.place, f"{profile.name}.backup.{key}", text, "error")


def _retention(profile: Profile) -> Iterator[Finding]:
    """A `forget` without any rule keeps everything."""
    for name in ("retention", "forget"):
        section = profile.sections.get(name)
        if section is None or any(
            key.startswith("keep-") for key in (*section.flags, *profile.flags)
        ):
            continue
        runs = (
            name == "forget"
            or getattr(section, "before_backup", None)
            or getattr(section, "after_backup", None)
        )
        if runs and "unsafe-allow-remove-all" not in section.flags:
            yield _at(
                section.place, f"{profile.name}.{name}", "has no `keep-*` rule and keeps everything"
            )


def _webhooks(section: Section, path: str) -> Iterator[Finding]:
    for stage in ("send_before", "send_after", "send_after_fail", "send_finally"):
        for hook in getattr(section, stage):
            yield from _webhook(hook, section.place, f"{path}.{stage.replace('_', '-')}")


def _webhook(hook: Webhook, place: Place, key: str) -> Iterator[Finding]:
    if hook.url is None:
        yield _at(place, key, "`url` is missing; the request is never sent", "error")
    if hook.body_template and not Path(hook.body_template).exists():
        text = f"`{hook.body_template}` does not exist"
        yield _at(place, f"{key}.body-template", text, "error")


def _scheduler(configuration: Configuration) -> Iterator[Finding]:
    try:
        schedulers.kind_of(configuration.global_.scheduler)
    except ConfigError as error:
        for problem in error.problems:
            yield Finding(str(configuration.file), 0, problem.key, problem.text)


def _schedule(configuration: Configuration, schedule: Schedule, key: str) -> Iterator[Finding]:
    """Calendar expressions that the scheduler cannot follow, or that never come."""
    try:
        scheduler = schedulers.kind_of(configuration.global_.scheduler)
    except ConfigError:  # told by itself
        return
    now = datetime.now().astimezone()
    for expression in schedule.at:
        mistakes = tuple(scheduler.mistakes([expression]))
        for text in mistakes:
            yield _at(schedule.place, key, text, "error")
        if not mistakes and scheduler.read(expression).next_after(now) is None:
            yield _at(schedule.place, key, f"`{expression}` never elapses", "error")


def _permissions(configuration: Configuration, profile: Profile) -> Iterator[Finding]:
    """Secrets that other users of this machine can read."""
    file = str(configuration.file)
    if files.world_readable(configuration.file) and _holds_secret(profile):
        text = "holds a secret and can be read by everybody; chmod 600 it, or refer to the secret"
        yield Finding(file, 0, "", text, "warning")
    for secret_file in (profile.password_file, profile.repository_file):
        if secret_file and Path(secret_file).exists() and files.world_readable(secret_file):
            yield Finding(secret_file, 0, "", "can be read by everybody; chmod 600 it", "warning")


def _holds_secret(profile: Profile) -> bool:
    from resticprof.model import masking
    from resticprof.model.types import Secret

    texts = [profile.repository, *profile.env.values()]
    return any(
        isinstance(text, Secret) and text.resolved and masking.holds_password(text)
        for text in texts
    )
