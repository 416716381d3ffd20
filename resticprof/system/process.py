"""Start programs, follow them to their end, and stop them in time: the only place that does.

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
import errno
import logging
import math
import os
import selectors
import shlex
import signal
import subprocess
import time
from typing import IO, TYPE_CHECKING

import msgspec

from resticprof.errors import CommandError, Interrupted
from resticprof.model.run import Command, Result
from resticprof.model.types import Duration
from resticprof.system import processes, service
from resticprof.system.feed import FAILED, Feed, Fill, OurInput
from resticprof.system.signals import Bell, Signals
from resticprof.system.streams import Output, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger("resticprof")

STAGES = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
GRACE = 5.0  # seconds from one stage to the next
DOUBT = 2.0  # seconds after which a Ctrl-C that the child did not follow is passed on
SEEN = 2.0  # seconds after which a child has surely seen a signal
PATIENCE = 300.0  # seconds for restic to end, also when a wrapper script ended before it
LINGER = 2.0  # seconds without a word after which we stop listening to what a child left behind

CHUNK = 64 * 1024


class Streams(msgspec.Struct, frozen=True, kw_only=True):
    """Where the standard streams of a child lead.

    Commands as `stdin` run one after the other, and the child reads what they print. It is not
    started when they fail before they print anything; it is interrupted when they fail later.
    Both raise `CommandError`. Our own input passes through us, so that a child that waits for it
    can be stopped. Without `stdin` there is nothing to read.
    """

    stdin: OurInput | bytes | tuple[Command, ...] | None = None
    stdout: Stream = Stream()
    stderr: Stream = Stream()
    source: str = "standard input"  # what errors call the commands of `stdin`


PASSED_ON = Streams()
CAPTURED = Streams(stdout=Stream(echo=False, keep=True), stderr=Stream(echo=False, keep=True))


def run(
    command: Command,
    streams: Streams = PASSED_ON,
    *,
    timeout: float | None = None,
    patient: bool = False,
    on_start: Callable[[int], None] | None = None,
    signals: Signals | None = None,
) -> Result:
    """Run a program to its end. What cannot be started ends with 126 or 127, as in a shell.

    `on_start` is told the process id. Raises `Interrupted` instead of starting anything when a
    signal came that was not told yet. A signal during the run is told by `Result.interrupted` if
    the program failed; if it ended well in spite of it, the signal is still to be told.
    """
    signals = signals or Signals.active()
    outputs = (Output(streams.stdout, 1), Output(streams.stderr, 2))
    with contextlib.ExitStack() as stack:
        bell = stack.enter_context(signals.bell())
        signals.check()
        log.debug("starting: %s", shlex.join(command.shown))
        fill = _input_of(streams)
        feed = Feed(fill, signals, bell) if fill else None
        stdin = stack.enter_context(feed or _plain_input(streams.stdin))
        started = time.monotonic()
        try:
            process = _start(command, streams, stdin)
        except (OSError, ValueError) as error:
            return _not_started(command, error, outputs)
        if feed:
            feed.handed_over()
        child = _Child(process, outputs, bell, feed, patient=patient, timeout=timeout)
        child.follow(on_start)
    failure = feed.failure if feed else None
    interrupted = child.interrupted if process.returncode else 0
    if child.interrupted and (interrupted or failure):
        signals.acknowledge()
    if failure and not interrupted:
        raise failure
    return Result(
        command=command,
        exit_code=process.returncode,
        stdout=outputs[0].text,
        stderr=outputs[1].text,
        seconds=child.ended - started,
        timed_out=child.timed_out,
        interrupted=interrupted,
    )


def ask(command: Command, *, timeout: float | None = None) -> Result:
    """Run a program for what it says. A signal that ends it is not its answer: `Interrupted`."""
    result = run(command, CAPTURED, timeout=timeout)
    if result.interrupted:
        raise Interrupted(result.interrupted)
    return result


@contextlib.contextmanager
def companion(purpose: str, words: tuple[str, ...]) -> Iterator[None]:
    """A program that runs beside us until the end of its standard input, which is our end too.

    That it cannot be started, or fails, is a warning, which names the purpose.
    """
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        log.warning("%s: cannot start `%s`: %s", purpose, words[0], error.strerror)
        yield
        return
    try:
        yield
    finally:
        try:
            _, said = process.communicate(timeout=GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            _, said = process.communicate()
        if process.returncode:
            reason = said.decode(errors="replace").strip() or f"exit status {process.returncode}"
            log.warning("%s: `%s`: %s", purpose, words[0], reason)


def cause(result: Result) -> str:
    """Why a program failed, in the words of Go: `exit status 5`, `signal: interrupt`."""
    if result.timed_out:
        return f"stopped after {Duration(round(result.seconds, 1))}, its time limit"
    if result.exit_code < 0:
        name = signal.strsignal(-result.exit_code) or str(-result.exit_code)
        return f"signal: {name.lower()}"
    return f"exit status {result.exit_code}"


def _input_of(streams: Streams) -> Fill | None:
    """What fills the standard input of a child by and by."""
    commands = streams.stdin
    if isinstance(commands, OurInput):
        return commands
    if not isinstance(commands, tuple):
        return None

    def run_them(feed: Feed) -> None:
        said = msgspec.structs.replace(streams.stderr, keep=True)
        into = Streams(stdout=Stream(echo=False, raw=feed.write), stderr=said)
        for command in commands:
            result = run(command, into, signals=feed.signals)
            if result.exit_code and feed.wanted:
                raise CommandError(
                    f"{streams.source}: {cause(result)}",
                    command_line=shlex.join(command.shown),
                    exit_code=result.exit_code,
                    stderr=result.stderr,
                )

    return run_them


@contextlib.contextmanager
def _plain_input(source: object) -> Iterator[int]:
    """A descriptor that bytes can be read from, or nothing."""
    if not isinstance(source, bytes):
        yield subprocess.DEVNULL
        return
    descriptor = os.memfd_create("stdin")
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(source)
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


def _start(command: Command, streams: Streams, stdin: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command.argv,
        bufsize=0,
        stdin=stdin,
        stdout=None if streams.stdout.inherited else subprocess.PIPE,
        stderr=None if streams.stderr.inherited else subprocess.PIPE,
        env=command.env,
        cwd=command.cwd,
        start_new_session=_foreground_group() is None,
    )


def _foreground_group() -> int | None:
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


def _not_started(command: Command, error: Exception, outputs: tuple[Output, Output]) -> Result:
    """The result of a program that could not be started; the reason is its stderr."""
    name = command.shown[0]
    code, reason = 126, str(error)
    if isinstance(error, OSError):
        reason = error.strerror or str(error)
        if error.errno == errno.E2BIG:
            size = sum(len(word) for word in command.argv)
            size += sum(len(key) + len(value) for key, value in (command.env or {}).items())
            reason = f"arguments and environment are too large ({size} characters)"
        elif error.filename == command.cwd is not None:
            reason = f"cannot enter directory `{command.cwd}`: {reason}"
        elif error.errno == errno.ENOENT:
            code, reason = 127, "no such program"
    text = f"cannot start `{name}`: {reason}\n"
    outputs[1].write(text.encode(errors="replace"))
    outputs[1].finish()
    return Result(command=command, exit_code=code, stderr=text)


class _Child:
    """A running child: hands on what it writes, and stops it when that is asked for."""

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
        self.interrupted = 0
        self.timed_out = False
        self.ended = math.inf

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
        self.ended = min(self.ended, time.monotonic())
        return False

    def _worth_listening(self, heard: float) -> bool:
        """Something that the child left behind may hold its output open for ever."""
        now = time.monotonic()
        silence = now - max(heard, self.ended)
        return bool(self._pipes) and silence < LINGER and now - self.ended < 10 * LINGER

    def _outlived(self) -> bool:
        """Whether the child, which was told to stop, left something that still runs."""
        if self._patient and self._requests:
            return time.monotonic() - self.ended < PATIENCE and bool(self._relatives())
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
            by_terminal = number == signal.SIGINT and _foreground_group() == os.getpgrp()
            self.interrupted = number
            self._stop(later=DOUBT if by_terminal and not self._requests else 0)

    def _advance(self) -> None:
        now = time.monotonic()
        if now >= self._deadline:
            self._deadline = math.inf
            if not self._requests:
                self.timed_out = True
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
