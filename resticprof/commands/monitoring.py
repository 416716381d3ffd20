"""`monitor list`, `monitor test`, `monitor flush`: see and prove that the alerts work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from resticprof.commands import rehearsal, show
from resticprof.errors import Error, UsageError
from resticprof.monitors import registry
from resticprof.runs import tell
from resticprof.telling import delivery, outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.config.configuration import Configuration
    from resticprof.model.config import Group, Profile
    from resticprof.model.monitor import Monitor
    from resticprof.model.run import Event, State
    from resticprof.runs.session import Session
    from resticprof.telling.outbox import Letter


class Configured(msgspec.Struct, frozen=True):
    """A service of a command, secrets masked."""

    command: str
    service: str
    settings: dict[str, Any]


class Tested(msgspec.Struct, frozen=True):
    """What came of a test event: `delivered`, `failed`, `not told`, or `rehearsed` (dry run)."""

    command: str
    service: str
    state: str
    outcome: str
    error: str = ""


class Flushed(msgspec.Struct, frozen=True):
    """How many letters were sent, are left, and wait for another configuration."""

    sent: int = 0
    left: int = 0
    elsewhere: int = 0


def sender(configuration: Configuration, name: str) -> Profile | Group:
    """The profile or the group of this name. Raises `UsageError`, or `ConfigError`."""
    group = None if configuration.has_profile(name) else configuration.group(name)
    return configuration.profile(name) if group is None else group


def configured(who: Profile | Group) -> list[Configured]:
    """The effective services of every command."""
    return [
        Configured(command, registry.title(monitor), show.show_monitor(monitor))
        for command, monitors in who.monitors.items()
        for monitor in monitors
    ]


# ---- test -----------------------------------------------------------------------------------


def test(
    who: Profile | Group, session: Session, *, state: State, services: tuple[str, ...]
) -> list[Tested]:
    """Send a clearly marked event to each service once. Raises `UsageError` for unknown names."""
    found = list(_distinct(who))
    wanted = {service.replace("_", "-") for service in services}
    there = {registry.name(monitor) for _, monitor in found}
    if unknown := sorted(wanted - there):
        known = ", ".join(sorted(there)) or "none"
        text = f"`{unknown[0]}` is not configured for `{who.name}`; there are: {known}"
        raise UsageError(text)
    return [
        _test(rehearsal.event(who, command, session, state, test=True), monitor, session)
        for command, monitor in found
        if not wanted or registry.name(monitor) in wanted
    ]


def _distinct(who: Profile | Group) -> Iterator[tuple[str, Monitor]]:
    """Every service once, with the first command that reports to it."""
    seen: list[Monitor] = []
    for command, monitors in who.monitors.items():
        for monitor in monitors:
            if monitor not in seen:
                seen.append(monitor)
                yield command, monitor


def _test(event: Event, monitor: Monitor, session: Session) -> Tested:
    way = tell.way(tell.settled(monitor), session, dry_run=session.invocation.dry_run)
    told = (event.report.command, way.name, event.state.value)
    if event.state.value not in monitor.EVENTS:
        return Tested(*told, "not told")
    try:
        sent = way.send(event, retries=0, wait=way.within_budget())
    except Error as error:
        return Tested(*told, "failed", str(error))
    if not sent:
        return Tested(*told, "not told")
    return Tested(*told, "rehearsed" if way.dry_run else "delivered")


# ---- flush ----------------------------------------------------------------------------------


def flush(session: Session) -> Flushed:
    """Send what waits for profiles and groups of this configuration."""
    senders: dict[tuple[str, str, str], list[Letter]] = {}
    for letter in outbox.waiting():
        senders.setdefault(letter.sender, []).append(letter)
    done = Flushed()
    for (config_file, profile, group), letters in senders.items():
        who = _still_there(session.configuration, profile, group)
        if config_file != session.config_file:
            done = msgspec.structs.replace(done, elsewhere=done.elsewhere + len(letters))
        elif who is None:
            for letter in letters:
                letter.drop(f"there is no `{profile or group}` any more")
        else:
            sent, left = _forward(letters, who, session)
            done = msgspec.structs.replace(done, sent=done.sent + sent, left=done.left + left)
    return done


def _still_there(configuration: Configuration, profile: str, group: str) -> Profile | Group | None:
    if group:
        return configuration.group(group)
    return configuration.open_profile(profile)[1] if configuration.has_profile(profile) else None


def _forward(letters: list[Letter], who: Profile | Group, session: Session) -> tuple[int, int]:
    """Send the letters of one sender; after a failure of a service the others of it wait, too."""
    sent = left = 0
    known = delivery.variables(who)
    dead: set[str] = set()
    for letter in letters:
        monitor = outbox.addressee(letter, who)
        if monitor is None:
            continue
        title = registry.title(monitor)
        way = tell.way(monitor, session)
        full = msgspec.structs.replace(letter, environment=known)
        if title not in dead and outbox.send(full, way, retries=monitor.retries):
            sent += 1
        else:
            left += 1
            dead.add(title)
    return sent, left
