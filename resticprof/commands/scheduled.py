"""What a schedule says about its runs: log, locks, battery, output. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from resticprof.model.config import Schedule

if TYPE_CHECKING:
    from resticprof.config.configuration import Configuration
    from resticprof.model.run import Invocation

NOT_WORTH_WAITING = 2.0  # seconds; a shorter `lock-wait` counts as none


def find(configuration: Configuration, command: str, name: str) -> Schedule:
    """The schedule of `command@name` as it is now; plain settings when there is none any more."""
    if configuration.has_profile(name):
        _, profile = configuration.read_profile(name)
        section = profile.sections.get(command)
        found = section.schedule if section else None
    elif (group := configuration.group(name)) is not None:
        found = group.schedules.get(command)
    else:
        raise configuration.missing(name)
    return found or Schedule()


def applied(invocation: Invocation, schedule: Schedule) -> Invocation:
    """The options of the run; what was typed on the command line wins."""
    wait = float(schedule.lock_wait or 0) if schedule.lock_mode == "default" else 0.0
    output = invocation.command_output
    return msgspec.structs.replace(
        invocation,
        log=invocation.log or schedule.log,
        command_output=output if output != "auto" else schedule.command_output,
        no_lock=invocation.no_lock or schedule.lock_mode == "ignore",
        lock_wait=invocation.lock_wait or (wait if wait > NOT_WORTH_WAITING else 0.0),
        ignore_on_battery=invocation.ignore_on_battery or _battery_limit(schedule),
    )


def _battery_limit(schedule: Schedule) -> int:
    """Percent below which a run on battery is skipped; 100: always skipped."""
    if schedule.ignore_on_battery is False:
        return 0
    if schedule.ignore_on_battery_less_than > 0:
        return schedule.ignore_on_battery_less_than
    return 100 if schedule.ignore_on_battery else 0
