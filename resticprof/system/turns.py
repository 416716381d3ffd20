"""Take turns with other processes, at a file or at anything that has a name."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.errors import Error
from resticprof.system import directories, files

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("resticprof")

PATIENCE = 60.0  # seconds; what `exclusive` protects takes milliseconds


@contextlib.contextmanager
def exclusive(path: str | Path) -> Iterator[None]:
    """Keep others who ask for the same out while a file is read, changed and written. Never nest.

    The directory is what gets locked: it stays when the file is replaced, and nothing is left
    behind. File systems that lock no directories (NFS) get a hidden file next to `path`.
    """
    target = Path(os.path.realpath(path))
    directory = (target.parent, os.O_RDONLY | os.O_DIRECTORY)
    hidden_file = (target.with_name(f".{target.name}.lock"), os.O_RDWR | os.O_CREAT)
    with contextlib.ExitStack() as stack:
        try:
            try:
                _lock(stack.enter_context(files.opened(*directory)), path)
            except OSError as error:
                if error.errno not in {errno.EBADF, errno.EACCES, errno.ENOTSUP, errno.ENOLCK}:
                    raise
                _lock(stack.enter_context(files.opened(*hidden_file)), path)
        except OSError as error:
            raise Error(f"cannot lock `{path}`: {error.strerror}") from error
        yield


@contextlib.contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Keep other processes of this user out that ask for the same name; nobody waits for ever.

    Where that cannot be had, the log says so, and the caller goes on without.
    """
    import hashlib

    number = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16]
    with contextlib.ExitStack() as stack:
        try:
            path = directories.cache() / f"one-at-a-time-{number}"
            if not path.is_absolute():
                raise Error("there is no home directory")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _lock(stack.enter_context(files.opened(path, os.O_RDWR | os.O_CREAT)), path)
        except (OSError, Error) as error:
            log.info("nothing keeps other runs from doing the same now: %s", error)
        yield


def _lock(descriptor: int, path: str | Path) -> None:
    deadline = time.monotonic() + PATIENCE
    pause = 0.001
    while not taken(descriptor):
        if time.monotonic() > deadline:
            raise Error(f"another process keeps `{path}` locked for more than {PATIENCE:.0f} s")
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def taken(descriptor: int) -> bool:
    """Whether the open file is locked for us now; the lock ends with the descriptor."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
