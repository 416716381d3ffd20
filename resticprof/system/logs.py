"""Where our words go: the console, a file, syslog; without secrets, and with a tail for monitors."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterable
from datetime import datetime, timezone
from logging.handlers import SysLogHandler
from pathlib import Path
from urllib.parse import urlsplit

from resticprof.errors import Error
from resticprof.model.run import ANSWER, LogLine
from resticprof.model.types import MASK, Secret
from resticprof.system import files

TRACE = 5
SHORTEST_SECRET = 4  # characters; shorter ones would hide half of the log
TAIL_BYTES = 256 * 1024

LOGGER = logging.getLogger("resticprof")
UNTOLD = ("resticprof.http", "resticprof.monitor")  # what these say is not sent to monitors

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\].*?(?:\x07|\x1b\\)")
_TIME = "%Y/%m/%d %H:%M:%S"
_NAMES = {TRACE: "TRACE", logging.DEBUG: "DEBUG", logging.INFO: "INFO ", logging.WARNING: "WARN ", logging.ERROR: "ERROR"}
_COLOURS = {
    "light": {TRACE: "2", logging.DEBUG: "32", logging.INFO: "36", logging.WARNING: "1;35", logging.ERROR: "1;31"},
    "dark": {TRACE: "2", logging.DEBUG: "92", logging.INFO: "96", logging.WARNING: "1;95", logging.ERROR: "1;91"},
    "none": {logging.WARNING: "1", logging.ERROR: "1"},
}


class Scrubber(logging.Filter):
    """Replaces every known secret in what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self._values: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._guard = threading.Lock()

    def learn(self, secrets: Iterable[Secret | str]) -> None:
        """Hide these values from now on; what is not resolved yet is left alone."""
        with self._guard:
            for secret in secrets:
                if isinstance(secret, Secret) and not secret.resolved:
                    continue
                self._values.update(_parts(secret))
            longest_first = sorted(self._values, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def scrub(self, text: str) -> str:
        """The text without the secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def filter(self, record: logging.LogRecord) -> bool:
        """Called for each record before a handler gets it."""
        if self._pattern is not None:
            record.msg = self.scrub(record.getMessage())
            record.args = ()
            if record.exc_info and not record.exc_text:
                record.exc_text = self.scrub(logging.Formatter().formatException(record.exc_info))
        return True


def _parts(secret: Secret | str) -> set[str]:
    """What is hidden in a secret: all of it, or the parts that its public form masks."""
    if isinstance(secret, str):
        found = {secret}
    elif secret.public == MASK or MASK not in secret.public:
        found = {secret.reveal()} if secret.public != secret.reveal() else set()
    else:
        pattern = "(.+?)".join(map(re.escape, secret.public.split(MASK)))
        match = re.fullmatch(pattern, secret.reveal(), re.DOTALL)
        found = set(match.groups()) if match else {secret.reveal()}
    return {value for value in found if len(value) >= SHORTEST_SECRET}


class Tail(logging.Handler):
    """Keeps the last lines of the log, and of what commands print, for monitors."""

    def __init__(self, limit: int = TAIL_BYTES) -> None:
        super().__init__(TRACE)
        self._limit = limit
        self._lines: deque[LogLine] = deque()
        self._bytes = 0
        self._number = 0
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Called for each record."""
        if not record.name.startswith(UNTOLD):
            self.add(record.levelno, record.getMessage())

    def add(self, level: int, text: str) -> None:
        """Keep a text; each of its lines counts."""
        now = datetime.now(timezone.utc).astimezone()
        with self._guard:
            for line in _ESCAPES.sub("", text).split("\n"):
                self._keep(level, line.rpartition("\r")[2], now)

    def _keep(self, level: int, line: str, now: datetime) -> None:
        self._number += 1
        self._lines.append(LogLine(level, line[-self._limit :], now, self._number))
        self._bytes += len(line) + 1
        while self._bytes > self._limit and len(self._lines) > 1:
            self._bytes -= len(self._lines.popleft().text) + 1

    def lines(self) -> tuple[LogLine, ...]:
        """What is kept, oldest first."""
        with self._guard:
            return tuple(self._lines)

    def clear(self) -> None:
        """Forget what belonged to an earlier run."""
        with self._guard:
            self._lines.clear()
            self._bytes = 0


class ConsoleFormatter(logging.Formatter):
    """`YYYY/MM/DD HH:MM:SS message`, coloured by level on a terminal."""

    def __init__(self, theme: str, *, colours: bool) -> None:
        super().__init__("%(asctime)s %(message)s", _TIME)
        self._colours = _COLOURS.get(theme, _COLOURS["none"]) if colours else {}

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        text = super().format(record)
        code = self._colours.get(record.levelno)
        return f"\x1b[{code}m{text}\x1b[0m" if code else text


class FileFormatter(logging.Formatter):
    """`YYYY/MM/DD HH:MM:SS LEVEL message`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(short)s %(message)s", _TIME)

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        record.short = _NAMES.get(record.levelno, "INFO ")
        return super().format(record)


class Logs:
    """The handlers of this process; `close` takes them away again."""

    def __init__(self, *, level: int, theme: str = "light", ansi: bool = True) -> None:
        self.scrubber = Scrubber()
        self.tail = Tail()
        self.target: logging.Handler | None = None
        colours = ansi and sys.stderr.isatty() and "NO_COLOR" not in os.environ
        self._console = logging.StreamHandler(sys.stderr)
        self._console.setFormatter(ConsoleFormatter(theme, colours=colours))
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
        if target in ("", "-"):
            return
        try:
            handler = _opened(target)
        except (Error, OSError, ValueError) as error:
            LOGGER.error("log `%s` cannot be used: %s", target, error)
            return
        self._attach(handler, self._level)
        self._detach(self._console)
        self.target = handler

    def command_line_output(self, line: str) -> None:
        """A line that a command printed, for the target."""
        if self.target is None:
            return
        text = self.scrubber.scrub(_ESCAPES.sub("", line))
        if isinstance(self.target, SysLogHandler):
            self.target.handle(logging.makeLogRecord({"msg": text, "levelno": ANSWER, "levelname": "NOTICE"}))
        elif isinstance(self.target, logging.StreamHandler):
            self.target.stream.write(text + "\n")

    def close(self) -> None:
        """Flush and take away all handlers."""
        for handler in (self._console, self.tail, self.target):
            if handler is not None:
                self._detach(handler)
        if self.target is not None:
            self.target.close()
        LOGGER.setLevel(self._before[0])
        LOGGER.propagate = self._before[1]

    def _attach(self, handler: logging.Handler, level: int) -> None:
        handler.setLevel(level)
        handler.addFilter(self.scrubber)
        LOGGER.addHandler(handler)

    def _detach(self, handler: logging.Handler) -> None:
        handler.flush()
        LOGGER.removeHandler(handler)


def _opened(target: str) -> logging.Handler:
    """A file, `temp:name`, `syslog:`, `syslog://host`, `udp://host:port`, `tcp://host:port`."""
    scheme, colon, rest = target.partition(":")
    if not colon or len(scheme) < 2 or "/" in scheme:
        return _file(Path(target))
    if scheme == "temp":
        path = files.private_directory() / rest.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        return _file(path)
    if scheme in ("syslog", "udp", "tcp", "syslog-tcp"):
        return _syslog(scheme, target)
    raise Error(f"`{scheme}:` is no kind of log; there are files, temp:, syslog:, udp://, tcp://")


def _file(path: Path) -> logging.Handler:
    handler = logging.FileHandler(path, mode="a", encoding="utf-8", errors="replace")
    handler.setFormatter(FileFormatter())
    return handler


def _syslog(scheme: str, target: str) -> logging.Handler:
    place = urlsplit(target)
    if not place.hostname:
        handler = SysLogHandler(address="/dev/log", facility=SysLogHandler.LOG_USER)
    else:
        stream = scheme in ("tcp", "syslog-tcp")
        handler = SysLogHandler(
            address=(place.hostname, place.port or 514),
            facility=SysLogHandler.LOG_USER,
            socktype=socket.SOCK_STREAM if stream else socket.SOCK_DGRAM,
        )
    handler.ident = f"resticprof[{os.getpid()}]: "
    handler.priority_map = {**handler.priority_map, "NOTICE": "notice", "TRACE": "notice"}
    handler.setFormatter(logging.Formatter("%(message)s"))
    return handler
