"""How the last runs ended, from the status files that the profiles name."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from resticprof.commands import status_file
from resticprof.errors import Error
from resticprof.model.schedule import LastRun

if TYPE_CHECKING:
    from collections.abc import Container

    from resticprof.config.configuration import Configuration

log = logging.getLogger("resticprof")

COMMANDS = {"retention": "forget"}  # names in the file that differ from the command


def of(configuration: Configuration, names: Container[str] | None) -> dict[str, LastRun]:
    """The last run of each `command@profile`; of these profiles, or of all."""
    found: dict[str, LastRun] = {}
    for name in configuration.names():
        if names is not None and name not in names:
            continue
        try:
            _, profile = configuration.read_profile(name)
            if profile.status_file:
                found.update(_of_file(os.path.join(profile.base_dir, profile.status_file), name))
        except Error as error:
            log.warning("%s", error)
    return found


def _of_file(file: str, profile: str) -> dict[str, LastRun]:
    return {
        f"{COMMANDS.get(result.command, result.command)}@{profile}": LastRun(
            time=result.time, success=result.success, error=result.error
        )
        for result in status_file.read(file)
        if result.profile == profile and result.time is not None
    }
