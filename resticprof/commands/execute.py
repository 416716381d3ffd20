"""From the words of the command line to runs: one profile, or the members of a group."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

import msgspec

from resticprof.commands import group as groups
from resticprof.commands import tell
from resticprof.commands.plan import Plan, plan
from resticprof.commands.run import run, working_directory
from resticprof.commands.selection import Selection
from resticprof.errors import Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.commands.session import Session
    from resticprof.model.config import Group, Profile
    from resticprof.model.run import Report

log = logging.getLogger("resticprof")


def execute(selection: Selection, session: Session) -> int:
    """Run the command; the exit status. Raises `UsageError` when nothing has this name."""
    configuration = session.configuration
    if configuration.has_profile(selection.name):
        return run_profile(selection, session).exit_code
    group = configuration.group(selection.name)
    if group is None:
        there = [*configuration.names(), *(group.name for group in configuration.groups.values())]
        raise UsageError(
            f"no profile or group `{selection.name}` in {configuration.file}; "
            f"there are: {', '.join(there) or 'none'}"
        )
    return run_group(group, selection, session)


def run_profile(selection: Selection, session: Session, *, group: str = "") -> Report:
    """Open the profile and run the command; what is wrong with the profile fails the run."""
    with opened(selection.name, session) as (problems, profile):
        made = prepared(profile, selection, session, problems=problems, group=group)
        with session.verbosity(profile):
            return run(made, session)


def prepared(
    profile: Profile,
    selection: Selection,
    session: Session,
    *,
    problems: tuple[Problem, ...] = (),
    group: str = "",
) -> Plan:
    """The plan of a run."""
    made = plan(profile, selection.command, selection.extra, session.global_, group=group)
    tolerant = profile.backup.no_error_on_warning
    return msgspec.structs.replace(
        made,
        monitors=tell.for_run(made.monitors, session.invocation, tolerant=tolerant),
        config_file=session.config_file,
        problems=problems,
    )


@contextlib.contextmanager
def opened(name: str, session: Session) -> Iterator[tuple[tuple[Problem, ...], Profile]]:
    """A profile, and its `base-dir` as our working directory for as long as it is needed."""
    problems, profile = session.configuration.open_profile(name)
    if not profile.base_dir:
        yield problems, profile
        return
    with working_directory(profile.base_dir):
        log.debug("working directory: %s", profile.base_dir)
        # Templates and globs may see the new directory, so the profile is read again.
        yield session.configuration.open_profile(name, again=True)


# ---- groups ---------------------------------------------------------------------------------


def run_group(group: Group, selection: Selection, session: Session) -> int:
    """Run every member, show one table, and end with the status of the first that failed."""
    began = Report(
        run_id=str(uuid.uuid4()),
        profile="",
        group=group.name,
        command=selection.command,
        host=session.host,
        user=session.user,
        config_file=session.config_file,
        dry_run=plan(
            Profile(), selection.command, selection.extra, session.global_
        ).restic_dry_run,
        started=now(),
        version=__version__,
    )
    monitors = tell.for_run(group.monitors.get(selection.command, ()), session.invocation)
    teller = tell.Teller(monitors, session, dry_run=began.dry_run)
    teller.deliver_waiting(group)
    teller.tell(_event(began))
    members = _members(group, selection, session)
    report = groups.report(began, members, session.signals.received, now())
    for line in report.log:
        log.log(line.level, "%s", line.text)
    session.signals.acknowledge()
    teller.finish(_event(report))
    return report.exit_code


def _event(report: Report) -> Event:
    states = {None: State.START, Outcome.FAILED: State.FAIL, Outcome.WARNING: State.WARN}
    sentence = reports.summary_sentence(report)
    state = states.get(report.outcome, State.FINISH)
    return Event(state=state, report=report, sentence=sentence)


def _members(group: Group, selection: Selection, session: Session) -> list[Member]:
    continues = group.continue_on_error
    if continues is None:
        continues = session.global_.group_continue_on_error

    def go_on(member: Member) -> bool:
        return not session.signals.received and (continues or not member.failed)

    chosen = [
        Selection(name, selection.command, selection.extra) for name in group.profiles
    ]
    if group.parallel > 1:
        orders = [members.order(group.name, one, session) for one in chosen]
        waiting = Waiting([_claims(one, session) for one in chosen], group.parallel)
        return members.run_side_by_side(orders, waiting, session, go_on=go_on)
    return groups.run_in_order(
        chosen, lambda one: _run_here(one, session, group=group.name), go_on=go_on
    )


def _run_here(selection: Selection, session: Session, *, group: str) -> Member:
    """Run a member; a profile that cannot be opened is a failed one."""
    session.logs.tail.clear()
    try:
        return Member.ran(selection.name, run_profile(selection, session, group=group))
    except Error as error:
        log.error("%s", error)
        return Member.failed_with(selection.name, error)


def _claims(selection: Selection, session: Session) -> frozenset[str]:
    """What a member claims for itself; one that cannot be read will fail, and claims nothing."""
    try:
        _, profile = session.configuration.read_profile(selection.name)
    except Error:
        return frozenset()
    made = plan(profile, selection.command, selection.extra, session.global_)
    values = {name: reveal(value) for name, value in profile.env.items()}
    return claims.claims(made, environment.of_profile(files=profile.env_file, variables=values))
