"""Find the configuration file that the command line names."""

from __future__ import annotations

import os
from pathlib import Path

from resticprof.config.formats import base
from resticprof.errors import ConfigError, Problem
from resticprof.system import files

_SYSTEM_PLACES = ("/usr/local/etc", "/etc", "/opt/local/etc")


def places() -> list[Path]:
    """Where configurations are looked for, in order; for `resticprof` and `resticprofile` alike."""
    home = Path.home()
    user = os.environ.get("XDG_CONFIG_HOME") or str(home / ".config")
    system = (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    names = ("resticprof", "resticprofile")
    found = [Path(folder) / name for folder in (user, *system) if folder for name in names]
    for place in _SYSTEM_PLACES:
        found += [Path(place) / part for part in ("", "restic", *names)]
    return [*found, home]


def find(name: str) -> Path:
    """The file that `--config` names, as it was found. Raises `ConfigError` with all places."""
    extensions = [""] if Path(name).suffix else [f".{part}" for part in base.SEARCH_ORDER]
    for extension in extensions:
        for candidate in _candidates(name + extension):
            if files.is_file(candidate):
                return candidate
    wanted = name if extensions == [""] else f"{name}.{{{','.join(base.SEARCH_ORDER)}}}"
    text = f"no configuration file `{wanted}`"
    if not os.path.isabs(name):
        tried = "\n".join(f"  {place}" for place in (Path.cwd(), *places()))
        text += f"; looked in\n{tried}\nname one with --config"
    raise ConfigError(Problem(text))


def _candidates(name: str) -> list[Path]:
    if os.path.isabs(name):
        return [Path(name)]
    return [Path(name), *(place / name for place in places())]
