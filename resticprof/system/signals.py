"""Signals that ask us to stop: remembered, passed on to whoever waits, and told once."""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING, ClassVar

from resticprof.errors import Interrupted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import FrameType

    from typing_extensions import Self

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGABRT)
PULSE = 0.1  # seconds between two looks for a signal, where nothing can wake us


class Bell:
    """A pipe that wakes a `select` and says which signals came."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)

    def fileno(self) -> int:
        """What `select` waits for."""
        return self._read

    def ring(self, number: int) -> None:
        """Wake the listener; safe in a signal handler."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._write, bytes([number]))

    def heard(self) -> bytes:
        """The numbers that were rung since the last call."""
        with contextlib.suppress(BlockingIOError):
            return os.read(self._read, 64)
        return b""

    def close(self) -> None:
        """Give the pipe back."""
        os.close(self._read)
        os.close(self._write)


class _Tower:
    """What all views of the signals share."""

    def __init__(self) -> None:
        self.first = 0
        self.last = 0
        self.count = 0
        self.bells: dict[Bell, Signals] = {}
        # Reentrant: the handler may interrupt the thread that holds it.
        self.guard = threading.RLock()

    def handle(self, number: int, _frame: FrameType | None) -> None:
        with self.guard:
            self.first = self.first or number
            self.last = number
            self.count += 1
            for bell in self.bells:
                bell.ring(number)


class Signals:
    """INT, TERM, HUP and ABRT during a run: `with Signals() as signals:` in the main thread.

    Each signal is told once: by `Interrupted` from `check` or `sleep`, or by the `Result` of the
    child that ran when it came. What runs after that (failure hooks) is left in peace until the
    next signal. A signal that was ignored when we were started (nohup) stays ignored.
    """

    def __init__(self, tower: _Tower | None = None) -> None:
        self._tower = tower or _Tower()
        self._told = 0
        self._cancelled = False
        self._before: dict[int, object] = {}

    _entered: ClassVar[list[Signals]] = []

    @classmethod
    def active(cls) -> Signals:
        """The ones that were entered last; in a thread, a view of its own.

        Where none are entered, a view that is never told of a signal.
        """
        if not cls._entered:
            return cls()
        main = threading.current_thread() is threading.main_thread()
        return cls._entered[-1] if main else cls._entered[-1].branch()

    def __enter__(self) -> Self:
        Signals._entered.append(self)
        for number in HANDLED:
            before = signal.getsignal(number)
            if before is not signal.SIG_IGN:
                self._before[number] = before
                signal.signal(number, self._tower.handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            known = callable(before) or isinstance(before, signal.Handlers)
            signal.signal(number, before if known else signal.SIG_DFL)  # type: ignore[arg-type]
        self._before.clear()
        Signals._entered.remove(self)

    @property
    def received(self) -> int:
        """The first signal of the run, told or not; 0: none came."""
        return self._tower.first

    @property
    def pending(self) -> bool:
        """Whether a signal came that was not told yet."""
        return self._cancelled or self._tower.count > self._told

    def branch(self) -> Signals:
        """A view for something that runs beside us: it is told of each new signal by itself."""
        branch = Signals(self._tower)
        branch._told = self._tower.count
        return branch

    def check(self) -> None:
        """Raise `Interrupted` if a signal came that was not told yet, or after `cancel`."""
        if self._cancelled:
            raise Interrupted(signal.SIGTERM)
        if self.pending:
            self.acknowledge()
            raise Interrupted(self._tower.last)

    def acknowledge(self) -> None:
        """Take all signals so far as told."""
        self._told = self._tower.count

    def sleep(self, seconds: float) -> None:
        """Sleep, but not through a signal: that raises `Interrupted`."""
        deadline = time.monotonic() + seconds
        with self.bell() as bell:
            self.check()
            while (left := deadline - time.monotonic()) > 0:
                if select.select([bell], [], [], left)[0]:
                    bell.heard()
                    self.check()

    def join(self, threads: Iterable[threading.Thread], deadline: float = math.inf) -> bool:
        """Wait for the end of threads, but not through a signal, which is not told by that.

        `deadline` is of time.monotonic(). `False` when not all of them have ended.
        """
        for thread in threads:
            while thread.is_alive():
                if self.pending or time.monotonic() >= deadline:
                    return False
                thread.join(min(PULSE, max(0.0, deadline - time.monotonic())))
        return True

    @contextlib.contextmanager
    def bell(self) -> Iterator[Bell]:
        """A bell that rings at each signal."""
        bell = Bell()
        with self._tower.guard:
            self._tower.bells[bell] = self
        try:
            yield bell
        finally:
            with self._tower.guard:
                del self._tower.bells[bell]
                bell.close()

    def cancel(self) -> None:
        """Stop what runs with this view and let it start nothing more; others are not touched."""
        with self._tower.guard:
            self._cancelled = True
            for bell, owner in self._tower.bells.items():
                if owner is self:
                    bell.ring(signal.SIGTERM)
