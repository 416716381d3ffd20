"""Directories of this user and this process: home, current, cache, temporary, private."""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import functools
import os
import stat
import time
from pathlib import Path

from resticprof.errors import Error
from resticprof.system import files

PRIVATE = "resticprof-private-"


def with_home(path: str) -> str:
    """`~` and `~user` at the start as the home directory; nobody's stays as it is."""
    try:
        return os.path.expanduser(path)
    except ValueError:  # a character that no name has
        return path


def home() -> Path | None:
    """The home directory; None for an account that has none."""
    found = os.path.expanduser("~")  # unlike this, `Path.home` fails without one
    return Path(found) if os.path.isabs(found) else None


def current() -> Path:
    """Where we are, under the name that the shell knows, as programs in Go see it (`$PWD`).

    Raises `Error` when somebody has removed it.
    """
    named = os.environ.get("PWD", "")
    with contextlib.suppress(OSError):
        if os.path.isabs(named) and Path(named).samefile("."):
            return Path(named)
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise Error("the current directory does not exist any more; go to another one") from error


def cache() -> Path:
    """Where we keep what can be found out again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "resticprof"


@functools.cache
def private() -> Path:
    """A directory that only this user can enter: one for each process, removed at its end.

    It stays locked while the process lives, so that the next one can tell and remove what a
    killed process left behind.
    """
    import shutil
    import tempfile

    path = Path(tempfile.mkdtemp(prefix=PRIVATE, dir=temporary()))
    fcntl.flock(os.open(path, os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_SH)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    _sweep(path.parent)
    return path


def temporary() -> str:
    """Where the system, or else this user, keeps temporary files."""
    import tempfile

    try:
        return tempfile.gettempdir()
    except OSError:
        ours = cache()
        try:
            ours.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            text = f"no directory for temporary files, and cannot create `{ours}`"
            raise Error(f"{text}: {error.strerror}") from error
        return str(ours)


def _sweep(parent: Path) -> None:
    """Remove private directories of ours whose process is gone."""
    import shutil

    for path in parent.glob(f"{PRIVATE}????????"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            fresh = time.time() - status.st_mtime < 60  # its process may be about to lock it
            ours = status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) == 0o700
            if ours and not fresh and stat.S_ISDIR(status.st_mode):
                with files.opened(path, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path)
