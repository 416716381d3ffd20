"""One service of one run: a thread that delivers, in order, what the run hands over."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import PLEASE, Error, PartlyToldError
from resticprof.model.monitor import Monitor
from resticprof.model.report import took_place
from resticprof.model.run import Event, State
from resticprof.telling import delivery, outbox
from resticprof.telling.outbox import Letter

if TYPE_CHECKING:
    from resticprof.system.signals import Signals
    from resticprof.telling.delivery import Delivery, Wait

log = logging.getLogger("resticprof.monitor")

PULSE = 1.0  # seconds between two looks for log lines that are due
LAST_WORD = 0.5  # share of the budget that letters leave to the last event
HEAD_START = 0.1  # seconds: restic starts first, then we load what sends

Snapshot = Callable[[], Event]
"""The run as it is now, as a `log` event."""


class Correspondent:
    """The run calls `tell` and `forward`, at its end `end` and `join`; the thread does the rest.

    Before the end an event is tried once more and then given up, because the next one matters
    more. The last one has the whole budget of the service, which begins with `end`.
    """

    def __init__(self, way: Delivery, snapshot: Snapshot | None = None) -> None:
        self.monitor = way.monitor
        self.started = False  # whether the service was told of the start
        self._way = way
        self._lines = Lines(way.monitor, snapshot) if snapshot and streams(way.monitor) else None
        self._queue: queue.SimpleQueue[Event | Letter | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"tell {way.name}", daemon=True)
        self._ending = threading.Event()
        self._deadline = 0.0
        self._guard = threading.Lock()  # of what follows: both threads use it
        self._last: Event | None = None  # until it is delivered
        self._kept: Letter | None = None
        self._given_up = False
        self._silenced: set[State] = set()

    # ---- the run's side ---------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Hand over an event, if the service wants it."""
        if self.monitor.wants(event):
            self.started = self.started or event.state is State.START
            self._put(event)
        elif self._lines is not None:
            self._put()

    def forward(self, letter: Letter) -> None:
        """Hand over what an earlier run could not deliver."""
        self._put(letter)

    def end(self, event: Event | None) -> None:
        """Hand over the last event, before it the log for services that want it by itself."""
        self._deadline = time.monotonic() + self._way.budget
        self._ending.set()
        if event is not None:
            whole_log = msgspec.structs.replace(event, state=State.LOG)
            if event.report.log and took_place(event.report) and self.monitor.wants(whole_log):
                self._put(whole_log)
            if self.monitor.wants(event):
                self._last = event
                self._put(event)
        self._queue.put(None)

    def join(self, signals: Signals) -> None:
        """Wait for the answers, as long as there is time and no further signal comes.

        A notification that did not get through is kept for the next run.
        """
        in_time = signals.join([self._thread], self._deadline)
        with self._guard:
            self._given_up = True
            if self._last is None:
                return
            if not in_time:
                interrupted, late = "interrupted", f"no answer within {self._way.budget:g} s"
                self._warn(self._last, interrupted if signals.pending else late)
            if self.monitor.KIND == "notification":
                self._kept = outbox.keep(self.monitor, self._last)

    def _put(self, *items: Event | Letter) -> None:
        for item in items:
            self._queue.put(item)
        if self._thread.ident is None:
            self._thread.start()

    # ---- the thread -------------------------------------------------------------------------

    def _work(self) -> None:
        self._ending.wait(HEAD_START)
        reachable = True
        for item in self._items():
            if self._given_up:
                return
            if isinstance(item, Letter):
                reachable = reachable and self._has_time() and outbox.send(item, self._way)
            elif self._send(item):
                self._delivered(item)

    def _items(self) -> Iterator[Event | Letter]:
        """What is handed over, up to the end; in between the log lines that are due."""
        while True:
            try:
                item = self._queue.get(timeout=PULSE if self._lines else None)
            except queue.Empty:
                if self._lines and (event := self._lines.due()):
                    yield event
                continue
            if item is None:
                return
            yield item

    def _has_time(self) -> bool:
        """Whether letters may go on: if there are many, some wait for the next run."""
        last_word = self._deadline - LAST_WORD * self._way.budget
        return not self._ending.is_set() or time.monotonic() < last_word

    def _send(self, event: Event) -> bool:
        """A failure is one warning; one for all log lines until they get through again."""
        last = event is self._last
        retries = self.monitor.retries if last else min(1, self.monitor.retries)
        wait: Wait = delivery.until(self._deadline) if last else self._wait_before_the_end
        try:
            self._way.send(event, retries=retries, wait=wait)
        except Error as error:
            self._failed(event, str(error))
            if isinstance(error, PartlyToldError):
                self._partly_delivered(event, error.told)
        except Exception as error:
            log.debug("%s", error, exc_info=True)
            self._failed(event, f"{PLEASE}: {type(error).__name__}")
        else:
            self._silenced.discard(event.state)
            return True
        return False

    def _wait_before_the_end(self, seconds: float) -> bool:
        return seconds < self._way.budget and not self._ending.wait(seconds)

    def _delivered(self, event: Event) -> None:
        with self._guard:
            if event is not self._last:
                return
            self._last = None
            if self._kept is not None:
                self._kept.remove()
        if self.monitor.KIND == "notification":
            outbox.drop_outdated(self.monitor, event)

    def _partly_delivered(self, event: Event, told: tuple[int, ...]) -> None:
        with self._guard:
            if event is self._last and self._kept is None:
                self._last = msgspec.structs.replace(event, told=told)

    def _failed(self, event: Event, why: str) -> None:
        with self._guard:
            if not self._given_up and event.state not in self._silenced:
                self._warn(event, why)
            if event.state is State.LOG:
                self._silenced.add(event.state)

    def _warn(self, event: Event, why: str) -> None:
        log.warning("%s: `%s` was not delivered: %s", self._way.name, event.state.value, why)


class Rehearsal(Correspondent):
    """The same in a dry run: all is shown at once, in order with what else is only shown."""

    def join(self, signals: Signals) -> None:
        """Nobody is waited for."""
        del signals

    def _put(self, *items: Event | Letter) -> None:
        for item in items:
            if isinstance(item, Event):
                self._send(item)


class Lines:
    """The lines of the log that a service gets while the run goes on."""

    def __init__(self, monitor: Monitor, snapshot: Snapshot) -> None:
        self._monitor = monitor
        self._snapshot = snapshot
        self._number = 0  # of the last line that was handed over
        self._time = time.monotonic()  # when that was

    def due(self) -> Event | None:
        """The run with its log, when there are lines that should be sent now."""
        try:
            event = self._snapshot()
        except Error as error:  # the run itself meets it, too
            log.debug("%s", error)
            return None
        waiting = [line for line in event.report.log if line.number > self._number]
        if not waiting or not self._monitor.due(len(waiting), time.monotonic() - self._time):
            return None
        self._number = waiting[-1].number
        self._time = time.monotonic()
        return event


def streams(monitor: Monitor) -> bool:
    """Whether the service wants lines before the end."""
    return type(monitor).due is not Monitor.due and monitor.send_logs
