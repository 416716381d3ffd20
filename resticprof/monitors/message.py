"""Texts for people: titles, the words of a configured text, and cutting them to a length."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from resticprof.model.report import interpolate, mark, sentence, variables
from resticprof.model.run import Outcome, State
from resticprof.monitors import utf8

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resticprof.model.run import Event

Table = TypeVar("Table")

VERBS = {
    State.START: "started",
    State.FINISH: "finished",
    State.WARN: "finished with warnings",
    State.FAIL: "failed",
}

ELLIPSIS = "…"


def chosen(tables: Mapping[State, Table | None], happened: State, told: State) -> Table | None:
    """The table of texts for what happened; a warning without one uses that of what is told."""
    own = tables.get(happened)
    return tables.get(told) if own is None else own


def title(event: Event) -> str:
    """`backup home failed on nas`: the same as the sentence, also for warnings that are none."""
    report = event.report
    who = f"{report.command} {report.profile or report.group}"
    failed = event.state is State.WARN and report.outcome is Outcome.FAILED
    verb = VERBS.get(State.FAIL if failed else event.state)
    what = f"{who} {verb}" if verb else f"log of {who}"
    return f"{mark(event)}{what} on {report.host}"


def filled(template: str | None, event: Event, default: str) -> str:
    """A configured text with its variables replaced and its mark, or `default`."""
    if template is None:
        return default
    text = interpolate(template, variables(event))
    return text if mark(event) in text else mark(event) + text


def body(template: str | None, event: Event) -> str:
    """A configured message, or the one-line summary."""
    return filled(template, event, sentence(event))


def shortened(text: str, characters: int) -> str:
    """The text, cut at its end to at most so many characters."""
    return text if len(text) <= characters else text[: characters - 1] + ELLIPSIS


def shortened_bytes(text: str, size: int) -> str:
    """The text, cut at its end to at most `size` bytes of UTF-8."""
    if utf8.size(text) <= size:
        return text
    room = size - utf8.size(ELLIPSIS)
    return utf8.start(text, room) + ELLIPSIS if room >= 0 else ""
