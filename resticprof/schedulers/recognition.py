"""Tell from its words which job an installed command line runs: ours, or the reference's."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Recognised(msgspec.Struct, frozen=True, kw_only=True):
    """The job of a command line."""

    config_file: str  # absolute
    command: str
    name: str

    @property
    def title(self) -> str:
        """`backup@home`."""
        return f"{self.command}@{self.name}"


def recognise(words: Sequence[str], directory: str) -> Recognised | None:
    """The job that a command line runs in a directory; None when it is none of ours.

    The program may have any name. Before `run-schedule` there was `--name home … backup`.
    """
    config = _option(words, "--config", "-c")
    if config is None:
        return None
    if "run-schedule" in words[:-1]:
        command, _, name = words[words.index("run-schedule") + 1].partition("@")
    else:
        command, name = words[-1], _option(words, "--name", "-n") or ""
    if not command or not name or command.startswith("-"):
        return None
    return Recognised(config_file=os.path.join(directory, config), command=command, name=name)


def _option(words: Sequence[str], long: str, short: str) -> str | None:
    for position, word in enumerate(words):
        if word in {long, short}:
            return next(iter(words[position + 1 :]), None)
        if word.startswith(f"{long}="):
            return word.removeprefix(f"{long}=")
    return None


def same_file(one: str, other: str) -> bool:
    """Whether two paths lead to the same file, whatever they look like."""
    return one == other or _identity(one) == _identity(other)


def _identity(path: str) -> tuple[object, ...]:
    try:
        status = os.stat(path)  # noqa: PTH116 - text
    except OSError:
        return (os.path.realpath(path),)
    return status.st_dev, status.st_ino
