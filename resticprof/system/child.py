"""Follow a running child to its end, and stop it in time.

How a child is stopped, by a signal that we got or by a time limit:

* A hook gets INT, then TERM, then KILL, with some time between; and so does what it started. A
  second signal to us skips INT, a third one is KILL.
* restic (`patient`) gets INT, whatever we got: it then ends its work and removes its lock. By a
  second signal, or when it has not ended for minutes, it gets TERM. It is never killed. The signals
  go to its process group, as Ctrl-C does: to a wrapper script and to restic in it, but not to the
  ssh or rclone that restic needs to remove its lock, which it starts in groups of their own.
* On a terminal, Ctrl-C goes to the whole foreground group, the child included, so the first INT is
  not passed on at once; only if the child does not end it was for us alone. The child stays in our
  group: prompts, Ctrl-Z and jobs in the background work as they do without us.
* Without a terminal each child is a session of its own, so that a signal to our group
  (timeout(1), a job runner) reaches it once, through us.

Children are not tied to our life (PR_SET_PDEATHSIG): if we are killed, a restic that runs may end
its work in peace, and the lock file still names it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import selectors
import signal
import time
from typing import IO, TYPE_CHECKING

from resticprof.model.run import Result
from resticprof.system import processes, service
from resticprof.system.feed import FAILED

if TYPE_CHECKING:
    import subprocess  # noqa: TID251 - its type
    from collections.abc import Callable, Iterator

    from resticprof.model.run import Command
    from resticprof.system.feed import Feed
    from resticprof.system.signals import Bell
    from resticprof.system.streams import Output

log = logging.getLogger("resticprof")

STAGES = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
GRACE = 5.0  # seconds from one stage to the next
DOUBT = 2.0  # seconds after which a Ctrl-C that the child did not follow is passed on
SEEN = 2.0  # seconds after which a child has surely seen a signal
PATIENCE = 300.0  # seconds for restic to end, also when a wrapper script ended before it
LINGER = 2.0  # seconds without a word after which we stop listening to what a child left behind

CHUNK = 64 * 1024


class Child:
    """`follow` it to its end, then ask for the `result`."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        outputs: tuple[Output, Output],
        bell: Bell,
        feed: Feed | None,
        *,
        patient: bool,
        timeout: float | None,
    ) -> None:
        self._process = process
        self._outputs = outputs
        self._bell = bell
        self._feed = feed
        self._patient = patient
        self._deadline = math.inf if timeout is None else time.monotonic() + timeout
        self._pipes = {
            pipe: output
            for pipe, output in zip((process.stdout, process.stderr), outputs, strict=True)
            if pipe
        }
        self._requests = 0
        self._plan: list[tuple[float, int]] = []  # when to send which signal
        self._family: dict[int, int] = {}  # what the child started, and when that began
        self._group = os.getpgid(process.pid)
        self._starve_at = math.inf  # when its input ends, because it was told to stop
        self._started = time.monotonic()
        self._ended = math.inf
        self._timed_out = False
        self.interrupted = 0  # the last signal to us

    def follow(self, on_start: Callable[[int], None] | None) -> None:
        """Return when the child has ended; it ends early when a receiver of its output fails."""
        try:
            if on_start:
                on_start(self._process.pid)
            self._listen()
            for output in self._outputs:
                output.finish()
        except BaseException:
            for output in self._outputs:
                output.mute()
            self._hear()
            if not self._requests:
                self._stop()
            self._listen()
            raise
        finally:
            for pipe in self._pipes:
                pipe.close()

    def result(self, command: Command) -> Result:
        """How it ended. A signal counts as what ended it only if it failed."""
        return Result(
            command=command,
            exit_code=self._process.returncode,
            stdout=self._outputs[0].text,
            stderr=self._outputs[1].text,
            seconds=self._ended - self._started,
            timed_out=self._timed_out,
            interrupted=self.interrupted if self._process.returncode else 0,
        )

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector, _end_of(self._process.pid) as end:
            selector.register(self._bell, selectors.EVENT_READ)
            for source in (*end, *(pipe.fileno() for pipe in self._pipes)):
                selector.register(source, selectors.EVENT_READ)
            heard = 0.0
            while self._running() or self._worth_listening(heard) or self._outlived():
                if end and not self._running():
                    selector.unregister(end.pop())  # it would be ready for ever
                ready = [key.fd for key, _ in selector.select(self._pause(blind=not end))]
                for pipe, output in list(self._pipes.items()):
                    if pipe.fileno() not in ready:
                        output.pause()
                        continue
                    heard = time.monotonic()
                    if not self._hand_on(pipe):
                        selector.unregister(pipe)
                        pipe.close()
                        del self._pipes[pipe]
                self._hear()
                self._advance()

    def _running(self) -> bool:
        if self._process.poll() is None:
            return True
        self._ended = min(self._ended, time.monotonic())
        return False

    def _worth_listening(self, heard: float) -> bool:
        """Something that the child left behind may hold its output open for ever."""
        now = time.monotonic()
        silence = now - max(heard, self._ended)
        return bool(self._pipes) and silence < LINGER and now - self._ended < 10 * LINGER

    def _outlived(self) -> bool:
        """Whether the child, which was told to stop, left something that still runs."""
        if self._patient and self._requests:
            return time.monotonic() - self._ended < PATIENCE and bool(self._relatives())
        return bool(self._plan and self._relatives())

    def _pause(self, *, blind: bool) -> float | None:
        """Until when nothing has to be done; `blind`: we are not woken by the end of the child."""
        now = time.monotonic()
        held = [output.due for output in self._pipes.values()]
        due = min([self._deadline, self._starve_at, *held, *(when for when, _ in self._plan)])
        if blind or not self._running():
            due = min(due, now + 0.05)
        return None if due == math.inf else max(0.0, due - now)

    def _hand_on(self, pipe: IO[bytes]) -> bool:
        """Pass on what is there; `False` when there will be no more, or nobody wants it."""
        data = pipe.read(CHUNK)
        if not data:
            return False
        try:
            self._pipes[pipe].write(data)
        except BrokenPipeError:
            return False
        return True

    def _hear(self) -> None:
        for number in self._bell.heard():
            if number == FAILED:
                if not self._requests:
                    self._stop()
                continue
            by_terminal = number == signal.SIGINT and foreground_group() == os.getpgrp()
            self.interrupted = number
            self._stop(later=DOUBT if by_terminal and not self._requests else 0)

    def _advance(self) -> None:
        now = time.monotonic()
        if now >= self._deadline:
            self._deadline = math.inf
            if not self._requests:
                self._timed_out = True
                self._stop()
        while self._plan and self._plan[0][0] <= now:
            self._send(self._plan.pop(0)[1])
        if self._feed and now >= self._starve_at:
            self._starve_at = math.inf if self._feed.end() else now + 0.1

    def _stop(self, *, later: float = 0) -> None:
        """Plan the signals that end the child; each further request begins one stage later."""
        self._requests += 1
        stages, pause = STAGES[min(self._requests, len(STAGES)) - 1 :], GRACE
        if self._patient:
            stages, pause = (signal.SIGINT, signal.SIGTERM)[min(self._requests, 2) - 1 :], PATIENCE
            service.wait_for_end(PATIENCE)
        self._relatives()  # now: they are hard to find when the child ends before them
        begin = time.monotonic() + later
        self._starve_at = begin + SEEN
        self._plan = [(begin + number * pause, stage) for number, stage in enumerate(stages)]

    def _send(self, number: int) -> None:
        log.debug("sending %s to process %d", signal.Signals(number).name, self._process.pid)
        child = [self._process.pid] if self._running() else []
        for pid in (*child, *self._relatives()):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _relatives(self) -> list[int]:
        """What the child started, as long as it runs; of restic, only what is in its group."""
        table = processes.running()
        self._family = {
            pid: began
            for pid, began in self._family.items()
            if pid in table and table[pid].began == began
        }
        waiting = [self._process.pid, *self._family]
        while waiting:
            parent = waiting.pop()
            found = {pid: row.began for pid, row in table.items() if row.parent == parent}
            waiting += found.keys() - self._family.keys()
            self._family |= found
        return [pid for pid in self._family if not self._patient or table[pid].group == self._group]


@contextlib.contextmanager
def _end_of(pid: int) -> Iterator[list[int]]:
    """A descriptor that is ready when the process ends; none where the kernel has no such thing."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        yield []
        return
    try:
        yield [descriptor]
    finally:
        os.close(descriptor)


def foreground_group() -> int | None:
    """The process group that has the terminal; None when we have no terminal."""
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return None
    try:
        return os.tcgetpgrp(terminal)
    except OSError:
        return None
    finally:
        os.close(terminal)
