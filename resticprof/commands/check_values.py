"""Check values that have the right type and cannot work all the same."""

from __future__ import annotations

import contextlib
import re
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from resticprof.commands import check_files
from resticprof.config.tree import is_reference
from resticprof.errors import ConfigError, did_you_mean
from resticprof.model.run import OUTPUTS
from resticprof.restic import flags
from resticprof.schedulers import base as schedulers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from resticprof.commands.findings import Finding, Keys, Subject
    from resticprof.config.configuration import Configuration
    from resticprof.model.config import FlagValue, Global, Schedule
    from resticprof.model.types import Secret
    from resticprof.schedulers.base import Scheduler

_RANGES = {"nice": (-20, 19), "ionice-class": (1, 3), "ionice-level": (0, 7)}


def priorities(subject: Subject, global_: Global) -> Iterator[Finding]:
    """Priorities that no machine knows."""
    for key, (least, most) in _RANGES.items():
        value = getattr(global_, key.replace("-", "_"))
        if not least <= value <= most:
            yield subject.finding((key,), f"{value} is not from {least} to {most}")


def output(subject: Subject, where: Keys, text: str) -> Iterator[Finding]:
    """Places for output that nobody knows."""
    for word in text.split(","):
        if word.strip() not in OUTPUTS and not subject.is_reference(where):
            listed = "`, `".join(OUTPUTS)
            meant = did_you_mean(word.strip(), OUTPUTS)
            yield subject.finding(where, f"`{word.strip()}` is not one of `{listed}`{meant}")


def address(subject: Subject, where: Keys, url: Secret | None) -> Iterator[Finding]:
    """An address that cannot be one; what has variables or a source of its own is left alone."""
    if url is None or url.fetched or "$" in url.reveal():
        return
    if not re.match(r"https?://[^/]", url.reveal(), re.IGNORECASE):
        yield subject.finding(where, "is not a URL; write https://host/path")


def of_flags(
    subject: Subject, given: Mapping[str, FlagValue], where: Keys = ()
) -> Iterator[Finding]:
    """Values of restic's flags that cannot be numbers, and have to be."""
    for name, value in given.items():
        info = flags.find(name)
        if info is None or not info.default.isdecimal() or info.kind != "value":
            continue
        if isinstance(value, str) and not re.fullmatch(r"[+-]?\d+|unlimited|.*\$.*|", value):
            yield subject.finding((*where, name), f"`{value}` is not a number")


def schedule(
    configuration: Configuration, subject: Subject, settings: Schedule, where: Keys
) -> Iterator[Finding]:
    """Expressions that the scheduler cannot read, or that never come true."""
    yield from check_files.of_table(subject, settings, where)
    yield from output(subject, where, settings.command_output)
    if any(map(is_reference, subject.node.at(*where).walk())):
        return
    scheduler = _scheduler(configuration)
    for text in (*scheduler.mistakes(settings.at), *_never(scheduler, settings)):
        found = subject.finding(where, text)
        place = settings.place
        yield msgspec.structs.replace(found, file=place.file, line=place.line)


def _scheduler(configuration: Configuration) -> type[Scheduler]:
    """The scheduler that is meant; one that nobody knows is told elsewhere."""
    try:
        return schedulers.kind_of(configuration.global_.scheduler)
    except ConfigError:
        return schedulers.kind_of("")


def _never(scheduler: type[Scheduler], schedule: Schedule) -> Iterator[str]:
    for expression in schedule.at:
        with contextlib.suppress(ValueError):  # that is told as a mistake
            if scheduler.read(expression).next_after(datetime.now().astimezone()) is None:
                yield f"`{expression}` never elapses"
