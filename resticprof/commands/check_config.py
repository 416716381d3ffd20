"""Every mistake of a configuration in one go, and what is likely to be one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.commands import check_files, check_secrets, check_templates, check_values
from resticprof.commands.findings import Finding, Subject, of_problem
from resticprof.config.tree import Node, is_reference
from resticprof.errors import ConfigError, Error, did_you_mean
from resticprof.model.config import Retention
from resticprof.restic import flags
from resticprof.restic.versions import Version
from resticprof.runs import hooks, locate
from resticprof.runs.stream_errors import Watch
from resticprof.schedulers import base as schedulers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from resticprof.commands.findings import Keys
    from resticprof.config.configuration import Configuration
    from resticprof.model.config import FlagValue, Global, Profile, Section, Webhook

_UNLIMITED = ("-1", "unlimited")


def check(read: Callable[[], Configuration]) -> list[Finding]:
    """All findings, sorted by file and line."""
    try:
        configuration = read()
    except ConfigError as error:
        return sorted({of_problem(problem) for problem in error.problems})
    return sorted(_once(_all(configuration)))


def _all(configuration: Configuration) -> Iterator[Finding]:
    yield from map(of_problem, (*configuration.problems, *configuration.unknown))
    yield from (of_problem(problem, "warning") for problem in configuration.advice)
    yield from _global(configuration)
    for name in configuration.groups:
        yield from _group(configuration, name)
    # Parents first: what a child inherits is told where it was written, for the one who wrote it.
    for name in sorted(configuration.names(), key=lambda name: len(configuration.ancestors(name))):
        yield from _profile(configuration, name)
    yield from check_secrets.in_configuration(configuration)
    if not configuration.names():
        yield Finding(str(configuration.file), 0, "", "there are no profiles", "warning")


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """Each mistake once; in brackets a text may say which way it was met."""
    found: dict[tuple[str, int, str], Finding] = {}
    for finding in findings:
        found.setdefault((finding.file, finding.line, finding.text.partition(" (")[0]), finding)
    return list(found.values())


def _global(configuration: Configuration) -> Iterator[Finding]:
    node = configuration.shared_node("global")
    if node is None:
        return
    subject, shared = Subject("global", node), configuration.global_
    yield from check_files.of_table(subject, shared)
    yield from check_secrets.references(configuration, subject)
    yield from _programs(subject, shared)
    for file in (shared.systemd_unit_template, shared.systemd_timer_template):
        yield from map(of_problem, check_templates.of_unit(file))
    yield from check_values.priorities(subject, shared)
    yield from check_values.output(subject, ("command-output",), shared.command_output)
    try:
        schedulers.kind_of(shared.scheduler)
    except ConfigError as error:
        if not subject.is_reference(("scheduler",)):
            yield subject.finding(("scheduler",), error.problems[0].text)


def _programs(subject: Subject, global_: Global) -> Iterator[Finding]:
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


# ---- groups and profiles --------------------------------------------------------------------


def _group(configuration: Configuration, name: str) -> Iterator[Finding]:
    group = configuration.groups[name]
    groups = configuration.shared_node("groups")
    subject = Subject(f"groups.{group.name}", (groups or Node({})).at(name))
    for number, member in enumerate(group.profiles):
        # A group of version 1 is the list itself.
        where = ("profiles", number) if subject.node.table else (number,)
        if not configuration.has_profile(member) and not subject.is_reference(where):
            meant = did_you_mean(member.lower(), configuration.names())
            yield subject.finding(where, f"there is no profile `{member}`{meant}")
    yield from check_secrets.references(configuration, subject)
    for command, schedule in group.schedules.items():
        yield from check_values.schedule(configuration, subject, schedule, ("schedules", command))


def _profile(configuration: Configuration, name: str) -> Iterator[Finding]:
    try:
        converter, profile = configuration.read_profile(name, reveal=False)
        subject = Subject(name, configuration.node(name))
    except ConfigError as error:
        yield from map(of_problem, error.problems)
        return
    yield from map(of_problem, (*converter.problems, *converter.unknown))
    yield from (of_problem(problem, "warning") for problem in converter.advice)
    yield from check_files.of_table(subject, profile)
    yield from check_secrets.references(configuration, subject)
    yield from _stream_errors(subject, profile)
    yield from _retention(subject, profile)
    yield from check_secrets.in_files(subject, profile)
    yield from check_values.of_flags(subject, profile.flags)
    yield from check_values.address(subject, ("prometheus-push",), profile.prometheus_push)
    for command, section in profile.sections.items():
        yield from check_files.of_table(subject, section, (command,))
        yield from check_files.of_flags(subject, section, command)
        yield from check_secrets.in_files(subject, section, (command,))
        yield from check_values.of_flags(subject, section.flags, (command,))
        yield from _webhooks(subject, section, command)
        if section.schedule is not None:
            where = (command, "schedule")
            yield from check_values.schedule(configuration, subject, section.schedule, where)
    yield from check_files.sources(subject, profile)
    for monitors in profile.monitors.values():
        for monitor in monitors:
            yield from check_files.of_table(subject, monitor, ("monitor",))


def _stream_errors(subject: Subject, profile: Profile) -> Iterator[Finding]:
    for number, entry in enumerate(profile.stream_error):
        try:
            Watch(entry)
        except ConfigError as error:
            yield subject.finding(("stream-error", number, "pattern"), error.problems[0].text)


def _retention(subject: Subject, profile: Profile) -> Iterator[Finding]:
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


def _webhooks(subject: Subject, section: Section, command: str) -> Iterator[Finding]:
    for stage in check_templates.OUTCOMES:
        hooks: tuple[Webhook, ...] = getattr(section, stage)
        for number, hook in enumerate(hooks):
            where: Keys = (command, stage.replace("_", "-"), number)
            if hook.url is None:
                yield subject.finding(where, "`url` is missing; the request is never sent")
            yield from check_values.address(subject, (*where, "url"), hook.url)
            yield from check_files.of_table(subject, hook, where)
            mistakes = check_templates.of_body(hook.body_template or "", stage, command)
            yield from map(of_problem, mistakes)
