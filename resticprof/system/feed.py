"""The standard input of a child, filled by a thread, so that a child that waits can be stopped."""

from __future__ import annotations

import os
import select
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from resticprof.errors import Error

if TYPE_CHECKING:
    from resticprof.system.signals import Bell, Signals

FAILED = 0  # rung on the bell of who waits for the child; no signal has this number
CHUNK = 64 * 1024


class Feed:
    """A pipe that `fill` writes into; as a context it gives the descriptor for the child.

    The child is started only when there is something to read, or nothing will come.
    """

    def __init__(self, fill: Fill, signals: Signals, bell: Bell) -> None:
        self.signals = signals.branch()  # for what `fill` starts
        self.wanted = True  # whether anybody reads it
        self.failure: Exception | None = None
        self._fill = fill
        self._signals = signals
        self._bell = bell
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stdin", daemon=True)
        reading, writing = os.pipe()
        self._reading = os.fdopen(reading, "rb", buffering=0)
        self._writing = os.fdopen(writing, "wb", buffering=0)

    def __enter__(self) -> int:
        self._thread.start()
        self._begun.wait()
        if self.failure:
            self.__exit__()
            self._signals.check()
            raise self.failure
        return self._reading.fileno()

    def __exit__(self, *_: object) -> None:
        self.wanted = False
        self._reading.close()
        self.signals.cancel()
        self._thread.join()
        self._writing.close()

    def write(self, data: bytes) -> None:
        """Hand on some input. Raises `BrokenPipeError` when the child is gone."""
        self._begun.set()
        try:
            while data:
                data = data[self._writing.write(data) :]
        except BrokenPipeError:
            self.wanted = False
            raise

    def handed_over(self) -> None:
        """The child has its own copy; without ours, writing fails as soon as the child is gone."""
        self._reading.close()

    def end(self) -> bool:
        """Let a child that was told to stop come to the end of its input; `False`: not yet."""
        self.wanted = False
        self.signals.cancel()
        if self._thread.is_alive():
            return False
        self._writing.close()
        return True

    def _run(self) -> None:
        try:
            self._fill(self)
            if self.wanted:
                self._writing.close()
        except Exception as error:  # noqa: BLE001 - who waits for the child raises it
            if self.wanted:
                # The pipe stays open for now: at its end restic would save what it has got so far,
                # until it has seen that it shall stop.
                self.failure = error
                self._bell.ring(FAILED)
        finally:
            self._begun.set()


Fill = Callable[[Feed], None]


class OurInput:
    """Fills with our own standard input; what was handed on is kept for the next child.

    `gone`: it was too much to be kept, so no other child can get all of it.
    """

    def __init__(self, keep: int = 0) -> None:
        self.gone = False
        self._room = keep
        self._kept: list[bytes] = []

    def __call__(self, feed: Feed) -> None:
        """Hand on what is kept, then the rest."""
        try:
            for data in self._kept:
                feed.write(data)
            with feed.signals.bell() as bell:
                while data := _read(feed.signals, bell):
                    self._keep(data)
                    feed.write(data)
        except BrokenPipeError:
            return

    def _keep(self, data: bytes) -> None:
        self._room -= len(data)
        self.gone = self._room < 0
        if self.gone:
            self._kept.clear()
        else:
            self._kept.append(data)


def _read(signals: Signals, bell: Bell) -> bytes:
    """What comes next; nothing at the end. Raises `Interrupted` at a signal."""
    if sys.stdin is None:  # then its descriptor may be anything by now
        raise Error("cannot read standard input: it is closed")
    try:
        if bell.fileno() in select.select([0, bell.fileno()], [], [])[0]:
            signals.check()
        return os.read(0, CHUNK)
    except OSError as error:
        raise Error(f"cannot read standard input: {error.strerror}") from error
