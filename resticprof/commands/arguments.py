"""From a step to the command that is started: flags, sources, private files."""

from __future__ import annotations

import glob
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.commands.locate import Restic
from resticprof.errors import Error
from resticprof.model.config import Global, Profile
from resticprof.model.run import Command
from resticprof.model.types import Text, reveal
from resticprof.restic import argv, collect, private
from resticprof.restic.situation import Flags, Situation
from resticprof.system import files

if TYPE_CHECKING:
    from resticprof.commands.plan import Plan, Step

log = logging.getLogger("resticprof")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a command line depends on besides plan and step."""

    restic: Restic
    global_: Global
    host: str
    environment: Mapping[str, Text]
    quiet: bool = False
    verbose: int = 0
    lock_wait: float = 0.0  # seconds left for waiting; 0: no waiting
    dry_run: bool = False  # write no private files


def command(plan: Plan, step: Step, context: Context) -> Command:
    """The command of a step, ready to be started. Raises `Error` when a source leads nowhere."""
    arguments = build(plan, step, context)
    for flag in arguments.dropped:
        log.warning(
            "%s: restic %s does not know `%s`; left out", step.command, context.restic.version, flag
        )
    program = context.restic.path
    return Command(
        argv=(program, *arguments.reveal()),
        public=(program, *arguments.public),
        env={name: reveal(value) for name, value in context.environment.items()},
        cwd=working_directory(plan, step),
    )


def build(plan: Plan, step: Step, context: Context) -> argv.Arguments:
    """The words behind the program."""
    profile = plan.profile
    situation = Situation(
        version=context.restic.version,
        filter=context.global_.restic_arguments_filter and context.restic.genuine,
        hostname=context.host,
        variables=context.environment,
        sources=sources(profile),
        working_directory=working_directory(plan, step) or os.getcwd(),
        quiet=context.quiet,
        verbose=context.verbose,
    )
    if step.second:
        found = collect.second_init_flags(profile, situation)
    else:
        found = collect.collect(profile, step.section, situation)
    found = _with_private_files(found, profile, context)
    retry = argv.retry_lock(context.lock_wait, float(context.global_.restic_lock_retry_after))
    typed = any(word.startswith("--retry-lock") for word in step.extra)
    if retry and situation.filter and not typed and step.command not in _WITHOUT_RETRY:
        found.setdefault("retry-lock", (retry,))
    positional = () if step.second else collect.positional(profile, step.section, situation)
    return argv.render(
        step.command, found, extra=step.extra, positional=positional, situation=situation
    )


_WITHOUT_RETRY = frozenset({"init", "unlock"})


def _with_private_files(found: Flags, profile: Profile, context: Context) -> Flags:
    """Repositories with a password go through files that only we can read."""
    prevent = context.global_.prevent_auto_repository_file
    if not private.wanted(context.environment, prevent=prevent):
        return found
    paths = {}
    for flag, secret in private.secret_repositories(found, context.restic.version).items():
        if context.dry_run:
            continue
        path = files.private_directory() / f"{profile.name.replace('/', '_')}-{flag}.txt"
        files.write_atomically(path, secret.reveal(), mode=0o600)
        paths[flag] = str(path)
    return private.with_files(found, paths)


# ---- sources --------------------------------------------------------------------------------


def sources(profile: Profile) -> tuple[str, ...]:
    """The sources of the backup as restic gets them; nothing vanishes without a word."""
    backup = profile.backup
    found: list[str] = []
    for source in backup.source:
        if not source:
            log.warning("%s: a source is empty; is a variable in it not set?", backup.place)
            continue
        path = (
            source
            if backup.source_relative
            else os.path.join(profile.base_dir, backup.source_base, source)
        )
        found += _globbed(
            path, backup.source_base if backup.source_relative else "", str(backup.place)
        )
    return tuple(f"./{path}" if path.startswith("-") else path for path in found)


def _globbed(path: str, base: str, place: str) -> list[str]:
    if not glob.has_magic(path):
        return [path]
    pattern = os.path.join(base, path) if base else path
    matches = files.glob_sources(pattern)
    if not matches:
        log.warning("%s: source `%s` matches nothing", place, path)
    return [os.path.relpath(match, base) if base else match for match in matches]


def working_directory(plan: Plan, step: Step) -> str | None:
    """`source-relative`: restic runs in `source-base`; otherwise where we are."""
    backup = plan.profile.backup
    if step.command != "backup" or not backup.source_relative:
        return None
    folder = os.path.join(plan.profile.base_dir, backup.source_base)
    if not Path(folder).is_dir():
        raise Error(f"{backup.place}: source-base `{folder}` is not a directory")
    return os.path.realpath(folder)


def shown(command: Command) -> str:
    """The command line for `ERROR_COMMANDLINE` and logs, masked."""
    return argv.command_line(command.shown)
