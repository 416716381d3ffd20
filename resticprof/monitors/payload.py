"""Log payloads: as much of the end of a run's log as a service keeps, counted in bytes. Pure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from resticprof.model.report import error_block, sentence, took_place
from resticprof.model.run import ANSWER, State
from resticprof.monitors import utf8

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resticprof.model.run import Event, LogLine, Report

MARKER = "..."
"""The first line of a log whose beginning was cut."""

LEVELS = {-1: logging.ERROR, 0: ANSWER, 1: logging.INFO, 2: logging.DEBUG}
"""What each verbosity lets through; 0 means warnings and what the user asked to see."""


def lines(report: Report, verbosity: int) -> tuple[LogLine, ...]:
    """The log lines that a verbosity lets through."""
    lowest = LEVELS[max(-1, min(verbosity, 2))]
    return tuple(line for line in report.log if line.level >= lowest)


def body(event: Event, *, verbosity: int, limit: int) -> bytes:
    """Summary, error block and the end of the log; 0 is no limit."""
    outcome = f"{sentence(event)}\n\n{error_block(event.report)}".strip()
    head = "" if is_only_log(event) else outcome
    return utf8.encode(composed(head, texts(event.report, verbosity), limit=limit))


def is_only_log(event: Event) -> bool:
    """Whether the event is the log of a run whose outcome another event will tell."""
    return event.state is State.LOG and took_place(event.report) and not event.test


def texts(report: Report, verbosity: int) -> list[str]:
    """The same lines as plain text."""
    return [line.text for line in lines(report, verbosity)]


def composed(head: str, log: Sequence[str], *, limit: int) -> str:
    """`head`, an empty line, and as much of the end of `log` as `limit` bytes leave room for.

    The head comes first and survives; when it alone is too long, its own end is cut. 0: no limit.
    """
    if not limit:
        return "\n\n".join(part for part in (head, "\n".join(log)) if part)
    if utf8.size(head) > limit:
        return utf8.start(head, limit)
    between = "\n\n" if head else ""
    tail = ending(log, limit - utf8.size(head) - len(between))
    return f"{head}{between}{tail}" if tail else head


def ending(log: Sequence[str], room: int) -> str:
    """The last lines that fit into `room` bytes, behind a marker line when something was cut.

    Cut at line borders; when not even the last line fits, its own end stays.
    """
    whole = "\n".join(log)
    if utf8.size(whole) <= room:
        return whole
    room -= len(MARKER) + 1
    kept: list[str] = []
    for line in reversed(log):
        if utf8.size(line) > room:
            if not any(kept) and room > 0:
                kept.append(utf8.end(line, room))
            break
        kept.append(line)
        room -= utf8.size(line) + 1
    text = "\n".join(reversed(kept))
    return f"{MARKER}\n{text}" if text else ""
