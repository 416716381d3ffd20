"""Files: written whole or not at all; questions about them never fail."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.errors import Error

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    with contextlib.suppress(OSError), opened(target.parent, os.O_RDONLY) as directory:
        os.fsync(directory)  # the new name survives a power failure; not every file system can


@contextlib.contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    """The descriptor of an open file; one that is created is for this user only."""
    descriptor = os.open(path, flags, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


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
