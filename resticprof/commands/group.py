"""The members of a group, one after the other or side by side, and what came of each."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error
from resticprof.model import report as reports
from resticprof.model.run import Outcome, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.model.config import Group

log = logging.getLogger("resticprof")


class Member(msgspec.Struct, frozen=True):
    """One row of the summary of a group."""

    name: str
    outcome: Outcome | None  # None: not run
    exit_code: int = 0
    seconds: float = 0.0
    text: str = ""


def run_in_order(
    group: Group,
    run: Callable[[str], Report],
    *,
    continue_on_error: bool,
    interrupted: Callable[[], bool],
) -> list[Member]:
    """Run every member in the listed order; stop at the first failure, unless told to go on."""
    members: list[Member] = []
    stopped = False
    for name in group.profiles:
        if stopped or interrupted():
            members.append(Member(name, None))
            continue
        member = run_member(name, run)
        members.append(member)
        stopped = member.exit_code != 0 and not continue_on_error
    return members


def run_member(name: str, run: Callable[[str], Report]) -> Member:
    """Run one member; a profile that cannot be opened is a failed member."""
    try:
        report = run(name)
    except Error as error:
        log.error("%s", error)
        return Member(name, Outcome.FAILED, error.exit_code, 0.0, str(error).partition("\n")[0])
    sentence = reports.summary_sentence(report)
    return Member(name, report.outcome, report.exit_code, report.seconds, sentence)


def exit_code(members: list[Member]) -> int:
    """The status of the first member that failed."""
    return next((member.exit_code for member in members if member.exit_code), 0)


def summary(group: Group, members: list[Member]) -> str:
    """One table at the end, for the log."""
    width = max((len(member.name) for member in members), default=0)
    lines = [f"group {group.name}:"]
    for member in members:
        outcome = member.outcome.value if member.outcome else "not run"
        lines.append(f"  {member.name.ljust(width)}  {outcome.ljust(7)}  {member.text}".rstrip())
    return "\n".join(lines)
