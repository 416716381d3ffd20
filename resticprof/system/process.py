"""Start programs, and say what came of them: the only place that does."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shlex
import signal
import subprocess
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import CommandError, Interrupted
from resticprof.model.run import Command, Result
from resticprof.model.types import Duration
from resticprof.system.child import GRACE, Child, foreground_group
from resticprof.system.feed import Feed, Fill, OurInput
from resticprof.system.signals import Signals
from resticprof.system.streams import Output, Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger("resticprof")


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
        try:
            process = _start(command, streams, stdin)
        except (OSError, ValueError) as error:
            return _not_started(command, error, outputs)
        if feed:
            feed.handed_over()
        child = Child(process, outputs, bell, feed, patient=patient, timeout=timeout)
        child.follow(on_start)
    result, failure = child.result(command), feed.failure if feed else None
    if child.interrupted and (result.interrupted or failure):
        signals.acknowledge()
    if failure and not result.interrupted:
        raise failure
    return result


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
        start_new_session=foreground_group() is None,
    )


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
