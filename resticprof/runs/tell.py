"""Tell monitoring services about a run: beside restic, in order, and exactly one last word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from resticprof.model import report as reports
from resticprof.model.run import Event, Outcome, State
from resticprof.telling import outbox
from resticprof.telling.correspondent import Correspondent, Rehearsal
from resticprof.telling.delivery import Delivery

if TYPE_CHECKING:
    from resticprof.model.config import Group, Profile
    from resticprof.model.monitor import Monitor
    from resticprof.model.run import Invocation
    from resticprof.runs.session import Session
    from resticprof.telling.correspondent import Snapshot

SILENT = -2
"""The verbosity that switches monitoring off."""


class Teller:
    """The services of one run, or of a whole group.

    `tell` hands an event over and returns at once; `finish` tells the end and waits for the
    answers, for each service no longer than its budget. `snapshot` gives the log in between.
    """

    def __init__(
        self,
        monitors: tuple[Monitor, ...],
        session: Session,
        *,
        dry_run: bool = False,
        snapshot: Snapshot | None = None,
    ) -> None:
        self._session = session
        self._dry_run = dry_run
        kind = Rehearsal if dry_run else Correspondent
        self._listeners = [kind(self._way(monitor), snapshot) for monitor in monitors]
        self._postmen: list[Correspondent] = []  # for letters only

    def deliver_waiting(self, sender: Profile | Group) -> None:
        """Hand over what earlier runs of this profile, or group, could not deliver."""
        if self._dry_run or silent(self._session.invocation):
            return
        for letter in outbox.letters_of(sender, self._session.config_file):
            monitor = outbox.addressee(letter, sender)
            if monitor is not None:
                self._postman(monitor).forward(letter)

    def tell(self, event: Event) -> None:
        """Hand an event to the services and go on at once."""
        for listener in self._listeners:
            listener.tell(event)

    def finish(self, event: Event) -> None:
        """Tell how the run ended, and wait for the answers within the budget."""
        signals = self._session.signals.branch()
        for listener in self._listeners:
            listener.end(last_event(listener.monitor, event, started=listener.started))
        for postman in self._postmen:
            postman.end(None)
        for correspondent in (*self._listeners, *self._postmen):
            correspondent.join(signals)

    def _postman(self, monitor: Monitor) -> Correspondent:
        """Who talks to this service already, so that letters arrive before what is new."""
        for correspondent in (*self._listeners, *self._postmen):
            if _as_written(correspondent.monitor) == _as_written(monitor):
                return correspondent
        self._postmen.append(Correspondent(self._way(monitor)))
        return self._postmen[-1]

    def _way(self, monitor: Monitor) -> Delivery:
        return way(monitor, self._session, dry_run=self._dry_run)


def way(monitor: Monitor, session: Session, *, dry_run: bool = False) -> Delivery:
    """The way to a service, with what all of them share."""
    return Delivery(monitor, session.global_, scrubber=session.logs.scrubber, dry_run=dry_run)


def silent(invocation: Invocation) -> bool:
    """Whether nobody is to be told of anything."""
    return invocation.no_monitor or invocation.monitoring_verbosity == SILENT


def for_run(
    monitors: tuple[Monitor, ...], invocation: Invocation, *, tolerant: bool = False
) -> tuple[Monitor, ...]:
    """The monitors as the command line and the policies of the run want them."""
    if silent(invocation):
        return ()
    verbosity = invocation.monitoring_verbosity
    found = tuple(settled(monitor, tolerant=tolerant) for monitor in monitors)
    if verbosity is None:
        return found
    return tuple(msgspec.structs.replace(monitor, verbosity=verbosity) for monitor in found)


def settled(monitor: Monitor, *, tolerant: bool = False) -> Monitor:
    """With `on-warning`: by default a warning is a success if the backup says so (`tolerant`)."""
    if monitor.on_warning:
        return monitor
    return msgspec.structs.replace(monitor, on_warning="finish" if tolerant else "fail")


def _as_written(monitor: Monitor) -> Monitor:
    """Without what `for_run` may have put in."""
    return msgspec.structs.replace(monitor, on_warning="", verbosity=0)


def last_event(monitor: Monitor, event: Event, *, started: bool) -> Event | None:
    """The end of the run as this service is to hear it; None when it shall not hear of it.

    Who was told of a start hears of an end, whatever the policies say about runs that never were.
    """
    report = event.report
    if report.failure is not None and report.failure.reason == "lock":
        policy = "fail" if started else monitor.on_lock_failure
        return _told_as(event, {"fail": State.FAIL, "log": State.LOG}.get(policy))
    if report.outcome is Outcome.SKIPPED:
        policy = "finish" if started else monitor.on_skip
        return _told_as(event, {"finish": State.FINISH, "log": State.LOG}.get(policy))
    if event.state is State.WARN and monitor.counts_as(event.state) is not State.FAIL:
        mild = msgspec.structs.replace(report, outcome=Outcome.WARNING)
        sentence = reports.summary_sentence(mild)
        return msgspec.structs.replace(event, report=mild, sentence=sentence)
    return event


def _told_as(event: Event, state: State | None) -> Event | None:
    return msgspec.structs.replace(event, state=state) if state else None
