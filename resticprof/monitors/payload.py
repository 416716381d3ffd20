"""Log payloads: as much of the end of a run's log as a service keeps, counted in bytes. Pure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from resticprof.model.report import error_block, sentence, took_place
from resticprof.model.run import ANSWER, State

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
    return composed(head, texts(event.report, verbosity), limit=limit).encode()


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
    head = _beginning(head, limit)
    between = "\n\n" if head else ""
    room = limit - _size(head) - len(between)
    tail = ending(log, room)
    return f"{head}{between}{tail}" if tail else head


def ending(log: Sequence[str], room: int) -> str:
    """The last lines that fit into `room` bytes, behind a marker line when something was cut.

    Cut at line borders; when not even the last line fits, its own end stays.
    """
    whole = "\n".join(log)
    if _size(whole) <= room:
        return whole
    room -= len(MARKER) + 1
    kept: list[str] = []
    for line in reversed(log):
        if _size(line) > room:
            if not any(kept):
                kept.append(_end(line, room))
            break
        kept.append(line)
        room -= _size(line) + 1
    text = "\n".join(reversed(kept))
    return f"{MARKER}\n{text}" if text else ""


def _size(text: str) -> int:
    return len(text.encode())


def _beginning(text: str, size: int) -> str:
    return text.encode()[:size].decode(errors="ignore")


def _end(text: str, size: int) -> str:
    """The last bytes of a text; a character that the cut would split goes with the first part."""
    data = text.encode()
    return data[len(data) - size :].decode(errors="ignore") if size > 0 else ""
