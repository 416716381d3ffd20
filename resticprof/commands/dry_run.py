"""The whole plan of a run in lines, secrets masked; nothing is started, sent or written."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

from resticprof.commands import rehearsal
from resticprof.errors import ConfigError, Error
from resticprof.model import masking
from resticprof.model.run import State
from resticprof.model.types import known
from resticprof.runs import arguments, execute, tell
from resticprof.runs.selection import Selection
from resticprof.system import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.model.config import Webhook
    from resticprof.runs.plan import Plan, Step
    from resticprof.runs.session import Session


Write = Callable[[str], None]


def dry_run(selection: Selection, session: Session, write: Write) -> int:
    """Write the lines of a profile, or of every member of a group.

    The exit status is the one of the run, as far as it is known before: what is wrong with a
    profile fails it.
    """
    if session.configuration.has_profile(selection.name):
        return _profile(selection, session, write)
    return _group(selection, session, write)


def _group(selection: Selection, session: Session, write: Write) -> int:
    group = execute.readable_group(selection.name, session.configuration)
    monitors = tell.for_run(group.monitors.get(selection.command, ()), session.invocation)

    def told(state: State, when: str = "") -> None:
        about = rehearsal.event(group, selection.command, session, state)
        for line in rehearsal.lines(about, monitors, session, when=when):
            write(line)

    write(f"dry-run: group {group.name}")
    told(State.START)
    if group.parallel > 1:
        write(f"dry-run: up to {group.parallel} at the same time, on different repositories:")
    codes = []
    for name in group.profiles:
        write(f"dry-run: profile {name}")
        member = Selection(name, selection.command, selection.extra)
        try:
            codes.append(_profile(member, session, write))
        except Error as error:
            write(f"dry-run: the run would fail: {error}")
            codes.append(error.exit_code)
    write(f"dry-run: group {group.name}, at its end")
    told(State.FINISH)
    told(State.FAIL, "on failure: ")
    return next(filter(None, codes), 0)


def _profile(selection: Selection, session: Session, write: Write) -> int:
    with execute.opened(selection.name, session) as (problems, profile):
        plan = execute.prepared(profile, selection, session, problems=problems)
        for problem in problems:
            write(f"dry-run: the run would fail: {problem}")
        for line in _run(plan, session):
            write(line)
        return ConfigError.exit_code if problems else 0


def _run(plan: Plan, session: Session) -> Iterator[str]:
    """The documented order of a successful run, then what a failure would add."""
    profile, section = plan.profile, plan.section

    def told(state: State, when: str = "") -> Iterator[str]:
        about = rehearsal.event(profile, plan.command, session, state)
        return rehearsal.lines(about, plan.monitors, session, when=when)

    if plan.lock and not session.invocation.no_lock:
        yield f"dry-run: lock {plan.lock}"
    yield from _hooks("run-before", profile.run_before)
    if plan.init:
        yield _step(plan, plan.init, session)
    yield from _requests("send-before", section.send_before)
    yield from told(State.START)
    yield from _hooks(f"run-before {plan.command}", section.run_before)
    for step in plan.steps:
        yield from _input(plan, step)
        yield _step(plan, step, session)
    yield from _hooks(f"run-after {plan.command}", section.run_after)
    yield from _requests("send-after", section.send_after)
    yield from _hooks("run-after", profile.run_after)
    yield from told(State.FINISH)
    yield from _requests("on failure: send-after-fail", section.send_after_fail)
    yield from _hooks(f"on failure: run-after-fail {plan.command}", section.run_after_fail)
    yield from _hooks("on failure: run-after-fail", profile.run_after_fail)
    yield from told(State.FAIL, "on failure: ")
    yield from _hooks("on failure: on-error", plan.on_error)
    yield from _hooks(f"run-finally {plan.command}", section.run_finally)
    yield from _hooks("run-finally", profile.run_finally)
    yield from _requests("send-finally", section.send_finally)


def _step(plan: Plan, step: Step, session: Session) -> str:
    profile = plan.profile
    values = {name: known(value) for name, value in profile.env.items()}
    found = environment.of_profile(files=profile.env_file, variables=values)
    context = arguments.Context(
        restic=session.restic,
        global_=session.global_,
        host=session.host,
        environment={**masking.environment(found), **plan.names},
        warn=session.warn,
        quiet=session.invocation.quiet,
        verbose=session.invocation.verbose,
        lock_wait=session.invocation.lock_wait,
        dry_run=True,
    )
    built = arguments.build(plan, step, context)
    return f"dry-run: {shlex.join((session.restic.path, *built.public))}"


def _input(plan: Plan, step: Step) -> Iterator[str]:
    if step.main and step.command == "backup":
        for line in plan.profile.backup.stdin_command:
            yield f"dry-run: stdin-command: {masking.mask_text(line)}"


def _hooks(label: str, hook_lines: tuple[str, ...]) -> Iterator[str]:
    for line in hook_lines:
        yield f"dry-run: {label}: {masking.mask_text(line)}"


def _requests(label: str, requests: tuple[Webhook, ...]) -> Iterator[str]:
    for request in requests:
        yield f"dry-run: {label}: {request.method} {request.url or '(no url)'}"
        for header in request.headers:
            yield f"         {header.name}: {header.value}"
        if request.body:
            yield textwrap.indent(str(request.body), "         ")
        elif request.body_template:
            yield f"         body from {request.body_template}"
