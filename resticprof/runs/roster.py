"""The members of a group: who may run now, what came of each, and what came of all. Pure."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING

import msgspec

from resticprof.model import report as reports
from resticprof.model.run import Failure, LogLine, Outcome, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime


INTERRUPTED = 130  # how restic ends when a signal to us cut it short


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the summary of a group."""

    name: str
    outcome: Outcome | None = None  # None: not run
    exit_code: int = 0
    text: str = ""

    @classmethod
    def ran(cls, name: str, report: Report) -> Member:
        """A member that ran, however it ended."""
        text = reports.summary_sentence(report)
        return cls(name=name, outcome=report.outcome, exit_code=report.exit_code, text=text)

    @classmethod
    def broken(cls, name: str, exit_code: int, text: str) -> Member:
        """A member that did not get as far as a run."""
        first_line = text.partition("\n")[0]
        return cls(name=name, outcome=Outcome.FAILED, exit_code=exit_code or 1, text=first_line)

    @property
    def failed(self) -> bool:
        """Whether the group fails with it."""
        return self.outcome is Outcome.FAILED


class Waiting:
    """The members that wait for their turn to run side by side."""

    def __init__(self, claims: Iterable[frozenset[str]], limit: int) -> None:
        self._waiting = deque(enumerate(claims))
        self._running: dict[int, frozenset[str]] = {}
        self._limit = limit

    def start(self) -> list[int]:
        """Who may start now: nobody who runs, or waits in front, claims the same."""
        started: list[int] = []
        taken = {claim for claims in self._running.values() for claim in claims}
        for place, claims in list(self._waiting):
            if len(self._running) < self._limit and taken.isdisjoint(claims):
                self._waiting.remove((place, claims))
                self._running[place] = claims
                started.append(place)
            taken |= claims
        return started

    def end(self, place: int) -> None:
        """This one has ended."""
        del self._running[place]

    def stop(self) -> None:
        """Start nobody any more."""
        self._waiting.clear()

    def __bool__(self) -> bool:
        return bool(self._running)


# ---- what came of it ------------------------------------------------------------------------


def report(began: Report, members: list[Member], interrupted: int, ended: datetime) -> Report:
    """The report of the group; its log is one table. `interrupted` is the signal that we got.

    The status is that of the first member that failed; of an interrupted group it tells the signal.
    """
    failed = [member for member in members if member.failed]
    code = (failed[0].exit_code or 1) if failed else 0
    if interrupted and code in (0, INTERRUPTED):
        code = 128 + interrupted
    outcomes = {member.outcome for member in members}
    skipped = outcomes <= {Outcome.SKIPPED}
    reason = "every member was skipped" if members else "the group has no profiles"
    how = Outcome.WARNING if Outcome.WARNING in outcomes else Outcome.SUCCESS
    known = msgspec.structs.replace(
        began,
        ended=ended,
        exit_code=code,
        outcome=Outcome.FAILED if code else Outcome.SKIPPED if skipped else how,
        skip_reason=reason if skipped else "",
        failure=Failure(message=_what_failed(members)) if code else None,
    )
    level = logging.WARNING if code or skipped else logging.INFO
    lines = (*_rows(members), reports.summary_sentence(known))
    log = tuple(LogLine(level, text, ended, number) for number, text in enumerate(lines, start=1))
    return msgspec.structs.replace(known, log=log)


def _what_failed(members: list[Member]) -> str:
    failed = [member.name for member in members if member.failed]
    left_out = [member.name for member in members if member.outcome is None]
    parts = [
        f"{len(failed)} of {len(members)} members failed: {', '.join(failed)}"
        if failed
        else "interrupted"
    ]
    if left_out:
        parts.append(f"not run: {', '.join(left_out)}")
    return "; ".join(parts)


def _rows(members: list[Member]) -> Iterator[str]:
    width = max((len(member.name) for member in members), default=0)
    for member in members:
        word = member.outcome.value if member.outcome else "not run"
        yield f"  {member.name.ljust(width)}  {word.ljust(7)}  {member.text}".rstrip()
