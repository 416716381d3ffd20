"""One run of a group: its members in order or side by side, one table, and its own monitors."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from resticprof import __version__
from resticprof.errors import INTERNAL, PLEASE, Error
from resticprof.model import report as reports
from resticprof.model.config import Profile
from resticprof.model.run import Event, Outcome, Report, State
from resticprof.model.types import reveal
from resticprof.runs import claims, members, roster, tell
from resticprof.runs.plan import plan
from resticprof.runs.roster import Member, Waiting
from resticprof.runs.selection import Selection
from resticprof.runs.story import now
from resticprof.system import environment

if TYPE_CHECKING:
    from resticprof.model.config import Group
    from resticprof.runs.session import Session

log = logging.getLogger("resticprof")

STATES = {
    None: State.START,
    Outcome.SUCCESS: State.FINISH,
    Outcome.SKIPPED: State.FINISH,
    Outcome.WARNING: State.WARN,
    Outcome.FAILED: State.FAIL,
}

RunMember = Callable[[Selection], Report]


def run_group(group: Group, selection: Selection, session: Session, run: RunMember) -> int:
    """Run every member, and end with the status of the first that failed."""
    began = _began(group, selection, session)
    monitors = tell.for_run(group.monitors.get(selection.command, ()), session.invocation)
    teller = tell.Teller(monitors, session, dry_run=began.dry_run)
    teller.deliver_waiting(group)
    teller.tell(_event(began))
    results = _run_members(group, selection, session, run)
    report = roster.report(began, results, session.signals.received, now())
    for line in report.log:
        log.log(line.level, "%s", line.text)
    session.signals.acknowledge()
    teller.finish(_event(report))
    return report.exit_code


def _began(group: Group, selection: Selection, session: Session) -> Report:
    made = plan(Profile(), selection.command, selection.extra, session.global_)
    return Report(
        run_id=str(uuid.uuid4()),
        profile="",
        group=group.name,
        command=selection.command,
        host=session.host,
        user=session.user,
        config_file=session.config_file,
        dry_run=made.restic_dry_run,
        started=now(),
        version=__version__,
    )


def _event(report: Report) -> Event:
    sentence = reports.summary_sentence(report)
    return Event(state=STATES[report.outcome], report=report, sentence=sentence)


# ---- members --------------------------------------------------------------------------------


def _run_members(
    group: Group, selection: Selection, session: Session, run: RunMember
) -> list[Member]:
    """Run the members until one fails, unless the group goes on; a signal ends it in any case."""
    continues = group.continue_on_error
    if continues is None:
        continues = session.global_.group_continue_on_error

    def go_on(member: Member) -> bool:
        return not session.signals.received and (continues or not member.failed)

    chosen = [Selection(name, selection.command, selection.extra) for name in group.profiles]
    if group.parallel > 1:
        orders = members.orders(group.name, chosen, session)
        waiting = Waiting([_claims(one, session) for one in chosen], group.parallel)
        return members.run_side_by_side(orders, waiting, session, go_on=go_on)
    return _run_in_order(chosen, run, go_on)


def _run_in_order(
    chosen: list[Selection], run: RunMember, go_on: Callable[[Member], bool]
) -> list[Member]:
    results: list[Member] = []
    stopped = False
    for one in chosen:
        results.append(Member(name=one.name) if stopped else _run_here(one, run))
        stopped = stopped or not go_on(results[-1])
    return results


def _run_here(selection: Selection, run: RunMember) -> Member:
    """Run a member; a profile that cannot be opened is a failed one."""
    try:
        return Member.ran(selection.name, run(selection))
    except Error as error:
        log.error("%s", error)
        return Member.broken(selection.name, error.exit_code, str(error))
    except Exception as error:
        log.exception(PLEASE)
        return Member.broken(selection.name, INTERNAL, f"{PLEASE}: {error}")


def _claims(selection: Selection, session: Session) -> frozenset[str]:
    """What a member claims for itself; one that cannot be read will fail, and claims nothing."""
    try:
        _, profile = session.configuration.read_profile(selection.name)
        values = {name: reveal(value) for name, value in profile.env.items()}
    except Error:
        return frozenset()
    made = plan(profile, selection.command, selection.extra, session.global_)
    found = environment.of_profile(files=profile.env_file, variables=values)
    return claims.claims(made, found)
