"""`stream-error`: run a shell line when a line of restic's stderr matches."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from resticprof.errors import ConfigError, Problem
from resticprof.system import process

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.commands.hooks import Shell
    from resticprof.model.config import StreamError

log = logging.getLogger("resticprof")


class _Watch:
    """One entry, counting for one restic process."""

    def __init__(self, entry: StreamError) -> None:
        self.entry = entry
        self.runs = 0
        self.matches = 0
        try:
            self.pattern = re.compile(entry.pattern)
        except re.error as error:
            text = f"`{entry.pattern}` is not a regular expression: {error}"
            raise ConfigError(Problem(text, key="stream-error")) from error

    def due(self, line: str) -> bool:
        """Whether this line makes the entry run."""
        if self.entry.max_runs and self.runs >= self.entry.max_runs:
            return False
        if not self.pattern.search(line):
            return False
        self.matches += 1
        if self.matches < self.entry.min_matches:
            return False
        self.matches = 0
        self.runs += 1
        return True


class StreamErrors:
    """All entries of a profile."""

    def __init__(self, entries: tuple[StreamError, ...], shell: Callable[[], Shell]) -> None:
        self._watches = [_Watch(entry) for entry in entries]
        self._shell = shell

    def feed(self, line: str) -> None:
        """Look at a line of stderr, without its end; what runs reads it on its standard input."""
        for watch in self._watches:
            if watch.due(line):
                result = self._shell().run(watch.entry.run, stdin=line.encode())
                if result.exit_code != 0:
                    log.warning("stream-error `%s`: %s", watch.entry.pattern, process.cause(result))
