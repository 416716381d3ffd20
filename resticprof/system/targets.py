"""Log handlers for files and syslog; what they cannot write goes to another handler."""

from __future__ import annotations

import logging
import os
import time
from typing import TYPE_CHECKING

from resticprof.model.run import ANSWER

if TYPE_CHECKING:
    import socket
    from pathlib import Path

NAMES = {5: "TRACE", 10: "DEBUG", 20: "INFO ", 30: "WARN ", 40: "ERROR"}
TIME = "%Y/%m/%d %H:%M:%S"

LOCAL = "/dev/log"
PORT = 514
PATIENCE = 5.0  # seconds for a connection, and for each line
RETRY = 60.0  # seconds without a further attempt, or a dead server would delay restic

_USER = 1 << 3  # the facility
_NOTICE = 5
_SEVERITIES = {logging.ERROR: 3, logging.WARNING: 4, logging.INFO: 6, logging.DEBUG: 7}


def severity(level: int) -> int:
    """The severity of syslog; trace and the output of commands are notices."""
    return _SEVERITIES.get(level, _NOTICE)


def level_of(severity: int) -> int:
    """The level that was logged with this severity."""
    levels = {number: level for level, number in _SEVERITIES.items()}
    return levels.get(severity, min(NAMES))


class Target(logging.Handler):
    """A handler with a fallback for what it cannot write."""

    fallback: logging.Handler | None = None

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Called in `emit`, inside of the handling of the error."""
        if self.fallback:
            self.fallback.handle(record)


class LogFile(Target, logging.FileHandler):
    """Appends `YYYY/MM/DD HH:MM:SS LEVEL message`. Raises `OSError`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", errors="replace")
        self.setFormatter(FileFormatter())


class FileFormatter(logging.Formatter):
    """`YYYY/MM/DD HH:MM:SS LEVEL message`; what a command printed stays as it is."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(short)s %(message)s", TIME)

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        if record.levelno == ANSWER:
            return record.getMessage()
        record.short = NAMES.get(record.levelno, NAMES[logging.INFO])
        return super().format(record)


class Syslog(Target):
    """Writes `resticprof[PID]: message`, one datagram or line for each line of the message.

    Local, or to a server by UDP or TCP (RFC 3164, RFC 6587). `target` is `syslog:`,
    `syslog://host`, `udp://host:port`, `tcp://host:port` or `syslog-tcp://host:port`. Raises
    `OSError` or `ValueError` when that cannot be reached.
    """

    def __init__(self, target: str) -> None:
        from urllib.parse import urlsplit

        super().__init__()
        place = urlsplit(target)
        self._host = f"{os.uname().nodename} " if place.hostname else ""
        self._stream = bool(place.hostname) and place.scheme in {"tcp", "syslog-tcp"}
        self._address = (place.hostname, place.port or PORT) if place.hostname else LOCAL
        self._lost_until = 0.0
        self._socket = self._connected()

    def emit(self, record: logging.LogRecord) -> None:
        """Called for each record."""
        try:
            for line in self.format(record).split("\n"):
                self._send(self._framed(line, record))
        except OSError:
            self.handleError(record)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
        super().close()

    def _framed(self, line: str, record: logging.LogRecord) -> bytes:
        when = time.localtime(record.created)
        stamp = f"{time.strftime('%b', when)} {when.tm_mday:2} {time.strftime('%H:%M:%S', when)}"
        head = f"<{_USER | severity(record.levelno)}>{stamp} {self._host}resticprof[{os.getpid()}]"
        end = "\n" if self._stream else ""
        return f"{head}: {line}{end}".encode(errors="replace")

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except OSError:
            self._socket.close()
            if time.monotonic() < self._lost_until:
                raise
            self._lost_until = time.monotonic() + RETRY
            self._socket = self._connected()  # the server was started again
            self._socket.sendall(data)

    def _connected(self) -> socket.socket:
        import socket

        if isinstance(self._address, str):
            family, kind = socket.AF_UNIX, socket.SOCK_DGRAM
        elif self._stream:
            return socket.create_connection(self._address, PATIENCE)
        else:
            found = socket.getaddrinfo(*self._address, type=socket.SOCK_DGRAM)
            family, kind = found[0][0], socket.SOCK_DGRAM
        connection = socket.socket(family, kind)
        try:
            connection.settimeout(PATIENCE)
            connection.connect(self._address)
        except BaseException:
            connection.close()
            raise
        return connection
