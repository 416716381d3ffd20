"""One run: the documented order of lock, hooks, restic, requests and events, top to bottom."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING

from resticprof.errors import ConfigError, Skipped
from resticprof.model import report as reports
from resticprof.model.run import Outcome, Report, State
from resticprof.runs import record
from resticprof.runs.steps import Steps
from resticprof.runs.story import Story
from resticprof.runs.surroundings import Surroundings
from resticprof.runs.tell import Teller
from resticprof.system import lock, service
from resticprof.system.logs import OUTCOME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.runs.patience import Patience
    from resticprof.runs.plan import Plan
    from resticprof.runs.session import Session


def run(plan: Plan, session: Session) -> Report:
    """Run one command of one profile with everything around it; what failed is in the report.

    docs/hooks.md has the same order as a table.
    """
    profile, section, command = plan.profile, plan.section, plan.command
    story = Story(plan, host=session.host, user=session.user)
    around = Surroundings(plan, session, story)
    steps = Steps(plan, session, story, around)
    teller = Teller(
        plan.monitors,
        session,
        dry_run=plan.restic_dry_run,
        snapshot=lambda: around.event(State.LOG),
    )
    with contextlib.ExitStack() as held:
        try:
            _check(plan, session, story)
            with story.spared():
                teller.deliver_waiting(profile)
            around.begin(held.enter_context(_lock(plan, session, steps.patience)))
            around.hooks("run-before", profile.run_before, may_skip=True)
            steps.initialize()
            around.send(section.send_before)
            teller.tell(around.event())
            around.hooks(f"run-before {command}", section.run_before, may_skip=True)
            steps.run()
            story.succeed()
            around.hooks(f"run-after {command}", section.run_after)
            around.send(section.send_after)
            around.hooks("run-after", profile.run_after)
            session.signals.check()
        except Skipped as skip:
            story.skip(skip.reason)
        except Exception as error:  # noqa: BLE001 - somebody must be told of it
            story.fail(error)
            around.send(section.send_after_fail)
            around.after_fail()
        story.end()
        report = around.report()
        with story.spared():
            record.record(plan, report, session.global_)
        with story.spared():
            teller.finish(around.event())
        around.on_error()
        around.clear_up()
        around.send(section.send_finally)
        around.join()
        _last_line(report)
    return around.report()


def _check(plan: Plan, session: Session, story: Story) -> None:
    """What makes a run pointless before it begins: a broken profile, no restic, no power."""
    if plan.problems:
        raise ConfigError(*plan.problems)
    story.restic_version = str(session.restic.version or "")
    session.check_conditions()


@contextlib.contextmanager
def _lock(plan: Plan, session: Session, patience: Patience) -> Iterator[lock.Lock | None]:
    """The lock file of the profile, unless there is none or the user wants none."""
    if plan.lock is None or session.invocation.no_lock:
        yield None
        return
    begin = time.monotonic()
    service.status(f"{plan.title}: waiting for the lock")
    force = plan.profile.force_inactive_lock
    with lock.hold(plan.lock, wait=patience.left, force=force, signals=session.signals) as held:
        patience.spend(time.monotonic() - begin)
        yield held


def _last_line(report: Report) -> None:
    """What happened, in one line for people; monitors have their own, so it is not in their log."""
    level = logging.INFO if report.outcome is Outcome.SUCCESS else logging.WARNING
    sentence = reports.summary_sentence(report)
    logging.getLogger(OUTCOME).log(level, "%s", sentence)
    service.status(sentence)
