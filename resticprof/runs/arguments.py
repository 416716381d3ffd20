"""From a step to the command that is started: flags, sources, private files."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error
from resticprof.model.config import Global, Profile, Section
from resticprof.model.run import Command
from resticprof.model.types import Place, Text, reveal
from resticprof.restic import argv, collect, flags, private
from resticprof.restic.situation import Flags, Situation
from resticprof.runs.locate import Restic
from resticprof.system import directories, files, patterns

if TYPE_CHECKING:
    from resticprof.runs.plan import Plan, Step

log = logging.getLogger("resticprof")


Tell = Callable[[str], None]


def _nobody(_: str) -> None:
    """Where nothing is counted."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a command line depends on besides plan and step."""

    restic: Restic
    global_: Global
    host: str
    environment: Mapping[str, Text]
    warn: Tell = log.warning  # what vanishes is told by this
    miss: Tell = _nobody  # is told each source that leads nowhere
    quiet: bool = False
    verbose: int = 0
    lock_wait: float = 0.0  # seconds left for waiting; 0: no waiting
    dry_run: bool = False  # write no private files

    @property
    def filter(self) -> bool:
        """Whether flags that this restic does not know are left out."""
        return self.global_.restic_arguments_filter and self.restic.genuine


def command(plan: Plan, step: Step, context: Context) -> Command:
    """The command of a step, ready to be started. Raises `Error` when it would be another one."""
    arguments = build(plan, step, context)
    program = context.restic.path
    directory = working_directory(plan, step)
    named = {"PWD": directory} if directory else {}
    return Command(
        argv=(program, *arguments.reveal()),
        public=(program, *arguments.public),
        env={name: reveal(value) for name, value in context.environment.items()} | named,
        cwd=directory,
    )


def build(plan: Plan, step: Step, context: Context) -> argv.Arguments:
    """The words behind the program. What is left out on the way is told."""
    profile = plan.profile
    situation = Situation(
        version=context.restic.version,
        filter=context.filter,
        hostname=context.host,
        variables=context.environment,
        sources=lambda: sources(profile, warn=context.warn, miss=context.miss),
        source_directory=source_directory(profile),
        quiet=context.quiet,
        verbose=context.verbose,
    )
    if step.second:
        found = collect.second_init_flags(profile, situation)
    else:
        found = collect.collect(profile, step.section, situation)
    found = _with_private_files(found, profile, context)
    _add_retry_lock(found, profile, step, context)
    typed = argv.names(step.command, step.extra)
    # Beside standard input restic refuses sources, and behind a command they would be its words.
    alone = step.second or typed & {"stdin", "stdin-from-command"}
    positional = () if alone else collect.positional(profile, step.section, situation)
    built = argv.render(
        step.command, found, extra=step.extra, positional=positional, situation=situation
    )
    _tell_dropped(built.dropped, found, step, context)
    return built


def _tell_dropped(dropped: tuple[str, ...], found: Flags, step: Step, context: Context) -> None:
    """What restic does not know is told and left out, unless that would do harm."""
    version, end = context.restic.version, flags.newest()
    who, way_out = f"restic {version}", ""
    beyond = version is None or version > end  # it may well know what we do not
    if beyond:
        who = f"resticprof's table of flags, which ends at restic {end},"
        way_out = "; `restic-arguments-filter = false` in `global` sends it"
    for flag in dropped:
        name = flag.removeprefix("--")
        configured = name in found and flags.exists(name)
        keeps = step.command == "forget" and name.startswith("keep-") and not configured
        if keeps or _spares(step.command, flag):
            reason = f"without it `{step.command}` would do more than was asked for"
            raise Error(f"{who} does not know `{flag}`, and {reason}{way_out}")
        if configured or beyond or name not in found:  # others were told as unknown keys
            context.warn(f"{step.command}: {who} does not know `{flag}`; left out{way_out}")


def _spares(command: str, flag: str) -> bool:
    """Whether a flag keeps the command from doing something, or from doing it to everything.

    A `keep-…` that only this restic does not know is left out, as in the reference.
    """
    selects = command in {"restore", "rewrite"} and re.match(r"--(overwrite|i?include)", flag)
    return bool(selects or re.match(r"--dry-run|-[a-zA-Z]*n", flag))


def _add_retry_lock(found: Flags, profile: Profile, step: Step, context: Context) -> None:
    """restic itself waits for a part of `--lock-wait`, if it can and nobody asked otherwise."""
    if not context.filter:
        return
    known = flags.known(step.command, context.restic.version)
    typed = any(word.startswith("--retry-lock") for word in step.extra)
    refused = profile.sections.get(step.section, Section()).flags.get("retry-lock") is False
    if "retry-lock" not in known or typed or refused:
        return
    retry = argv.retry_lock(context.lock_wait, float(context.global_.restic_lock_retry_after))
    if retry:
        found.setdefault("retry-lock", (retry,))


def _with_private_files(found: Flags, profile: Profile, context: Context) -> Flags:
    """Repositories with a password go through files that only we can read."""
    prevent = context.global_.prevent_auto_repository_file
    if not private.wanted(context.environment, prevent=prevent):
        return found
    paths = {}
    for flag, secret in private.secret_repositories(found, context.restic.version).items():
        if context.dry_run:
            continue
        path = directories.private() / f"{profile.name.replace('/', '_')}-{flag}.txt"
        files.write_atomically(path, secret.reveal(), mode=0o600)
        paths[flag] = str(path)
    return private.with_files(found, paths)


# ---- sources --------------------------------------------------------------------------------


def sources(profile: Profile, *, warn: Tell = log.warning, miss: Tell = _nobody) -> tuple[str, ...]:
    """The sources of the backup as restic gets them; nothing vanishes without a word."""
    backup = profile.backup
    folder = os.path.join(profile.base_dir, backup.source_base)
    found: list[str] = []
    for source in backup.source:
        root, pattern = folder, source
        if source and not backup.source_relative:
            root, pattern = "", os.path.join(folder, source)
        matches = _matches(pattern, root, warn=warn, place=backup.place)
        if not matches:
            miss(source)
        found += matches
    return tuple(f"./{path}" if path.startswith("-") else path for path in found)


def _matches(source: str, folder: str, *, warn: Tell, place: Place) -> tuple[str, ...]:
    """What a pattern stands for; a file whose name looks like a pattern stands for itself."""
    if not source:
        warn(f"{place}: a source is empty; is a variable in it not set?")
        return ()
    try:
        if matches := patterns.paths(source, root=folder):
            return matches
    except Error as error:
        warn(f"{place}: {error}; it is taken as a plain name")
        return (source,)
    if os.path.lexists(os.path.join(folder, source)):
        return (source,)
    warn(f"{place}: source `{source}` matches nothing")
    return ()


def source_directory(profile: Profile) -> str:
    """What the sources of a backup belong to, as far as they are relative when restic gets them."""
    if not profile.backup.source_relative:
        return str(directories.current())
    return os.path.realpath(os.path.join(profile.base_dir, profile.backup.source_base))


def working_directory(plan: Plan, step: Step) -> str | None:
    """`source-relative`: restic runs in `source-base`; otherwise where we are."""
    backup = plan.profile.backup
    if step.command != "backup" or not backup.source_relative:
        return None
    folder = source_directory(plan.profile)
    if not files.is_directory(folder):
        raise Error(f"{backup.place}: source-base `{folder}` is not a directory")
    return folder


def shown(command: Command) -> str:
    """The command line for `ERROR_COMMANDLINE` and logs, masked."""
    return argv.command_line(command.shown)
