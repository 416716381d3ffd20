"""Where the output of restic and of hooks goes: console, log target, and the tail for monitors."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from resticprof.model.run import ANSWER
from resticprof.system.logs import unmarked
from resticprof.system.process import Streams
from resticprof.system.streams import Stream

if TYPE_CHECKING:
    from resticprof.system.logs import Logs

Feed = Callable[[str], object]
INFO = 20
WARNING = 30


class Routes:
    """Decides by `--log`, `--command-output` and `--stderr`."""

    def __init__(self, logs: Logs, command_output: str, *, to_stderr: bool) -> None:
        self._logs = logs
        self._to_stderr = to_stderr
        to_log, to_console = _targets(command_output, terminal=sys.stdout.isatty())
        if logs.target is None:
            to_log, to_console = False, True
        self._to_log = to_log
        self._to_console = to_console

    def of_data(self, feed: Callable[[str], bool], *, swallow: bool, read: bool) -> Stream:
        """restic's standard output.

        `read`: its numbers are wanted, unless that would take a terminal its progress. `swallow`:
        lines that `feed` wants for itself are not shown.
        """
        if sys.stdout.isatty() and self._to_console and not (self._to_log or swallow):
            return Stream() if not self._to_stderr else Stream(echo=False, raw=_to_stderr)
        if not (read or self._to_log or swallow):
            return self._shown()

        def line(text: str) -> None:
            mine = feed(text)
            if not mine:
                self._note(ANSWER, text)
                if swallow and self._to_console:
                    _write(2 if self._to_stderr else 1, f"{text}\n".encode())

        if swallow:
            return Stream(echo=False, lines=line, keep=True)
        shown = self._shown()
        return Stream(echo=shown.echo, raw=shown.raw, lines=line, keep=True)

    def of_errors(self, *feeds: Feed, hidden: bool = False) -> Stream:
        """restic's standard error: shown, kept, and read by `feeds`."""

        def line(text: str) -> None:
            for feed in feeds:
                feed(text)
            self._note(WARNING, text)

        return Stream(echo=self._to_console and not hidden, lines=line, keep=True)

    def of_hooks(self) -> Streams:
        """Hooks say what they have to say on stderr; stdout is for restic's data alone."""

        def line(text: str) -> None:
            self._note(INFO, text)

        raw = _to_stderr if self._to_console else None
        return Streams(
            stdout=Stream(echo=False, raw=raw, lines=line),
            stderr=Stream(echo=self._to_console, lines=line, keep=True),
        )

    def of_member(self, prefix: str) -> Streams:
        """A member of a group that runs beside others: each of its lines says whose it is.

        The lines of its log come with their severities, as `Logs` writes them for the journal.
        """

        def data(text: str) -> None:
            self._note(ANSWER, prefix + text)
            if self._to_console:
                _write(2 if self._to_stderr else 1, f"{prefix}{text}\n".encode())

        def words(text: str) -> None:
            level, message = unmarked(text)
            if level is not None:
                self._logs.relay(level, prefix + message)
                return
            self._note(WARNING, prefix + text)
            if self._to_console:
                _write(2, f"{prefix}{text}\n".encode())

        return Streams(
            stdout=Stream(echo=False, lines=data), stderr=Stream(echo=False, lines=words)
        )

    def _shown(self) -> Stream:
        if not self._to_console:
            return Stream(echo=False)
        return Stream(echo=False, raw=_to_stderr) if self._to_stderr else Stream()

    def _note(self, level: int, text: str) -> None:
        self._logs.tail.add(level, self._logs.scrubber.scrub(text))
        if self._to_log:
            self._logs.command_line_output(text)


def _targets(command_output: str, *, terminal: bool) -> tuple[bool, bool]:
    """(log, console) by the words of `--command-output`."""
    words = {word.strip() for word in command_output.split(",")}
    if "all" in words or ("auto" in words and terminal):
        return True, True
    if "auto" in words:
        return True, False
    return "log" in words, "console" in words


def _to_stderr(data: bytes) -> None:
    _write(2, data)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
