"""Files: written whole or not at all, found, and private to this process."""

from __future__ import annotations

import atexit
import contextlib
import errno
import fcntl
import functools
import logging
import os
import re
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("resticprof")

PATIENCE = 60.0  # seconds; what `exclusive` protects takes milliseconds
PRIVATE = "resticprof-private-"

_NOT_REPLACED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY}
"""The directory is not ours, or the file is a mount by itself, as containers have them."""


def write_atomically(path: str | Path, data: str | bytes, *, mode: int = 0o644) -> None:
    """Replace a file in one step: readers see the old content or the new one, whatever happens.

    A symbolic link keeps pointing to the file it names. The umask takes bits from `mode`. A file
    that cannot be replaced, but be written, is written over; one for our eyes only never is.
    """
    content = data.encode() if isinstance(data, str) else data
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(content)  # a device or a pipe must not become a regular file
        else:
            _replace_or_write_over(target, content, mode)
    except OSError as error:
        raise Error(f"cannot write `{path}`: {error.strerror or error}") from error


def _replace_or_write_over(target: Path, content: bytes, mode: int) -> None:
    try:
        _replace(target, content, mode)
    except OSError as error:
        public = mode & (stat.S_IRGRP | stat.S_IROTH)
        if not (public and error.errno in _NOT_REPLACED and target.exists()):
            raise
        with target.open("r+b") as file:
            file.write(content)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())


def _replace(target: Path, content: bytes, mode: int) -> None:
    part = target.with_name(f".resticprof-{os.urandom(6).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    descriptor = os.open(part, flags, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    with contextlib.suppress(OSError), _opened(target.parent, os.O_RDONLY) as directory:
        os.fsync(directory)  # the new name survives a power failure; not every file system can


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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
                _lock(stack.enter_context(_opened(*directory)), path)
            except OSError as error:
                if error.errno not in {errno.EBADF, errno.EACCES, errno.ENOTSUP, errno.ENOLCK}:
                    raise
                _lock(stack.enter_context(_opened(*hidden_file)), path)
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
            path = cache_directory() / f"one-at-a-time-{number}"
            if not path.is_absolute():
                raise Error("there is no home directory")
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _lock(stack.enter_context(_opened(path, os.O_RDWR | os.O_CREAT)), path)
        except (OSError, Error) as error:
            log.info("nothing keeps other runs from doing the same now: %s", error)
        yield


def cache_directory() -> Path:
    """Where we keep what can be found out again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "resticprof"


def _lock(descriptor: int, path: str | Path) -> None:
    deadline = time.monotonic() + PATIENCE
    pause = 0.001
    while not _locked(descriptor):
        if time.monotonic() > deadline:
            raise Error(f"another process keeps `{path}` locked for more than {PATIENCE:.0f} s")
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def search(*places: str | Path) -> Path | None:
    """The first of the places that is a file."""
    return next((Path(place) for place in places if Path(place).is_file()), None)


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


def current_directory() -> Path:
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


def exists(path: str | Path) -> bool:
    """Whether there is something of this name; of a text that can be no name, there is nothing."""
    return os.path.exists(path)  # noqa: PTH110 - unlike this, `Path.exists` fails for some texts


def is_file(path: str | Path) -> bool:
    """The same for files."""
    return os.path.isfile(path)  # noqa: PTH113 - as above


def is_directory(path: str | Path) -> bool:
    """The same for directories."""
    return os.path.isdir(path)  # noqa: PTH112 - as above


def is_closed(directory: str | Path) -> bool:
    """Whether there is such a directory, but this account cannot look into it."""
    return is_directory(directory) and not os.access(directory, os.R_OK | os.X_OK)


def world_readable(path: str | Path) -> bool:
    """Whether any user of this machine may read the file; `False` when it is not there."""
    try:
        return bool(Path(path).stat().st_mode & stat.S_IROTH)
    except (OSError, ValueError):  # a path of strange characters
        return False


@functools.cache
def private_directory() -> Path:
    """A directory that only this user can enter: one for each process, removed at its end.

    It stays locked while the process lives, so that the next one can tell and remove what a
    killed process left behind.
    """
    import shutil
    import tempfile

    path = Path(tempfile.mkdtemp(prefix=PRIVATE, dir=temporary_directory()))
    fcntl.flock(os.open(path, os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_SH)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    _sweep(path.parent)
    return path


def temporary_directory() -> str:
    """Where the system, or else this user, keeps temporary files."""
    import tempfile

    try:
        return tempfile.gettempdir()
    except OSError:
        cache = cache_directory()
        try:
            cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            text = f"no directory for temporary files, and cannot create `{cache}`"
            raise Error(f"{text}: {error.strerror}") from error
        return str(cache)


def _sweep(parent: Path) -> None:
    """Remove private directories of ours whose process is gone."""
    import shutil

    for path in parent.glob(f"{PRIVATE}????????"):
        with contextlib.suppress(OSError):
            status = path.lstat()
            fresh = time.time() - status.st_mtime < 60  # its process may be about to lock it
            ours = status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) == 0o700
            if ours and not fresh and stat.S_ISDIR(status.st_mode):
                with _opened(path, os.O_RDONLY | os.O_DIRECTORY) as descriptor:
                    if _locked(descriptor):
                        shutil.rmtree(path)


def glob_sources(pattern: str, *, root: str = "") -> tuple[str, ...]:
    """The paths that a pattern stands for, sorted; a path without `*`, `?` and `[` stays as it is.

    The rules are those of Go's filepath.Glob: no `**` and no braces, `*` matches hidden files, and
    a directory that cannot be read matches nothing. A relative pattern is looked up in `root`, and
    gives relative paths.
    """
    if not any(character in pattern for character in "*?["):
        return (pattern,)
    for part in pattern.split("/"):
        _expression(part, pattern)
    return tuple(_glob(pattern, root))


def _glob(pattern: str, root: str) -> list[str]:
    directory, _, name = pattern.rpartition("/")
    if pattern.startswith("/") and not directory.strip("/"):
        directory = "/"
    magic = any(character in directory for character in "*?[\\")
    directories = _glob(directory, root) if magic else [directory]
    expression = re.compile(_expression(name, pattern), re.DOTALL)
    found = []
    for place in directories:
        try:
            names = sorted(path.name for path in Path(root, place).iterdir())
        except OSError:
            continue
        found += [_join(place, name) for name in names if expression.fullmatch(name)]
    return found


def _join(directory: str, name: str) -> str:
    return os.path.normpath(os.path.join(directory, name))


def _expression(part: str, pattern: str) -> str:
    """One component of a pattern as a regular expression, by the rules of Go's filepath.Match."""
    expression, rest = "", part
    while rest:
        character, rest = rest[0], rest[1:]
        if character == "*":
            expression += ".*"
        elif character == "?":
            expression += "."
        elif character == "[":
            text, rest = _class(rest, pattern)
            expression += text
        else:
            if character == "\\":
                character, rest = _character(character + rest, pattern)
            expression += re.escape(character)
    return expression


def _class(rest: str, pattern: str) -> tuple[str, str]:
    """Read behind `[`; gives the expression, and what follows `]`."""
    negated = rest.startswith("^")
    rest = rest.removeprefix("^")
    ranges = ""
    first = True
    while first or not rest.startswith("]"):
        first = False
        low, rest = _character(rest, pattern)
        high = low
        if rest.startswith("-"):
            high, rest = _character(rest[1:], pattern)
        if low <= high:
            ranges += f"{re.escape(low)}-{re.escape(high)}"
    if not ranges:
        return ("." if negated else "(?!)"), rest[1:]
    return f"[{'^' if negated else ''}{ranges}]", rest[1:]


def _character(rest: str, pattern: str) -> tuple[str, str]:
    """One character of a pattern, which `\\` may protect."""
    escaped = rest.startswith("\\")
    rest = rest.removeprefix("\\")
    if not rest or (not escaped and rest[0] in "-]"):
        raise Error(f"`{pattern}` is not a pattern: a `[` without its `]`, or a lone `\\`")
    return rest[0], rest[1:]
