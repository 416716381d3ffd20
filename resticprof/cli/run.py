"""Run a command of restic for a profile or a group, and say how it went by the exit status."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from resticprof.cli import render
from resticprof.cli.opening import open_configuration
from resticprof.commands import dry_run, execute
from resticprof.commands.selection import Selection, select
from resticprof.commands.session import Session, level_of
from resticprof.system import machine
from resticprof.system.logs import Logs
from resticprof.system.signals import Signals

if TYPE_CHECKING:
    from resticprof.model.config import Global
    from resticprof.model.run import Invocation


def run(invocation: Invocation, words: tuple[str, ...]) -> int:
    """The exit status of the run."""
    with logging_for(invocation) as logs, Signals() as signals:
        configuration = open_configuration(invocation)
        chosen = select(words, invocation.name, name_was_typed=invocation.name_typed)
        command = chosen.command or configuration.global_.default_command
        selection = Selection(chosen.name, command, chosen.extra)
        logs.send_to(invocation.log or configuration.global_.log)
        session = Session(invocation, configuration, signals, logs)
        if invocation.dry_run:
            for line in dry_run.lines(selection, session):
                render.write(line)
            return 0
        with _calm_machine(configuration.global_, invocation, selection):
            code = execute.execute(selection, session)
    if invocation.wait and sys.stdin.isatty():
        input("press Enter to end ")
    return code


@contextlib.contextmanager
def logging_for(invocation: Invocation) -> Iterator[Logs]:
    """The log of this process, on stderr until the configuration says otherwise."""
    logs = Logs(level=level_of(invocation), theme=invocation.theme, ansi=not invocation.no_ansi)
    try:
        yield logs
    finally:
        logs.close()


@contextlib.contextmanager
def _calm_machine(global_: Global, invocation: Invocation, selection: Selection) -> Iterator[None]:
    """Priorities, no sleep, and systemd's state, for as long as we work."""
    if not invocation.no_prio:
        nice = machine.NICE.get(global_.priority, 0) if global_.priority else global_.nice
        if nice:
            machine.set_priority(nice)
        if global_.ionice:
            machine.set_io_priority(global_.ionice_class, global_.ionice_level)
    title = f"{selection.command} {selection.name}"
    awake = machine.kept_awake(title) if global_.prevent_sleep else contextlib.nullcontext()
    machine.notify("READY=1", f"STATUS={title}")
    try:
        with awake:
            yield
    finally:
        machine.notify("STOPPING=1")


def changed(invocation: Invocation, **changes: object) -> Invocation:
    """The same invocation with other values."""
    return msgspec.structs.replace(invocation, **changes)
