"""The lock file of a profile: one run at a time, together with the reference tool.

The text is the reference's: who holds it, then process ids, one a line. The last one counts there,
so ours is repeated after each child. The file is also held by flock(2), which the kernel ends with
our life: a file of ours without it is left over from a crash. It is taken over as soon as none of
its processes runs any more. A file of the reference is held as long as it exists, unless its
processes are gone and `force-inactive-lock` is set.
"""

from __future__ import annotations

import contextlib
import errno
import getpass
import logging
import os
import re
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error, LockedError
from resticprof.model.types import Duration
from resticprof.system import turns
from resticprof.system.signals import Signals

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("resticprof")

MARK = " (resticprof)"  # at the end of the first line; the reference shows it and no more
LONGEST_PAUSE = 1.0  # seconds between two attempts
REPEAT = 300.0  # seconds until a waiting run says so again
YOUNG = 60.0  # seconds; a file may be empty because its process is about to write it

_FIRST_LINE = re.compile(r"(?P<user>.+) on (?P<since>.+) from (?P<host>\S+)")


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """What a lock file says about the run that it belongs to."""

    text: str  # the first line, without our mark
    ours: bool = False  # written by resticprof
    pids: tuple[int, ...] = ()
    written: float = 0.0  # time of the last change

    @property
    def since(self) -> str:
        """When the run began, as it is written there."""
        match = _FIRST_LINE.fullmatch(self.text)
        return match["since"] if match else ""

    @property
    def host(self) -> str:
        """The machine of the run."""
        match = _FIRST_LINE.fullmatch(self.text)
        return match["host"] if match else ""

    def __str__(self) -> str:
        match = _FIRST_LINE.fullmatch(self.text)
        if not match:
            return self.text or "an unknown process"
        process = f" (process {self.pids[0]})" if self.ours and self.pids else ""
        return f"{match['user']} on {match['host']}{process} since {match['since']}"


def first_line(user: str, host: str, now: datetime) -> str:
    """Who holds the lock, in the reference's words."""
    return f"{user} on {now:%A, %d-%b-%y %H:%M:%S %Z} from {host}{MARK}"


def read(text: str, written: float = 0.0) -> Holder:
    """Understand the text of a lock file."""
    first, *rest = text.split("\n")
    pids = tuple(int(line) for line in rest if line.strip().isascii() and line.strip().isdigit())
    return Holder(
        text=first.removesuffix(MARK), ours=first.endswith(MARK), pids=pids, written=written
    )


class Lock:
    """A lock that is ours until `release`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def add_child(self, pid: int) -> None:
        """Note a process that works under this lock."""
        try:
            os.write(self._descriptor, f"\n{pid}\n{os.getpid()}".encode())
        except OSError as error:
            log.debug("cannot note process %d in `%s`: %s", pid, self.path, error.strerror)

    def release(self) -> None:
        """Remove the file, if it is still the one that we made.

        One that cannot be removed is free as soon as we have ended.
        """
        try:
            if _is_at(self._descriptor, self.path):
                self.path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("cannot remove the lock file `%s`: %s", self.path, error.strerror)
        os.close(self._descriptor)


@contextlib.contextmanager
def hold(
    path: str | Path, *, wait: float = 0.0, force: bool = False, signals: Signals | None = None
) -> Iterator[Lock]:
    """Hold a lock file for a while. Raises `LockedError` when it is not free in time.

    A file that cannot be made or read is an `Error`: nothing ever runs unlocked by accident.
    """
    lock = _acquire(Path(path).absolute(), wait, force=force, signals=signals or Signals.active())
    try:
        yield lock
    finally:
        lock.release()


def _acquire(path: Path, wait: float, *, force: bool, signals: Signals) -> Lock:
    begin = time.monotonic()
    pause = 0.02
    told, told_at = "", begin
    try:
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        while not isinstance(found := _attempt(path, force=force), Lock):
            now = time.monotonic()
            left = begin + wait - now
            if left <= 0:
                raise _locked(path, found, wait)
            if str(found) != told or now - told_at >= REPEAT:
                told, told_at = str(found), now
                log.info("waiting up to %s for the lock of %s", Duration(round(left)), found)
            signals.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno == errno.ELOOP:
            reason = "it is a symbolic link"
        raise Error(f"cannot use the lock file `{path}`: {reason}") from error
    return found


def _locked(path: Path, holder: Holder, wait: float) -> LockedError:
    text = f"another run of this profile holds `{path}`: {holder}"
    if wait > 0:
        text += f"; gave up after {Duration(wait)}"
    if not holder.ours and holder.pids and not _exists(holder.pids[-1]):
        text += "; its process is gone, `force-inactive-lock = true` takes such a lock over"
    elif not holder.ours and not holder.pids:
        text += "; remove the file if that run has crashed"
    return LockedError(text, holder=holder.text, since=holder.since)


def _attempt(path: Path, *, force: bool) -> Lock | Holder:
    """Take the lock, or say who has it."""
    while True:
        with contextlib.suppress(FileExistsError):
            return _created(path) or Holder(text="")
        with contextlib.suppress(FileNotFoundError):  # it was released meanwhile
            holder = _inspected(path, force=force)
            if holder:
                return holder


def _created(path: Path) -> Lock | None:
    """A new lock file; None when someone was faster to lock what we made."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    lock = Lock(path, descriptor)
    attempts = 100
    while not turns.taken(descriptor):  # others look into the file for an instant
        attempts -= 1
        if not attempts:
            os.close(descriptor)
            return None
        time.sleep(0.01)
    if not _is_at(descriptor, path):
        os.close(descriptor)
        return None
    try:
        line = first_line(_user(), os.uname().nodename, datetime.now(timezone.utc).astimezone())
        os.write(descriptor, f"{line}\n{os.getpid()}".encode())
    except BaseException:
        lock.release()
        raise
    return lock


def _inspected(path: Path, *, force: bool) -> Holder | None:
    """Who holds the file; None when nobody did, and it is removed now."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK  # neither a link nor a pipe may lead us astray
    try:
        descriptor = os.open(path, os.O_RDWR | flags)
    except PermissionError:
        descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        free = turns.taken(descriptor)
        text = os.pread(descriptor, 64 * 1024, 0).decode(errors="replace")
        holder = read(text, os.fstat(descriptor).st_mtime)
        if not (free and _abandoned(holder, force=force)):
            return holder
        if _is_at(descriptor, path):
            log.warning("taking over the lock file `%s`, left behind by %s", path, holder)
            path.unlink()
        return None
    finally:
        os.close(descriptor)


def _abandoned(holder: Holder, *, force: bool) -> bool:
    """Whether nobody works under the lock any more, given that no process has it flocked."""
    if holder.ours:
        # We repeat our own id after each child; what ran last may have outlived us.
        last = holder.pids[-2:] if holder.host == os.uname().nodename else ()
        return not any(_exists(pid) and _began_before(pid, holder.written) for pid in last)
    if not holder.text:
        return time.time() - holder.written > YOUNG
    return force and bool(holder.pids) and not _exists(holder.pids[-1])


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether the open file is (still) the one at this path."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _exists(pid: int) -> bool:
    """Whether a process runs; one that only waits for its parent to take notice does not."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    state = _status(pid)
    return pid > 0 and not (state and state[0] in "ZX")


def _began_before(pid: int, moment: float) -> bool:
    """Whether a process is old enough to be meant, or has only got the same number later."""
    status = _status(pid)
    boot = re.search(r"^btime (\d+)$", Path("/proc/stat").read_text(), re.MULTILINE)
    if not (status and boot):
        return True
    return int(boot[1]) + int(status[19]) / os.sysconf("SC_CLK_TCK") <= moment + 2


def _status(pid: int) -> list[str]:
    """The fields behind the name, from the state on (proc(5)); nothing if it cannot be read."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # neither a variable nor an entry in the password database
        return str(os.getuid())
