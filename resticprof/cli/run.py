"""Run a command of restic for a profile or a group, and say how it went by the exit status."""

from __future__ import annotations

import contextlib
import logging
import signal
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from resticprof.cli import render
from resticprof.cli.log import logging_for
from resticprof.cli.opening import open_for_run, read_configuration
from resticprof.commands import dry_run, scheduled
from resticprof.errors import Error
from resticprof.runs import execute, members
from resticprof.runs.selection import Selection
from resticprof.runs.session import Session
from resticprof.system import machine, service
from resticprof.system.logs import Logs
from resticprof.system.signals import Signals

if TYPE_CHECKING:
    from resticprof.config.configuration import Configuration
    from resticprof.model.config import Global
    from resticprof.model.run import Invocation

log = logging.getLogger("resticprof")


def default_command(invocation: Invocation) -> str:
    """What to do when the command line names no command."""
    return read_configuration(invocation).global_.default_command


def run(invocation: Invocation, selection: Selection) -> int:
    """The exit status of a command for a profile or a group."""
    return _run(invocation, lambda _: (invocation, selection))


def run_scheduled(invocation: Invocation, command: str, name: str, extra: tuple[str, ...]) -> int:
    """The same for a scheduled job: the settings of its schedule come first."""

    def select_from(configuration: Configuration) -> tuple[Invocation, Selection]:
        schedule = scheduled.find(configuration, command, name)
        return scheduled.applied(invocation, schedule), Selection(name, command, extra)

    return _run(invocation, select_from)


def run_member(text: str) -> int:
    """One member of a group whose members run side by side: our parent shows our words."""
    order = members.read(text)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # our parent sends it when it means it
    with logging_for(order.invocation, marked=True) as logs, Signals() as signals:
        try:
            configuration = read_configuration(order.invocation)
            session = Session(order.invocation, configuration, signals, logs)
            report = execute.run_profile(order.selection, session, group=order.group)
        except Error as error:
            log.error("%s", error)
            return error.exit_code
    members.answer(order, report)
    return report.exit_code


def _run(
    invocation: Invocation,
    select_from: Callable[[Configuration], tuple[Invocation, Selection]],
) -> int:
    with logging_for(invocation) as logs, Signals() as signals, service.running(), _told_to(logs):
        service.status(f"reading {invocation.config}")
        logs.send_to(invocation.log)
        configuration = open_for_run(invocation)
        settled, selection = select_from(configuration)
        if not invocation.log:
            logs.send_to(settled.log or configuration.global_.log)
        session = Session(settled, configuration, signals, logs)
        if settled.dry_run:
            hide = logs.scrubber.hide
            return dry_run.dry_run(selection, session, lambda line: render.write(hide(line)))
        with _calm_machine(configuration.global_, settled, selection):
            code = execute.execute(selection, session)
    # A run that a signal reached when all was decided went well, and yet it was cut short.
    return code or (128 + signals.received if signals.received else 0)


@contextlib.contextmanager
def _told_to(logs: Logs) -> Iterator[None]:
    """An error before the run goes to the target of the log, too; `main` tells the console."""
    try:
        yield
    except Error as error:
        if logs.target is not None:
            log.error("%s", error)
        raise


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
    service.status(title)
    awake = machine.kept_awake(title) if global_.prevent_sleep else contextlib.nullcontext()
    with awake:
        yield
