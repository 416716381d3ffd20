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
from resticprof.system import files, process

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


def locate(global_: Global) -> Restic:
    """restic by `restic-binary`, PATH, or the usual places. Raises `ResticNotFound`."""
    path = _binary(global_.restic_binary)
    if global_.restic_version:
        return Restic(path, Version.parse(global_.restic_version))
    return Restic(path, _version(path))


def _binary(configured: str) -> str:
    if configured:
        text = expansion.expand(configured, expansion.from_mapping(os.environ))
        found = shutil.which(os.path.expanduser(text))
        if found:
            return os.path.abspath(found)
        log.warning("restic-binary `%s` is not a program; looking elsewhere", configured)
    search = [part for part in os.environ.get("PATH", "").split(os.pathsep) if os.path.isabs(part)]
    found = shutil.which("restic", path=os.pathsep.join(search))
    for place in (found, *map(os.path.expanduser, PLACES)):
        if place and os.access(place, os.X_OK) and Path(place).is_file():
            return place
    raise ResticNotFound("restic cannot be found; install it, or set `restic-binary` in `global`")


def _version(path: str) -> Version | None:
    """The version by path, size and time of the binary, remembered between runs."""
    status = Path(path).stat()
    key = f"{os.path.realpath(path)} {status.st_size} {status.st_mtime_ns}"
    cache = _cache_file()
    known = _read(cache)
    if key in known:
        return Version.parse(known[key])
    result = process.run(Command(argv=(path, "version")), process.CAPTURED)
    version = Version.from_output(result.stdout)
    if version is None:
        log.warning("`%s version` does not tell its version; every flag is passed on", path)
        return None
    try:
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write_atomically(cache, msgspec.json.encode({key: str(version)}), mode=0o600)
    except (OSError, Error) as error:
        log.debug("restic's version is not remembered: %s", error)
    return version


def _cache_file() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "resticprof" / "restic-version.json"


def _read(file: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}
