"""`monitor list`, `monitor test`, `monitor flush`: see and prove that the alerts work."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING, Any

import msgspec

from resticprof import __version__
from resticprof.commands import outbox, show, tell
from resticprof.commands.story import now
from resticprof.errors import UsageError
from resticprof.model import report as reports
from resticprof.model.run import Event, Failure, Outcome, Report, State

if TYPE_CHECKING:
    from resticprof.commands.session import Session
    from resticprof.model.config import Profile
    from resticprof.model.monitor import Monitor

log = logging.getLogger("resticprof")


class Configured(msgspec.Struct, frozen=True):
    """A service of a command, secrets masked."""

    command: str
    service: str
    settings: dict[str, Any]


class Tested(msgspec.Struct, frozen=True):
    """What came of a test event."""

    command: str
    service: str
    state: str
    delivered: bool


def configured(profile: Profile) -> list[Configured]:
    """The effective services of every command."""
    return [
        Configured(command, outbox.service_of(monitor), show.table(monitor))
        for command, monitors in profile.monitors.items()
        for monitor in monitors
    ]


def test(
    profile: Profile, session: Session, *, state: State, services: tuple[str, ...]
) -> list[Tested]:
    """Send a clearly marked event to each service once. Raises `UsageError` for unknown names."""
    wanted = _distinct(profile)
    names = {outbox.service_of(monitor) for _, monitor in wanted}
    if unknown := [name for name in services if name.replace("_", "-") not in names]:
        there = ", ".join(sorted(names)) or "none"
        raise UsageError(
            f"`{unknown[0]}` is not configured for `{profile.name}`; there are: {there}"
        )
    results = []
    for command, monitor in wanted:
        service = outbox.service_of(monitor)
        if services and service not in {name.replace("_", "-") for name in services}:
            continue
        event = _event(profile, command, session, state)
        sender = tell.Correspondent(monitor, session.global_, dry_run=session.invocation.dry_run)
        results.append(Tested(command, service, state.value, sender.send(event)))
    return results


def _distinct(profile: Profile) -> list[tuple[str, Monitor]]:
    """Every service once, with the first command that reports to it."""
    found: list[tuple[str, Monitor]] = []
    for command, monitors in profile.monitors.items():
        found += [
            (command, monitor) for monitor in monitors if all(monitor != seen for _, seen in found)
        ]
    return found


def _event(profile: Profile, command: str, session: Session, state: State) -> Event:
    failed = state is State.FAIL
    outcomes = {State.START: None, State.FAIL: Outcome.FAILED, State.WARN: Outcome.WARNING}
    moment = now()
    report = Report(
        run_id=str(uuid.uuid4()),
        profile=profile.name,
        command=command,
        host=session.host,
        user=session.user,
        config_file=str(session.configuration.file),
        started=moment,
        ended=None if state is State.START else moment,
        outcome=outcomes.get(state, Outcome.SUCCESS),
        exit_code=int(failed),
        failure=Failure(message="this is a test; nothing has failed") if failed else None,
        version=__version__,
    )
    return Event(state=state, report=report, sentence=reports.summary_sentence(report), test=True)


def flush(session: Session) -> tuple[int, int]:
    """Send what waits in the outbox, for all profiles; how many were sent, how many are left."""
    sent = left = 0
    for name in session.configuration.names():
        _, profile = session.configuration.open_profile(name)
        done, left = tell.flush(profile, session.global_)
        sent += done
    return sent, left
