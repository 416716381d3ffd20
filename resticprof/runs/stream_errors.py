"""`stream-error`: run a shell line when a line of restic's stderr matches."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from resticprof.errors import ConfigError, Error, Interrupted, Problem, TemplateError
from resticprof.system import process
from resticprof.templates import regular

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.model.config import StreamError
    from resticprof.runs.hooks import Shell

log = logging.getLogger("resticprof")


class Watch:
    """One entry, counting for one restic process. Raises `ConfigError` for a bad pattern."""

    def __init__(self, entry: StreamError) -> None:
        self.entry = entry
        self._runs = 0
        self._matches = 0
        try:
            regular.matches(entry.pattern, "")
        except TemplateError as error:
            raise ConfigError(Problem(str(error), key="stream-error")) from error

    def due(self, line: str) -> bool:
        """Whether this line makes the entry run."""
        if self.entry.max_runs and self._runs >= self.entry.max_runs:
            return False
        if not regular.matches(self.entry.pattern, line):
            return False
        self._matches += 1
        if self._matches < self.entry.min_matches:
            return False
        self._matches = 0
        self._runs += 1
        return True


class StreamErrors:
    """All entries of a profile, for one restic process."""

    def __init__(self, entries: tuple[StreamError, ...], shell: Callable[[], Shell]) -> None:
        self._watches = [Watch(entry) for entry in entries]
        self._shell = shell

    def feed(self, line: str) -> None:
        """Look at a line of stderr, without its end; what runs reads it on its standard input."""
        for watch in tuple(self._watches):
            try:
                due = watch.due(line)
            except TemplateError as error:
                log.warning("stream-error: %s; it is not looked for any more", error)
                self._watches.remove(watch)
                continue
            if due:
                self._react(watch.entry, line)

    def _react(self, entry: StreamError, line: str) -> None:
        """A failure is a warning: it must not stop restic, as a signal does."""
        try:
            result = self._shell().run(entry.run, stdin=line.encode())
        except Interrupted:
            raise
        except Error as error:
            log.warning("stream-error `%s`: %s", entry.pattern, error)
            return
        if result.exit_code != 0:
            log.warning("stream-error `%s`: %s", entry.pattern, process.cause(result))
