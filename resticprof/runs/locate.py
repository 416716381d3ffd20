"""Find restic and ask for its version, once for each binary."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error, ResticNotFound
from resticprof.model import expansion
from resticprof.model.run import Command
from resticprof.restic.versions import Version
from resticprof.system import directories, files, process

if TYPE_CHECKING:
    from resticprof.model.config import Global

log = logging.getLogger("resticprof")

PLACES = (
    "/usr/bin/restic",
    "/usr/local/bin/restic",
    "/opt/local/bin/restic",
    "~/.local/bin/restic",
    "~/bin/restic",
)


class Restic(msgspec.Struct, frozen=True):
    """The restic that runs; an unknown version is None and means the newest."""

    path: str
    version: Version | None

    @property
    def genuine(self) -> bool:
        """Whether it is called restic; wrappers with other names get every flag."""
        return Path(self.path).stem.lower() == "restic"


def locate(global_: Global, folder: str = "") -> Restic:
    """restic by `restic-binary`, PATH, or the usual places. Raises `ResticNotFound`.

    A relative `restic-binary` belongs to the folder, by default the current one.
    """
    path = _binary(global_.restic_binary, folder)
    if not global_.restic_version:
        return Restic(path, _version(path))
    version = Version.parse(global_.restic_version)
    if version is None:
        log.warning("restic-version `%s` is not a version", global_.restic_version)
    return Restic(path, version or _version(path))


def _binary(configured: str, folder: str) -> str:
    if configured:
        if found := program(configured, folder):
            return found
        log.warning("restic-binary `%s` is not a program; looking elsewhere", configured)
    for place in (program("restic"), *map(os.path.expanduser, PLACES)):
        if place and os.access(place, os.X_OK) and Path(place).is_file():
            return place
    raise ResticNotFound("restic cannot be found; install it, or set `restic-binary` in `global`")


def program(configured: str, folder: str = "") -> str | None:
    """The program that `restic-binary` names, or nothing; a relative path belongs to the folder.

    The current directory is left out: whoever can write there must not choose our restic.
    """
    folders = [part for part in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(part)]
    text = os.path.expanduser(expansion.expand(configured, expansion.from_mapping(os.environ)))
    name = os.path.join(folder, text) if os.sep in text else text
    found = shutil.which(name, path=os.pathsep.join(folders))
    return os.path.abspath(found) if found else None


# ---- the version ----------------------------------------------------------------------------


def _version(path: str) -> Version | None:
    """The version by path, size and time of the binary, remembered between runs."""
    binary = _Binary.at(path)
    known = _remembered()
    if binary and binary.key in known:
        return Version.parse(known[binary.key])
    result = process.ask(Command(argv=(path, "version")))
    version = Version.from_output(result.stdout)
    if version is None:
        log.warning("`%s version` does not tell its version; every flag is passed on", path)
    elif binary:
        others = {key: text for key, text in known.items() if not key.startswith(binary.prefix)}
        _remember({**others, binary.key: str(version)})
    return version


class _Binary(msgspec.Struct, frozen=True):
    """What tells that a program has not changed."""

    prefix: str
    key: str

    @classmethod
    def at(cls, path: str) -> _Binary | None:
        """None for scripts and starters: they stay as they are when the restic in them changes."""
        real = Path(os.path.realpath(path))
        try:
            status = real.stat()
            with real.open("rb") as file:
                compiled = file.read(4) == b"\x7fELF"
        except OSError:
            return None
        if not compiled or "restic" not in real.name:
            return None
        return cls(f"{real} ", f"{real} {status.st_size} {status.st_mtime_ns}")


def _cache_file() -> Path:
    return directories.cache() / "restic-version.json"


def _remembered() -> dict[str, str]:
    try:
        return msgspec.json.decode(_cache_file().read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def _remember(known: dict[str, str]) -> None:
    cache = _cache_file()
    if not cache.is_absolute():
        return  # there is no home directory
    try:
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write_atomically(cache, msgspec.json.encode(known), mode=0o600)
    except (OSError, Error) as error:
        log.debug("restic's version is not remembered: %s", error)
