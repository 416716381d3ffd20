"""Where the output of restic and of hooks goes: console, log target, and the tail for monitors."""

from __future__ import annotations

import enum
import logging
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from resticprof.model.run import ANSWER, OUTPUTS
from resticprof.system.logs import unmarked
from resticprof.system.process import Streams
from resticprof.system.streams import Stream, Writer

if TYPE_CHECKING:
    from resticprof.system.logs import Logs

log = logging.getLogger("resticprof")

Feed = Callable[[str], object]


class Role(enum.Enum):
    """What restic's standard output is for."""

    WORDS = "words"  # for people
    DATA = "data"  # what was asked for: to stdout, and nowhere else
    ASIDE = "aside"  # words of another step, while stdout is for data
    NOTHING = "nothing"


class Routes:
    """Decides by `--log`, `--command-output` and `--stderr`."""

    def __init__(self, logs: Logs, command_output: str, *, to_stderr: bool) -> None:
        self._logs = logs
        self._to_stderr = to_stderr
        self._writers = {1: Writer(1), 2: Writer(2)}
        to_log, to_console = _targets(command_output, terminal=os.isatty(1))
        if logs.target is None:
            to_log, to_console = False, True
        self._to_log = to_log
        self._to_console = to_console

    def of_output(
        self,
        role: Role,
        feed: Callable[[str], bool] | None,
        *,
        swallow: bool = False,
        counts: bool = False,
        needed: bool = False,
    ) -> Stream:
        """restic's standard output.

        `feed` reads its numbers; unless something `counts` on them, a terminal that would lose its
        progress goes first. `swallow`: what `feed` wants for itself is not shown. `needed`: without
        a reader restic is pointless.
        """
        if role is Role.NOTHING:
            return Stream(echo=False)
        to_log = self._to_log and role is not Role.DATA
        to_console = self._to_console or role is Role.DATA
        descriptor = 2 if self._to_stderr or role is Role.ASIDE else 1
        write = Writer(descriptor, needed=True) if needed else self._writers[descriptor]
        raw = write if to_console else None
        progress = to_console and os.isatty(1) and not (to_log or counts)
        if not swallow and (feed is None or progress):
            inherited = raw is not None and descriptor == 1
            return Stream() if inherited else Stream(echo=False, raw=raw)

        def line(text: str) -> None:
            if feed and feed(text):
                return
            if role is not Role.DATA:
                self._note(ANSWER, text)
            if swallow and to_console:
                write(f"{text}\n".encode())

        return Stream(echo=False, raw=None if swallow else raw, lines=line, keep=True)

    def of_errors(self, *feeds: Feed, hidden: bool = False) -> Stream:
        """restic's standard error: shown, kept, and read by `feeds`."""

        def line(text: str) -> None:
            for feed in feeds:
                feed(text)
            if not hidden:
                self._note(logging.WARNING, text)

        words = self._to_stderr_scrubbed if self._to_console and not hidden else None
        return Stream(echo=False, words=words, lines=line, keep=True)

    def of_hooks(self) -> Streams:
        """Hooks say what they have to say on stderr; stdout is for restic's data alone."""

        def line(text: str) -> None:
            self._note(logging.INFO, text)

        words = self._to_stderr_scrubbed if self._to_console else None
        return Streams(
            stdout=Stream(echo=False, words=words, lines=line),
            stderr=Stream(echo=False, words=words, lines=line, keep=True),
        )

    def of_member(self, prefix: str) -> Streams:
        """A member of a group that runs beside others: each of its lines says whose it is.

        The lines of its log come with their severities, as `Logs` writes them for the journal.
        """

        def data(text: str) -> None:
            self._note(ANSWER, prefix + text)
            if self._to_console:
                self._writers[2 if self._to_stderr else 1](f"{prefix}{text}\n".encode())

        def words(text: str) -> None:
            level, message = unmarked(text)
            if level is not None:
                self._logs.relay(level, prefix + message)
                return
            self._note(logging.WARNING, prefix + text)
            if self._to_console:
                self._writers[2](f"{prefix}{text}\n".encode())

        return Streams(
            stdout=Stream(echo=False, lines=data),
            stderr=Stream(echo=False, lines=words, keep=True),
        )

    def _to_stderr_scrubbed(self, data: bytes) -> None:
        """Words, not data: who reads them by mail or in the journal need not see a password.

        They come in whole lines: in half a line half a password would not be recognised.
        """
        clean = self._logs.scrubber.scrub(data.decode(errors="surrogateescape"))
        self._writers[2](clean.encode(errors="surrogateescape"))

    def _note(self, level: int, text: str) -> None:
        self._logs.tail.add(level, self._logs.scrubber.scrub(text))
        if self._to_log:
            self._logs.command_line_output(text)


def _targets(command_output: str, *, terminal: bool) -> tuple[bool, bool]:
    """(log, console) by the words of `--command-output`."""
    words = {word.strip() for word in command_output.split(",") if word.strip()}
    for word in sorted(words.difference(OUTPUTS)):
        log.warning("command-output `%s` is not one of %s", word, ", ".join(OUTPUTS))
    words = words.intersection(OUTPUTS) or {"auto"}
    if "all" in words or ("auto" in words and terminal):
        return True, True
    if "auto" in words:
        return True, False
    return "log" in words, "console" in words
