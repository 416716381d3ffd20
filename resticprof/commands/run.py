"""One run: the documented order of lock, hooks, restic, requests and events, top to bottom."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from typing import TYPE_CHECKING

from resticprof.commands import record
from resticprof.commands.steps import WARNING, Steps
from resticprof.commands.story import Story
from resticprof.commands.surroundings import Surroundings
from resticprof.commands.tell import Teller
from resticprof.errors import ConfigError, Error, Skipped
from resticprof.model import report as reports
from resticprof.model.run import Outcome, Report, State
from resticprof.system import lock
from resticprof.system.logs import OUTCOME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.commands.patience import Patience
    from resticprof.commands.plan import Plan
    from resticprof.commands.session import Session

log = logging.getLogger("resticprof")


def run(plan: Plan, session: Session) -> Report:
    """Run one command of one profile with everything around it; what failed is in the report."""
    profile, section = plan.profile, plan.section
    story = Story(plan, host=session.host, user=session.user)
    around = Surroundings(plan, session, story)
    steps = Steps(plan, session, story, around)
    teller = Teller(
        plan.monitors,
        session.global_,
        dry_run=plan.restic_dry_run,
        snapshot=lambda: around.event(State.LOG),
    )
    with contextlib.ExitStack() as held:
        try:
            if plan.problems:
                raise ConfigError(*plan.problems)
            teller.deliver_waiting(profile)
            session.check_conditions()
            steps.lock = held.enter_context(_lock(plan, session, steps.patience))
            around.hooks(profile.run_before, "run-before", may_skip=True)
            steps.initialize()
            teller.tell(around.event(State.START))
            around.send(section.send_before)
            around.hooks(section.run_before, f"run-before {plan.command}", may_skip=True)
            steps.run()
            around.hooks(section.run_after, f"run-after {plan.command}")
            around.send(section.send_after)
            around.hooks(profile.run_after, "run-after")
            story.succeed()
        except Skipped as skip:
            story.skip(skip.reason)
        except Exception as error:  # noqa: BLE001 - somebody must be told of it
            story.fail(error)
            _tell_cause(error)
            around.send(section.send_after_fail)
            _after_fail(plan, around)
        story.end()
        report = around.report()
        _last_line(report)
        record.record(plan, report, session.global_)
        teller.finish(around.event(_final_state(report)))
        around.on_error(section.on_error or profile.on_error)
        around.all_hooks(section.run_finally, f"run-finally {plan.command}")
        around.all_hooks(profile.run_finally, "run-finally")
        around.send(section.send_finally)
        around.join()
    return report


@contextlib.contextmanager
def _lock(plan: Plan, session: Session, patience: Patience) -> Iterator[lock.Lock | None]:
    """The lock file of the profile, unless there is none or the user wants none."""
    if plan.lock is None or session.invocation.no_lock:
        yield None
        return
    begin = time.monotonic()
    force = plan.profile.force_inactive_lock
    with lock.hold(plan.lock, wait=patience.left, force=force, signals=session.signals) as held:
        patience.spend(time.monotonic() - begin)
        yield held


def _after_fail(plan: Plan, around: Surroundings) -> None:
    """The failure hooks; one that fails itself is told and keeps the later ones from running."""
    try:
        around.hooks(plan.section.run_after_fail, f"run-after-fail {plan.command}")
        around.hooks(plan.profile.run_after_fail, "run-after-fail")
    except Error as error:
        log.error("%s", error)


def _tell_cause(error: BaseException) -> None:
    if isinstance(error, Error):
        log.error("%s", error)
    else:
        log.error("internal error; please report it", exc_info=error)


def _final_state(report: Report) -> State:
    """The one event that ends what `start` began."""
    main = report.steps[-1] if report.steps else None
    if report.outcome is Outcome.WARNING or (main and main.exit_code == WARNING):
        return State.WARN
    return State.FAIL if report.outcome is Outcome.FAILED else State.FINISH


def _last_line(report: Report) -> None:
    """What happened, in one line for people; monitors have their own, so it is not in their log."""
    failed = report.outcome in (Outcome.FAILED, Outcome.WARNING)
    level = logging.WARNING if failed else logging.INFO
    logging.getLogger(OUTCOME).log(level, "%s", reports.summary_sentence(report))


@contextlib.contextmanager
def working_directory(path: str) -> Iterator[None]:
    """`base-dir`: another working directory for one run."""
    before = os.getcwd()
    try:
        os.chdir(path or ".")
    except OSError as error:
        raise Error(f"cannot enter base-dir `{path}`: {error.strerror}") from error
    try:
        yield
    finally:
        os.chdir(before)
