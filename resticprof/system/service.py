"""What systemd learns about a run that it started: ready, busy with what, alive (sd_notify(3))."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from typing import TYPE_CHECKING, NamedTuple

from resticprof.model.types import Duration
from resticprof.system import processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger("resticprof")

PATIENCE = 1.0  # seconds for a systemd that does not listen; a backup must not wait for it
LOOKS = 10  # in the time of the watchdog
IDLE = "systemd-inhibit"  # keeps the machine awake; it and its child never do anything
ENOUGH_READ = 4096  # bytes; a restic that hangs reads one byte now and then
ENOUGH_TIME = 0.005  # of one processor; a restic that hangs uses a tenth of it to show its progress


def notify(*lines: str) -> None:
    """Tell systemd about our state; nothing happens outside of a service."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    import socket

    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(PATIENCE)
            channel.sendto("\n".join(lines).encode(), address)
    except OSError as error:
        log.debug("systemd cannot be told `%s`: %s", lines[0], error.strerror or error)


def status(text: str) -> None:
    """What `systemctl status` shows: the stage of a run, or how it ended. No place for secrets."""
    notify(f"STATUS={' '.join(text.split())}")


def wait_for_end(seconds: float) -> None:
    """Ask systemd, which stops us, for time before it kills what we have started."""
    notify(f"EXTEND_TIMEOUT_USEC={round(seconds * 1_000_000)}")


@contextlib.contextmanager
def running() -> Iterator[None]:
    """We are ready at once, so that no early end looks like a service that never came up."""
    notify("READY=1")
    ended = threading.Event()
    if limit := watchdog():
        threading.Thread(target=_watch, args=(limit, ended), name="watchdog", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        notify("STOPPING=1")


# ---- watchdog -------------------------------------------------------------------------------


def watchdog() -> float | None:
    """Seconds after which systemd wants to have heard from us; None: it does not watch us."""
    wanted, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not wanted.isdecimal() or (pid and pid != str(os.getpid())):
        return None
    return int(wanted) / 1_000_000


class Use(NamedTuple):
    """What a process has used so far."""

    ticks: int
    read: int


def _watch(limit: float, ended: threading.Event) -> None:
    """Tell systemd that we are alive for as long as something moves, and not a moment longer."""
    pause = limit / LOOKS
    before, quiet = descendants(), 0
    while not ended.wait(pause):
        now = descendants()
        quiet = 0 if moved(before, now, pause) else quiet + 1
        before = now
        if not quiet:
            notify("WATCHDOG=1")
        elif quiet == LOOKS - 2:
            length = Duration(round(quiet * pause, 1))
            log.error("nothing has moved for %s; systemd is about to end this run", length)


def descendants() -> dict[int, Use]:
    """What we have started, and what that has started."""
    table = processes.running()
    children: dict[int, list[int]] = {}
    for pid, row in table.items():
        if row.name != IDLE:
            children.setdefault(row.parent, []).append(pid)
    found, waiting = {}, [os.getpid()]
    while waiting:
        for pid in children.get(waiting.pop(), ()):
            found[pid] = Use(table[pid].ticks, processes.bytes_read(pid))
            waiting.append(pid)
    return found


def moved(before: Mapping[int, Use], now: Mapping[int, Use], seconds: float) -> bool:
    """Whether something was done between two looks: started, ended, read or computed.

    While nothing runs, we wait for a lock or an answer ourselves, and that has a limit of its own.
    """
    if not now or before.keys() != now.keys():
        return True
    read = sum(now[pid].read - before[pid].read for pid in now)
    ticks = sum(now[pid].ticks - before[pid].ticks for pid in now)
    return read >= ENOUGH_READ or ticks / os.sysconf("SC_CLK_TCK") >= seconds * ENOUGH_TIME
