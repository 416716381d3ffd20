"""Every mistake of a configuration in one go, and what is likely to be one."""

from __future__ import annotations

import contextlib
import glob
import os
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.commands import check_templates
from resticprof.config import keys, secrecy
from resticprof.config.profiles import PATH_FLAGS
from resticprof.config.tree import Node, is_reference
from resticprof.errors import ConfigError, Error, Problem, did_you_mean
from resticprof.model import masking
from resticprof.model.config import Backup, Retention
from resticprof.model.run import OUTPUTS
from resticprof.model.types import public, reveal
from resticprof.restic import flags
from resticprof.restic.versions import Version
from resticprof.runs import hooks, locate
from resticprof.runs.stream_errors import Watch
from resticprof.schedulers import base as schedulers
from resticprof.system import environment, files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from resticprof.config.configuration import Configuration
    from resticprof.model.config import FlagValue, Global, Profile, Schedule, Section, Webhook
    from resticprof.model.table import Table
    from resticprof.model.types import Secret
    from resticprof.schedulers.base import Scheduler

_MADE_BY_THE_RUN = frozenset({"log", "lock", "cache-dir"})
"""Paths that need not exist; every other key that is read relative to the configuration must."""

_RANGES = {"nice": (-20, 19), "ionice-class": (1, 3), "ionice-level": (0, 7)}
_UNLIMITED = ("-1", "unlimited")
_SENDS = ("send_before", "send_after", "send_after_fail", "send_finally")
_READABLE = "holds a secret and can be read by everybody; chmod 600 it, or refer to the secret"

Keys = tuple[str | int, ...]


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


def check(read: Callable[[], Configuration]) -> list[Finding]:
    """All findings, sorted by file and line."""
    try:
        configuration = read()
    except ConfigError as error:
        return sorted({_finding(problem) for problem in error.problems})
    return sorted(_once(_all(configuration)))


def _all(configuration: Configuration) -> Iterator[Finding]:
    yield from map(_finding, (*configuration.problems, *configuration.unknown))
    yield from (_finding(problem, "warning") for problem in configuration.advice)
    yield from _global(configuration)
    for name in configuration.groups:
        yield from _group(configuration, name)
    # Parents first: what a child inherits is told where it was written, for the one who wrote it.
    for name in sorted(configuration.names(), key=lambda name: len(configuration.ancestors(name))):
        yield from _profile(configuration, name)
    yield from _readable_secrets(configuration)
    if not configuration.names():
        yield Finding(str(configuration.file), 0, "", "there are no profiles", "warning")


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Each mistake once; in brackets a text may say which way it was met."""
    found: dict[tuple[str, int, str], Finding] = {}
    for finding in findings:
        found.setdefault((finding.file, finding.line, finding.text.partition(" (")[0]), finding)
    return list(found.values())


def _finding(problem: Problem, severity: str = "error") -> Finding:
    return Finding(problem.file, problem.line, problem.key, problem.text, severity)


class _Subject(msgspec.Struct, frozen=True):
    """What is checked: a name, and the tree that says where its values were written."""

    name: str
    node: Node

    def finding(self, where: Keys, text: str, severity: str = "error") -> Finding:
        """What is wrong with the value below these keys."""
        path = self.name
        for number, key in enumerate(where):
            if isinstance(key, str):
                path += f".{key}"
            elif self.node.at(*where[:number]).items:  # not for one value that stands for a list
                path += f"[{key}]"
        place = self.node.at(*where).place
        return Finding(place.file, place.line, path, text, severity)

    def is_reference(self, where: Keys) -> bool:
        """Whether the value is a secret reference, of which only the run knows the value."""
        return is_reference(self.node.at(*where))


# ---- the shared part ------------------------------------------------------------------------


def _global(configuration: Configuration) -> Iterator[Finding]:
    node = configuration.shared_node("global")
    if node is None:
        return
    subject = _Subject("global", node)
    yield from _files(subject, configuration.global_)
    yield from _references(configuration, subject)
    yield from _programs(subject, configuration.global_)
    shared = configuration.global_
    for file in (shared.systemd_unit_template, shared.systemd_timer_template):
        yield from map(_finding, check_templates.of_unit(file))
    yield from _numbers(subject, configuration.global_)
    yield from _output(subject, ("command-output",), configuration.global_.command_output)
    try:
        schedulers.kind_of(configuration.global_.scheduler)
    except ConfigError as error:
        if not subject.is_reference(("scheduler",)):
            yield subject.finding(("scheduler",), error.problems[0].text)


def _numbers(subject: _Subject, global_: Global) -> Iterator[Finding]:
    """Priorities that no machine knows."""
    for key, (least, most) in _RANGES.items():
        value = getattr(global_, key.replace("-", "_"))
        if not least <= value <= most:
            yield subject.finding((key,), f"{value} is not from {least} to {most}")


def _output(subject: _Subject, where: Keys, text: str) -> Iterator[Finding]:
    for word in text.split(","):
        if word.strip() not in OUTPUTS and not subject.is_reference(where):
            listed = "`, `".join(OUTPUTS)
            meant = did_you_mean(word.strip(), OUTPUTS)
            yield subject.finding(where, f"`{word.strip()}` is not one of `{listed}`{meant}")


def _programs(subject: _Subject, global_: Global) -> Iterator[Finding]:
    """Programs that a run looks for."""
    binary, version = global_.restic_binary, global_.restic_version
    if binary and not subject.is_reference(("restic-binary",)) and not locate.program(binary):
        text = f"`{binary}` is not a program; restic is looked for elsewhere"
        yield subject.finding(("restic-binary",), text, "warning")
    if version and not subject.is_reference(("restic-version",)) and not Version.parse(version):
        yield subject.finding(("restic-version",), f"`{version}` is not a version", "warning")
    if global_.shell and not any(map(is_reference, subject.node.at("shell").walk())):
        try:
            hooks.find_shell(global_)
        except Error as error:
            yield subject.finding(("shell",), str(error))


def _group(configuration: Configuration, name: str) -> Iterator[Finding]:
    group = configuration.groups[name]
    groups = configuration.shared_node("groups")
    subject = _Subject(f"groups.{group.name}", (groups or Node({})).at(name))
    for number, member in enumerate(group.profiles):
        # A group of version 1 is the list itself.
        where = ("profiles", number) if subject.node.table else (number,)
        if not configuration.has_profile(member) and not subject.is_reference(where):
            meant = did_you_mean(member.lower(), configuration.names())
            yield subject.finding(where, f"there is no profile `{member}`{meant}")
    yield from _references(configuration, subject)
    for command, schedule in group.schedules.items():
        yield from _schedule(configuration, subject, schedule, ("schedules", command))


# ---- profiles -------------------------------------------------------------------------------


def _profile(configuration: Configuration, name: str) -> Iterator[Finding]:
    try:
        converter, profile = configuration.read_profile(name, reveal=False)
        subject = _Subject(name, configuration.node(name))
    except ConfigError as error:
        yield from map(_finding, error.problems)
        return
    yield from map(_finding, (*converter.problems, *converter.unknown))
    yield from (_finding(problem, "warning") for problem in converter.advice)
    yield from _files(subject, profile)
    yield from _references(configuration, subject)
    yield from _stream_errors(subject, profile)
    yield from _retention(subject, profile)
    yield from _secret_files(subject, profile)
    yield from _flag_values(subject, profile.flags)
    yield from _url(subject, ("prometheus-push",), profile.prometheus_push)
    for command, section in profile.sections.items():
        yield from _files(subject, section, (command,))
        yield from _flag_files(subject, section, command)
        yield from _secret_files(subject, section, (command,))
        yield from _flag_values(subject, section.flags, (command,))
        yield from _webhooks(subject, section, command)
        if section.schedule is not None:
            yield from _schedule(configuration, subject, section.schedule, (command, "schedule"))
    yield from _sources(subject, profile)
    for monitors in profile.monitors.values():
        for monitor in monitors:
            yield from _files(subject, monitor, ("monitor",))


def _files(subject: _Subject, table: Table, where: Keys = ()) -> Iterator[Finding]:
    """Files that a table names and that are not there."""
    for field in keys.fields(type(table)).values():
        if "R" not in field.about.expand or field.key in _MADE_BY_THE_RUN:
            continue
        value = getattr(table, field.name)
        severity = "warning" if field.key == "env-file" else "error"
        many = isinstance(value, tuple)
        for number, path in enumerate(value if many else (value,)):
            place = (*where, field.key, number) if many else (*where, field.key)
            if path and not _exists(subject, place, path):
                yield subject.finding(place, f"`{path}` does not exist", severity)
            elif path and field.key != "base-dir" and files.is_directory(path):
                yield subject.finding(place, f"`{path}` is a directory", severity)


def _flag_files(subject: _Subject, section: Section, command: str) -> Iterator[Finding]:
    for name in sorted(PATH_FLAGS - _MADE_BY_THE_RUN):
        value = section.flags.get(name)
        if isinstance(value, str) and value and not _exists(subject, (command, name), value):
            yield subject.finding((command, name), f"`{value}` does not exist")


def _exists(subject: _Subject, where: Keys, path: str) -> bool:
    return path == "-" or subject.is_reference(where) or files.exists(path)


def _references(configuration: Configuration, subject: _Subject) -> Iterator[Finding]:
    """Secrets that could not be read now; a command is not run to find out."""
    for leaf in secrecy.leaves(subject.node, subject.name):
        if not is_reference(leaf.node):
            continue
        place = leaf.node.place
        target = reveal(leaf.text)
        if "env" in leaf.node.table and target not in os.environ:
            text = f"the variable `{target}` of this secret is not set here"
            yield Finding(place.file, place.line, leaf.path, text, "warning")
        elif "file" in leaf.node.table:
            path = configuration.files.directory / files.with_home(target)
            if not files.exists(path):
                text = f"the file `{path}` of this secret does not exist"
                yield Finding(place.file, place.line, leaf.path, text)
            elif files.world_readable(path):
                yield Finding(place.file, place.line, leaf.path, _open(path), "warning")


def _stream_errors(subject: _Subject, profile: Profile) -> Iterator[Finding]:
    for number, entry in enumerate(profile.stream_error):
        try:
            Watch(entry)
        except ConfigError as error:
            yield subject.finding(("stream-error", number, "pattern"), error.problems[0].text)


def _sources(subject: _Subject, profile: Profile) -> Iterator[Finding]:
    """Sources that are not there: a backup would silently be smaller than meant."""
    backup = profile.sections.get("backup")
    if not isinstance(backup, Backup):
        return
    for number, source in enumerate(backup.source):
        where: Keys = ("backup", "source", number)
        path = os.path.join(profile.base_dir, backup.source_base, source)
        if not source:
            yield subject.finding(where, "a source is empty; a variable in it may not be set")
        elif glob.has_magic(path):
            yield from _pattern(subject, where, path)
        elif not _exists(subject, where, path):
            yield subject.finding(where, f"`{path}` does not exist")


def _pattern(subject: _Subject, where: Keys, path: str) -> Iterator[Finding]:
    try:
        found = files.glob_sources(path)
    except Error as error:
        yield subject.finding(where, str(error))
        return
    if not found:
        yield subject.finding(where, f"`{path}` matches nothing")


def _retention(subject: _Subject, profile: Profile) -> Iterator[Finding]:
    """A `forget` that never runs, or that has no rule, keeps everything."""
    for name, section in profile.sections.items():
        text = ""
        if isinstance(section, Retention):
            chosen = (section.before_backup, section.after_backup)
            if chosen == (None, None) and section.schedule is None:
                text = "never runs; set `after-backup = true`"
            elif any(chosen):
                text = _keeps_everything({**profile.flags, **section.flags})
        elif name == "forget" and section.schedule:
            text = _keeps_everything({**profile.flags, **section.flags})
        if text:
            yield subject.finding((name,), text, "warning")


def _keeps_everything(given: Mapping[str, FlagValue]) -> str:
    """Why nothing is ever forgotten; empty when something is."""
    last = str(given.get("keep-last", ""))
    if last in _UNLIMITED:
        return f"`keep-last = {last}` keeps everything"
    rules = (given.get(rule) for rule in flags.names("forget") if rule.startswith("keep-"))
    nothing = all(value in (None, False, "", "0", ()) for value in rules)
    return "has no `keep-*` rule, so it keeps everything" if nothing else ""


def _webhooks(subject: _Subject, section: Section, command: str) -> Iterator[Finding]:
    for stage in _SENDS:
        hooks: tuple[Webhook, ...] = getattr(section, stage)
        for number, hook in enumerate(hooks):
            where: Keys = (command, stage.replace("_", "-"), number)
            if hook.url is None:
                yield subject.finding(where, "`url` is missing; the request is never sent")
            yield from _url(subject, (*where, "url"), hook.url)
            yield from _files(subject, hook, where)
            mistakes = check_templates.of_body(hook.body_template or "", stage, command)
            yield from map(_finding, mistakes)


def _url(subject: _Subject, where: Keys, url: Secret | None) -> Iterator[Finding]:
    """An address that cannot be one; what has variables or a source of its own is left alone."""
    if url is None or url.fetched or "$" in url.reveal():
        return
    if not re.match(r"https?://[^/]", url.reveal(), re.IGNORECASE):
        yield subject.finding(where, "is not a URL; write https://host/path")


def _flag_values(
    subject: _Subject, given: Mapping[str, FlagValue], where: Keys = ()
) -> Iterator[Finding]:
    """Values of restic's flags that cannot be numbers, and have to be."""
    for name, value in given.items():
        info = flags.find(name)
        if info is None or not info.default.isdecimal() or info.kind != "value":
            continue
        if isinstance(value, str) and not re.fullmatch(r"[+-]?\d+|unlimited|.*\$.*|", value):
            yield subject.finding((*where, name), f"`{value}` is not a number")


def _schedule(
    configuration: Configuration, subject: _Subject, schedule: Schedule, where: Keys
) -> Iterator[Finding]:
    yield from _files(subject, schedule, where)
    yield from _output(subject, where, schedule.command_output)
    if any(map(is_reference, subject.node.at(*where).walk())):
        return
    scheduler = _scheduler(configuration)
    for text in (*scheduler.mistakes(schedule.at), *_never(scheduler, schedule)):
        found = subject.finding(where, text)
        place = schedule.place
        yield msgspec.structs.replace(found, file=place.file, line=place.line)


def _scheduler(configuration: Configuration) -> type[Scheduler]:
    """The scheduler that is meant; one that nobody knows is told elsewhere."""
    try:
        return schedulers.kind_of(configuration.global_.scheduler)
    except ConfigError:
        return schedulers.kind_of("")


def _never(scheduler: type[Scheduler], schedule: Schedule) -> Iterator[str]:
    for expression in schedule.at:
        with contextlib.suppress(ValueError):  # that is told as a mistake
            if scheduler.read(expression).next_after(datetime.now().astimezone()) is None:
                yield f"`{expression}` never elapses"


# ---- permissions ----------------------------------------------------------------------------


def _readable_secrets(configuration: Configuration) -> Iterator[Finding]:
    """Files with secrets that other users of this machine can read."""
    open_files = {file for file in configuration.files.names if files.world_readable(file)}
    for leaf in secrecy.leaves(configuration.tree):
        place = leaf.node.place
        if place.file in open_files and _is_written_secret(leaf):
            open_files.remove(place.file)
            key = leaf.path.removeprefix("profiles.")
            yield Finding(place.file, place.line, key, _READABLE, "warning")


def _secret_files(
    subject: _Subject, table: Profile | Section, where: Keys = ()
) -> Iterator[Finding]:
    """The same for files that the configuration names."""
    for key, holds_secret in _SECRET_FILES.items():
        value = getattr(table, key.replace("-", "_"), None) or table.flags.get(key)
        many = isinstance(value, tuple)
        for number, file in enumerate(value if isinstance(value, tuple) else (value,)):
            if isinstance(file, str) and files.world_readable(file) and holds_secret(file):
                place = (*where, key, number) if many else (*where, key)
                yield subject.finding(place, _open(file), "warning")


def _open(file: str | Path) -> str:
    return f"`{file}` can be read by everybody; chmod 600 it"


def _is_repository_secret(file: str) -> bool:
    with contextlib.suppress(OSError):
        text = Path(file).read_bytes().decode(errors="replace")
        return masking.holds_password(masking.repository_secret(text))
    return False


def _has_secret_variables(file: str) -> bool:
    with contextlib.suppress(Error):
        return bool(masking.secret_variables(environment.read_env_file(file)))
    return False


_SECRET_FILES: Mapping[str, Callable[[str], bool]] = {
    "password-file": files.is_file,
    "from-password-file": files.is_file,
    "repository-file": _is_repository_secret,
    "from-repository-file": _is_repository_secret,
    "env-file": _has_secret_variables,
}
"""Keys that name files, and whether there is a secret in such a file."""


def _is_written_secret(leaf: secrecy.Leaf) -> bool:
    """Whether the file itself holds a secret; bodies and commands are hidden, but seldom secret."""
    hidden = public(leaf.text) != reveal(leaf.text)
    elsewhere = is_reference(leaf.node) or "template" in leaf.node.steps
    return hidden and not elsewhere and not leaf.path.endswith((".body", "-command"))
