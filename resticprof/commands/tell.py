"""Tell monitoring services about a run: beside restic, in order, within a budget."""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from resticprof.commands import outbox
from resticprof.errors import Error, HttpError
from resticprof.model.monitor import Monitor
from resticprof.model.run import (
    Event,
    Fact,
    HttpRequest,
    HttpResponse,
    Message,
    Notification,
    State,
    Transport,
)
from resticprof.monitors import talk
from resticprof.system import apprise, http

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.model.config import Global, Profile

log = logging.getLogger("resticprof.monitor")

HARD_LIMIT = 60.0  # seconds that the end of a run waits for all services together
PULSE = 1.0  # seconds between two looks for log lines that are due
FIRST_PAUSE = 0.5  # seconds before the second attempt; doubles, with jitter


class Teller:
    """The services of one run; each has a thread of its own, started with the first event."""

    def __init__(
        self,
        monitors: tuple[Monitor, ...],
        global_: Global,
        *,
        dry_run: bool = False,
        snapshot: Callable[[], Event] | None = None,
    ) -> None:
        self._correspondents = [
            Correspondent(monitor, global_, dry_run=dry_run) for monitor in monitors
        ]
        self._global = global_
        self._dry_run = dry_run
        self._snapshot = snapshot
        self._ended = threading.Event()
        self._pulse: threading.Thread | None = None

    def deliver_waiting(self, profile: Profile) -> None:
        """Send what earlier runs of this profile could not, beside everything else."""
        if outbox.waiting() and not self._dry_run:
            threading.Thread(target=flush, args=(profile, self._global), daemon=True).start()

    def tell(self, event: Event) -> None:
        """Hand an event to the services and go on at once."""
        for correspondent in self._correspondents:
            correspondent.tell(event)
        if self._snapshot and self._pulse is None and any(c.streams for c in self._correspondents):
            self._pulse = threading.Thread(target=self._beat, daemon=True)
            self._pulse.start()

    def finish(self, event: Event) -> None:
        """Tell how the run ended and wait for the answers, no longer than the budget."""
        self._ended.set()
        budget = min(HARD_LIMIT, max((c.budget for c in self._correspondents), default=0.0))
        deadline = time.monotonic() + budget
        for correspondent in self._correspondents:
            correspondent.end(_final(correspondent.monitor, event), deadline)
        for correspondent in self._correspondents:
            correspondent.join(deadline)

    def _beat(self) -> None:
        """Send log lines while restic runs, to services that stream them."""
        while not self._ended.wait(PULSE) and self._snapshot:
            event = self._snapshot()
            for correspondent in self._correspondents:
                correspondent.stream(event)


class Correspondent:
    """One service of one run: its queue of events, and what it learned."""

    def __init__(self, monitor: Monitor, global_: Global, *, dry_run: bool) -> None:
        self.monitor = monitor
        self.budget = float(monitor.timeout) * (monitor.retries + 1)
        self.streams = type(monitor).due is not Monitor.due and monitor.send_logs
        self._dry_run = dry_run
        self._transport = Transport(
            timeout=float(monitor.timeout),
            verify=not monitor.skip_tls_verification,
            ca_certificates=(*global_.ca_certificates, *monitor.ca_certificates),
            client_cert=monitor.tls_client_cert,
            client_key=monitor.tls_client_key,
        )
        self._facts: dict[str, str] = {}
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._deadline: float | None = None
        self._unsent: Event | None = None
        self._streamed = 0
        self._last_stream = time.monotonic()

    @property
    def service(self) -> str:
        """The name of the service for messages."""
        name = outbox.service_of(self.monitor)
        return f"{name} ({self.monitor.name})" if self.monitor.name else name

    # ---- the run's side ---------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Queue an event that the service wants."""
        if self.monitor.wants(event):
            self._put(event)

    def stream(self, event: Event) -> None:
        """Queue a `log` event when enough lines are waiting."""
        waiting = [line for line in event.report.log if line.number > self._streamed]
        age = time.monotonic() - self._last_stream
        if waiting and self.monitor.due(len(waiting), age):
            self._streamed = waiting[-1].number
            self._last_stream = time.monotonic()
            self._put(event)

    def end(self, event: Event | None, deadline: float) -> None:
        """Queue the last event; whatever is not delivered at the deadline is given up."""
        self._deadline = deadline
        if event is not None:
            self._put_log(event)
            if self.monitor.wants(event):
                self._unsent = event
                self._put(event)
        if self._thread is not None:
            self._events.put(None)

    def _put_log(self, event: Event) -> None:
        """The log goes just before the end, to services that want it by itself."""
        told = msgspec.structs.replace(event, state=State.LOG)
        if event.report.log and event.state is not State.LOG and self.monitor.wants(told):
            self._put(told)

    def join(self, deadline: float) -> None:
        """Wait for the thread; an important event that did not get through goes to the outbox."""
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
            if self._thread.is_alive():
                log.warning("%s: no answer within %.0f seconds", self.service, self.budget)
        if self._unsent is not None and self.monitor.KIND == "notification" and not self._dry_run:
            outbox.keep(self.monitor, self._unsent)

    def _put(self, event: Event) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._events.put(event)

    # ---- the service's side -----------------------------------------------------------------

    def _work(self) -> None:
        while (event := self._events.get()) is not None:
            if self.send(event) and event is self._unsent:
                self._unsent = None

    def send(self, event: Event) -> bool:
        """Deliver one event; a failure is one warning."""
        event = msgspec.structs.replace(event, facts=dict(self._facts))
        try:
            talk.converse(
                self.monitor.messages(event), lambda message: self._deliver(message, event)
            )
        except Error as error:
            log.warning("%s: `%s` was not delivered: %s", self.service, event.state.value, error)
            return False
        except Exception:
            log.exception("%s: internal error; please report it", self.service)
            return False
        return True

    def _deliver(self, message: Message, event: Event) -> HttpResponse:
        if isinstance(message, Fact):
            self._facts[message.name] = message.value
        elif self._dry_run:
            self._rehearse(message, event)
            return talk.REHEARSAL
        elif isinstance(message, Notification):
            apprise.send(message)
        else:
            return self._send_http(message, event)
        return HttpResponse(status=200)

    def _rehearse(self, message: Message, event: Event) -> None:
        """What restic's own dry run says instead of sending."""
        if isinstance(message, HttpRequest):
            body = message.public_body if message.public_body is not None else message.body
            shown = (body or b"").decode(errors="replace")
            log.info("dry-run: %s: %s %s %s", self.service, message.method, message.url, shown)
        else:
            log.info("dry-run: %s: %s", self.service, event.state.value)

    def _send_http(self, request: HttpRequest, event: Event) -> HttpResponse:
        extra = tuple((header.name, header.value) for header in self.monitor.headers if header.name)
        request = msgspec.structs.replace(request, headers=(*request.headers, *extra))
        retries = (
            self.monitor.retries if event.state is not State.START else min(1, self.monitor.retries)
        )
        pause = FIRST_PAUSE
        for attempt in range(retries + 1):
            try:
                return http.send(request, self._transport)
            except HttpError as error:
                wait = error.retry_after or pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
                late = self._deadline is not None and time.monotonic() + wait > self._deadline
                if attempt == retries or late or not http.retryable(error):
                    raise
                log.debug("%s: %s; trying again", self.service, error)
                time.sleep(wait)
                pause *= 2
        raise AssertionError("unreachable")


def flush(profile: Profile, global_: Global) -> tuple[int, int]:
    """Send the waiting notifications of a profile; how many were sent, how many are left."""

    def send(entry: outbox.Entry) -> bool | None:
        report = entry.event.report
        if report.profile != profile.name:
            return False
        for monitor in profile.monitors.get(report.command, ()):
            if (outbox.service_of(monitor), monitor.name) == (entry.service, entry.name):
                correspondent = Correspondent(monitor, global_, dry_run=False)
                return correspondent.send(outbox.delayed(entry.event))
        return None

    return outbox.flush(send)


def _final(monitor: Monitor, event: Event) -> Event | None:
    """The terminal event as this service is to see it; None when it shall not hear of it."""
    report = event.report
    if report.failure is not None and report.failure.reason == "lock":
        return _as(event, {"fail": State.FAIL, "log": State.LOG}.get(monitor.on_lock_failure))
    if report.skip_reason:
        return _as(event, {"finish": State.FINISH, "log": State.LOG}.get(monitor.on_skip))
    return event


def _as(event: Event, state: State | None) -> Event | None:
    return msgspec.structs.replace(event, state=state) if state else None


def with_policies(monitors: tuple[Monitor, ...], *, tolerant: bool) -> tuple[Monitor, ...]:
    """Fill `on-warning`: a warning counts as success exactly when the backup says so."""
    default = "finish" if tolerant else "fail"
    return tuple(
        monitor if monitor.on_warning else msgspec.structs.replace(monitor, on_warning=default)
        for monitor in monitors
    )
