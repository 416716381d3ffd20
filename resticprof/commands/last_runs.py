"""How the last runs ended, from the status files that the profiles name."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from resticprof.errors import Error
from resticprof.model.schedule import LastRun
from resticprof.runs import status_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from resticprof.config.configuration import Configuration
    from resticprof.model.config import Group

log = logging.getLogger("resticprof")

COMMANDS = {"retention": "forget"}  # names in the file that differ from the command


def recorded(title: str) -> str:
    """The `command@name` under which a job is found: the schedule of `retention` runs `forget`."""
    command, _, name = title.partition("@")
    return f"{COMMANDS.get(command, command)}@{name}"


def of(configuration: Configuration, name: str | None = None) -> dict[str, LastRun]:
    """The last run of each `command@name`; of a profile or group, or of all."""
    found: dict[str, LastRun] = {}
    for profile in configuration.names():
        if name in (None, profile):
            found |= _of_profile(configuration, profile)
    for group in configuration.groups.values():
        if name in (None, group.name) and not configuration.has_profile(group.name):
            found |= _of_group(configuration, group)
    return found


def _of_profile(configuration: Configuration, name: str) -> dict[str, LastRun]:
    """Where a scheduled job writes them: it runs in the directory of the configuration."""
    try:
        _, profile = configuration.read_profile(name)
        if not profile.status_file:
            return {}
        directory = os.path.dirname(os.path.abspath(configuration.file))  # noqa: PTH120 - text
        file = os.path.join(directory, profile.base_dir, profile.status_file)
        return {
            recorded(f"{result.command}@{name}"): LastRun(
                time=result.time,
                success=result.success,
                error=result.error,
                last_success=result.time if result.success else result.last_success,
            )
            for result in status_file.read(file)
            if result.profile.lower() == name.lower() and result.time is not None
        }
    except Error as error:
        log.warning("%s", error)
        return {}


def _of_group(configuration: Configuration, group: Group) -> dict[str, LastRun]:
    """A run of a group is good when it was good for each of its members."""
    members = {name: _of_profile(configuration, name) for name in group.profiles}
    found = {}
    for command in group.schedules:
        runs = {name: past.get(recorded(f"{command}@{name}")) for name, past in members.items()}
        if any(runs.values()):
            found[recorded(f"{command}@{group.name}")] = _together(runs)
    return found


def _together(runs: dict[str, LastRun | None]) -> LastRun:
    """One for all members; what is not known of one of them is not known of the group."""
    known = [run for run in runs.values() if run]
    failures = [
        f"{name}: {run.error if run else 'no run is known'}"
        for name, run in runs.items()
        if not (run and run.success)
    ]
    good = [run.last_success if run else None for run in runs.values()]
    return LastRun(
        time=max(run.time for run in known),
        success=not failures,
        error="; ".join(failures),
        last_success=_oldest(good),
    )


def _oldest(moments: Sequence[datetime | None]) -> datetime | None:
    known = [moment for moment in moments if moment]
    return min(known) if len(known) == len(moments) else None
