"""Find the configuration file that the command line names."""

from __future__ import annotations

import os
from pathlib import Path

from resticprof.config.formats import base
from resticprof.errors import ConfigError, Problem
from resticprof.system import directories, files

_CLOSED = " (no permission to look there)"
_SYSTEM_PLACES = ("/usr/local/etc", "/etc", "/opt/local/etc")


def places() -> list[Path]:
    """Where configurations are looked for, in order; for `resticprof` and `resticprofile` alike."""
    home = directories.home()
    user = os.environ.get("XDG_CONFIG_HOME") or (str(home / ".config") if home else "")
    system = (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    names = ("resticprof", "resticprofile")
    found = [Path(folder) / name for folder in (user, *system) if folder for name in names]
    for place in _SYSTEM_PLACES:
        found += [Path(place) / part for part in ("", "restic", *names)]
    return [*found, home] if home else found


def find(name: str) -> Path:
    """The file that `--config` names, as it was found. Raises `ConfigError` with all places.

    A file without an extension comes last: `--format` has to say what it is.
    """
    here = directories.current()
    wanted = directories.with_home(name)
    extensions = [""]
    if not Path(wanted).suffix:
        extensions = [*(f".{part}" for part in base.SEARCH_ORDER), ""]
    tried = [Path()] if os.path.isabs(wanted) else [Path(), *places()]
    for extension in extensions:
        for place in tried:
            candidate = place / (wanted + extension)
            if files.is_file(candidate):
                return candidate
    raise ConfigError(Problem(_not_found(wanted, extensions, [here / place for place in tried])))


def _not_found(wanted: str, extensions: list[str], tried: list[Path]) -> str:
    suffixes = f".{{{','.join(base.SEARCH_ORDER)}}}" if len(extensions) > 1 else ""
    text = f"no configuration file `{wanted}{suffixes}`"
    if files.is_directory(tried[0] / wanted):
        text += f"; `{wanted}` is a directory"
    closed = [place for place in tried if files.is_closed((place / wanted).parent)]
    if os.path.isabs(wanted):
        return f"{text}; there is no permission to look there" if closed else text
    listed = "".join(f"\n  {place}{_CLOSED if place in closed else ''}" for place in tried)
    return f"{text}; looked in{listed}\nname one with --config"
