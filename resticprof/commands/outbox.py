"""Notifications that could not be delivered: kept on disk, sent later with their original time.

An entry holds the event, not the request: URLs and tokens come from the configuration when it is
sent, so the files hold no secret. They are private all the same, and bounded in number and age.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error
from resticprof.model.run import Event
from resticprof.system import files

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.model.monitor import Monitor

log = logging.getLogger("resticprof.monitor")

MOST = 100  # entries; the oldest go first
OLDEST = 7 * 24 * 3600.0  # seconds


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one service."""

    service: str
    name: str = ""  # of the monitor, when a service has several
    event: Event


def directory() -> Path:
    """Where entries wait."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "resticprof" / "outbox"


def service_of(monitor: Monitor) -> str:
    """The service of a monitor, as its table is called."""
    return type(monitor).__module__.rpartition(".")[2].replace("_", "-")


def keep(monitor: Monitor, event: Event) -> None:
    """Keep an event for later; never fails."""
    safe = msgspec.structs.replace(event, environment={}, facts={})
    entry = Entry(service=service_of(monitor), name=monitor.name, event=safe)
    folder = directory()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{time.time_ns():020d}-{secrets.token_hex(4)}.json"
        files.write_atomically(folder / name, msgspec.json.encode(entry), mode=0o600)
        _trim(folder)
    except (OSError, Error) as error:
        log.warning("%s: the notification could not be kept either: %s", entry.service, error)
        return
    log.warning("%s: the notification is kept and sent at the next run", entry.service)


def flush(send: Callable[[Entry], bool | None]) -> tuple[int, int]:
    """Offer each entry to `send`: True sent, False try later, None nobody wants it any more.

    Of two runs at once one gets an entry: it holds the file's flock(2), which a crash frees.
    Returns how many were sent and how many are left.
    """
    sent = left = 0
    for path in waiting():
        try:
            with path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                outcome = send(msgspec.json.decode(file.read(), type=Entry))
                if outcome is not False:
                    path.unlink(missing_ok=True)
        except (FileNotFoundError, BlockingIOError):
            continue
        except (OSError, msgspec.MsgspecError) as error:
            log.warning("outbox: `%s` cannot be read and is dropped: %s", path.name, error)
            path.unlink(missing_ok=True)
            continue
        sent += outcome is True
        left += outcome is False
    return sent, left


def waiting() -> list[Path]:
    """The entries, oldest first; those that are too old are dropped with a warning."""
    folder = directory()
    if not folder.is_dir():
        return []
    _trim(folder)
    return sorted(folder.glob("*.json"))


def _trim(folder: Path) -> None:
    entries = sorted(folder.glob("*.json"))
    limit = time.time_ns() - int(OLDEST * 1e9)
    expired = [path for path in entries if int(path.name.partition("-")[0]) < limit]
    surplus = [path for path in entries if path not in expired][:-MOST]
    for path in (*expired, *surplus):
        log.warning("outbox: a notification of %s is dropped", _when(path))
        path.unlink(missing_ok=True)


def _when(path: Path) -> str:
    seconds = int(path.name.partition("-")[0]) / 1e9
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def delayed(event: Event) -> Event:
    """The event marked with its original time."""
    ended = event.report.ended or event.report.started
    when = ended.strftime("%Y-%m-%d %H:%M:%S %z")
    return msgspec.structs.replace(event, mark=f"[delayed, {when}] ")
