"""Where our words go: console or target, and the tail for monitors; never with a secret."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import threading
from collections import deque
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.errors import Error
from resticprof.model import masking
from resticprof.model.run import ANSWER, LogLine
from resticprof.model.types import MASK, Secret
from resticprof.system import directories
from resticprof.system.streams import without_control
from resticprof.system.targets import NAMES, TIME, LogFile, Syslog, Target, level_of, severity

if TYPE_CHECKING:
    from collections.abc import Iterable

TRACE = 5
LEVELS = {0: logging.INFO, 1: logging.DEBUG, 2: logging.DEBUG, 3: TRACE}
"""What each `verbose` shows."""
SHORTEST_SECRET = 4  # characters; shorter ones would hide half of the log
TAIL_BYTES = 256 * 1024

LOGGER = logging.getLogger("resticprof")
OUTCOME = "resticprof.outcome"  # says the last line of a run
UNTOLD = ("resticprof.http", "resticprof.monitor", OUTCOME)  # monitors do not get their lines

_THEMES = {  # trace, debug, info, warning, error
    "light": ("2", "32", "36", "1;35", "1;31"),
    "dark": ("2", "92", "96", "1;95", "1;91"),
    "none": ("", "", "", "1", "1"),
}


class Scrubber(logging.Filter):
    """Replaces every known secret in what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self._values: set[str] = set()
        self._pending: list[Secret] = []
        self._pattern: re.Pattern[str] | None = None
        self._guard = threading.Lock()

    def learn(self, secrets: Iterable[Secret | str] = ()) -> None:
        """Hide these values from now on; one that is not known yet, as soon as it is."""
        with self._guard:
            told = [*self._pending, *secrets]
            self._pending = [
                secret for secret in told if isinstance(secret, Secret) and not secret.resolved
            ]
            for secret in told:
                if isinstance(secret, str) or secret.resolved:
                    self._values |= _parts(secret)
            longest_first = sorted(self._values, key=len, reverse=True)
            if longest_first:
                self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def scrub(self, text: str) -> str:
        """The text without the secrets, and without what looks like one."""
        return masking.mask_words(self.hide(text))

    def hide(self, text: str) -> str:
        """The text without the secrets that are known."""
        if any(secret.resolved for secret in self._pending):
            self.learn()
        return self._pattern.sub(MASK, text) if self._pattern else text

    def filter(self, record: logging.LogRecord) -> bool:
        """Called for each record before a handler gets it."""
        record.msg = self.scrub(record.getMessage())
        record.args = ()
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = self.scrub(record.exc_text)
        return True


def _parts(secret: Secret | str) -> set[str]:
    """What is hidden in a secret: all of it, or the parts that its public form masks; by line."""
    if isinstance(secret, str):
        found = [secret]
    elif secret.public == secret.reveal():
        found = []
    else:
        found = [secret.reveal()]
        if secret.public != MASK and MASK in secret.public and not masking.is_address(secret):
            found = masking.masked_parts(secret)
        found += masking.hidden_words(secret)
    lines = [line.strip() for value in found for line in value.splitlines()]
    return {value for value in (*found, *lines) if len(value) >= SHORTEST_SECRET}


class Tail(logging.Handler):
    """Keeps the last lines of the log, and of what commands print, for monitors."""

    def __init__(self, limit: int = TAIL_BYTES) -> None:
        super().__init__(TRACE)
        self._limit = limit
        self._lines: deque[tuple[int, LogLine]] = deque()  # with their sizes
        self._bytes = 0
        self._number = 0
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Called for each record."""
        if not record.name.startswith(UNTOLD):
            self.add(record.levelno, record.getMessage())

    def add(self, level: int, text: str) -> None:
        """Keep a text; each of its lines counts. What a `\\r` wrote over is left out."""
        now = datetime.now(timezone.utc).astimezone()
        with self._guard:
            for line in without_control(text).split("\n"):
                self._keep(level, line.rstrip("\r").rpartition("\r")[2], now)

    def _keep(self, level: int, text: str, now: datetime) -> None:
        data = text.encode(errors="replace")
        if len(data) >= self._limit:
            data = data[-self._limit + 1 :]
            text = data.decode(errors="ignore")
        self._number += 1
        self._lines.append((len(data) + 1, LogLine(level, text, now, self._number)))
        self._bytes += len(data) + 1
        while self._bytes > self._limit:
            size, _ = self._lines.popleft()
            self._bytes -= size

    def lines(self) -> tuple[LogLine, ...]:
        """What is kept, oldest first."""
        with self._guard:
            return tuple(line for _, line in self._lines)

    def clear(self) -> None:
        """Forget what belonged to an earlier run."""
        with self._guard:
            self._lines.clear()
            self._bytes = 0
            self._number = 0


class ConsoleFormatter(logging.Formatter):
    """`YYYY/MM/DD HH:MM:SS message`, coloured by level on a terminal."""

    def __init__(self, theme: str, *, colours: bool) -> None:
        super().__init__("%(asctime)s %(message)s", TIME)
        codes = _THEMES.get(theme, _THEMES["none"])
        self._codes = dict(zip(NAMES, codes, strict=True)) if colours else {}

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        text = super().format(record)
        code = self._codes.get(record.levelno)
        return f"\x1b[{code}m{text}\x1b[0m" if code else text


class JournalFormatter(logging.Formatter):
    """The message with its priority, as sd-daemon(3) says; the journal knows the time itself."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines."""
        mark = f"<{severity(record.levelno)}>"
        return "\n".join(mark + line for line in super().format(record).split("\n"))


def unmarked(line: str) -> tuple[int | None, str]:
    """A line with a priority as its level and its message; None: the line has none."""
    found = re.match(r"<(\d)>", line)
    return (level_of(int(found[1])), line[3:]) if found else (None, line)


class Logs:
    """The handlers of this process; `close` takes them away again.

    `marked` is for a process whose words go through another one of ours.
    """

    def __init__(
        self, *, level: int, theme: str = "light", ansi: bool = True, marked: bool = False
    ) -> None:
        self.scrubber = Scrubber()
        self.tail = Tail()
        self.target: Target | None = None
        self._console = logging.StreamHandler(sys.stderr)
        self._console.setFormatter(
            JournalFormatter() if marked else _console_formatter(theme, ansi=ansi)
        )
        self._level = level
        self._before = (LOGGER.level, LOGGER.propagate)
        LOGGER.setLevel(TRACE)
        LOGGER.propagate = False
        self._attach(self._console, level)
        self._attach(self.tail, logging.DEBUG)

    @property
    def level(self) -> int:
        """What the console and the target show."""
        return self._level

    def set_level(self, level: int) -> None:
        """Show more, or less."""
        self._level = level
        for handler in (self._console, self.target):
            if handler is not None:
                handler.setLevel(level)

    def send_to(self, target: str) -> None:
        """Write to `--log` instead of the console; when it cannot be opened, the console stays."""
        if target in {"", "-"}:
            return
        try:
            handler = _opened(target)
        except (Error, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            LOGGER.error("cannot log to `%s`: %s", target, reason)
            return
        handler.fallback = self._console
        self._attach(handler, self._level)
        LOGGER.removeHandler(self._console)
        self.target = handler

    def command_line_output(self, line: str) -> None:
        """A line that a command printed, for the target."""
        if self.target is not None:
            record = {"name": LOGGER.name, "levelno": ANSWER, "msg": without_control(line)}
            self.target.handle(logging.makeLogRecord(record))

    def relay(self, level: int, text: str) -> None:
        """Show what another process of ours has logged, whose own level has let it pass."""
        record = {"name": LOGGER.name, "levelno": level, "msg": text}
        for handler in (self.target or self._console, self.tail):
            handler.handle(logging.makeLogRecord(record))

    def close(self) -> None:
        """Take away all handlers."""
        for handler in (self._console, self.tail, self.target):
            if handler is not None:
                LOGGER.removeHandler(handler)
        if self.target is not None:
            with contextlib.suppress(OSError):  # the disk is full; that was told already
                self.target.close()
        LOGGER.setLevel(self._before[0])
        LOGGER.propagate = self._before[1]

    def _attach(self, handler: logging.Handler, level: int) -> None:
        handler.setLevel(level)
        handler.addFilter(self.scrubber)
        LOGGER.addHandler(handler)


def _console_formatter(theme: str, *, ansi: bool) -> logging.Formatter:
    with contextlib.suppress(OSError, ValueError):
        status = os.fstat(sys.stderr.fileno())
        if os.environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}":
            return JournalFormatter()
    colours = ansi and sys.stderr.isatty() and "NO_COLOR" not in os.environ
    return ConsoleFormatter(theme, colours=colours)


def _opened(target: str) -> Target:
    """A file, `temp:name`, `syslog:`, `syslog://host`, `udp://host:port`, `tcp://host:port`."""
    scheme, colon, rest = target.partition(":")
    if not colon or len(scheme) < 2 or "/" in scheme:
        return LogFile(Path(target))
    if scheme == "temp":
        path = directories.private() / rest.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return LogFile(path)
    if scheme in {"syslog", "udp", "tcp", "syslog-tcp"}:
        return Syslog(target)
    raise Error(f"`{scheme}:` is no kind of log; there are files, temp:, syslog:, udp://, tcp://")
