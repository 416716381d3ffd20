"""What happens to the output of a child: passed on, told line by line, kept."""

from __future__ import annotations

import codecs
import errno
import logging
import math
import os
import re
import select
import time
from collections.abc import Callable

import msgspec

from resticprof.errors import OutputLost

log = logging.getLogger("resticprof")

KEPT = 64 * 1024  # bytes of each stream; fits into one environment variable (128 KiB)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\].*?(?:\x07|\x1b\\)")
LONGEST = 16 * 1024 * 1024  # characters; a longer line is told in pieces
HELD = 64 * 1024  # bytes of a line without an end that are held back
PAUSE = 0.5  # seconds without a word after which a line without an end is a prompt


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """What to do with one output stream; with `echo` alone the child writes to ours itself."""

    echo: bool = True  # pass the bytes on to our stream of the same name, as they come
    lines: Callable[[str], None] | None = None  # is told each line, without its end
    keep: bool = False  # keep the end for the `Result`
    raw: Callable[[bytes], None] | None = None  # is told the bytes as they come
    words: Callable[[bytes], None] | None = None  # is told whole lines, with their ends

    @property
    def inherited(self) -> bool:
        """Whether the child may have our own stream, so that a terminal stays one."""
        return self.echo and not (self.lines or self.keep or self.raw or self.words)


def without_control(text: str) -> str:
    """The text without colours, and whatever else a terminal does not show as letters."""
    return _CONTROL.sub("", text)


class Output:
    """The receivers of one stream of one child. `BrokenPipeError`: they want no more of it."""

    def __init__(self, stream: Stream, descriptor: int) -> None:
        self._tail = Tail()
        self._lines = Lines(stream.lines) if stream.lines else None
        self._words = Words(stream.words) if stream.words else None
        receivers = (
            Writer(descriptor) if stream.echo else None,
            stream.raw,
            self._words,
            self._tail if stream.keep else None,
            self._lines,
        )
        self._receivers = [receiver for receiver in receivers if receiver]

    def write(self, data: bytes) -> None:
        """Hand on what the child wrote."""
        for receiver in self._receivers:
            receiver(data)

    def mute(self) -> None:
        """Hand on nothing any more."""
        self._receivers.clear()
        self._lines = None
        self._words = None

    @property
    def due(self) -> float:
        """When a line without an end is to be handed on, by the monotonic clock."""
        return self._words.due if self._words else math.inf

    def pause(self) -> None:
        """There is nothing more to read just now."""
        if self._words and time.monotonic() >= self._words.due:
            self._words.finish()

    def finish(self) -> None:
        """Hand on the last line, if it had no end."""
        for receiver in (self._lines, self._words):
            if receiver:
                receiver.finish()

    @property
    def text(self) -> str:
        """The end that was kept."""
        return self._tail.text


class Writer:
    """Passes bytes on to one of our own streams, `needed` or not.

    When it cannot be written to, nobody reads it any more or its disk is full. What is needed is an
    `OutputLost` then. Other words get lost, which is told once: work does not end for them.
    """

    def __init__(self, descriptor: int, *, needed: bool = False) -> None:
        self._descriptor = descriptor
        self._needed = needed
        self._lost = False

    def __call__(self, data: bytes) -> None:
        try:
            while data and not self._lost:
                data = data[self._written(data) :]
        except OSError as error:
            self._lost = True
            loss = lost(self._descriptor, error)
            if self._needed:
                raise loss from error
            log.warning("%s; the run goes on without", loss)

    def _written(self, data: bytes) -> int:
        try:
            return os.write(self._descriptor, data)
        except BlockingIOError:  # whoever gave it to us does not want to wait, but we do
            select.select([], [self._descriptor], [])
            return 0


def lost(descriptor: int, error: OSError) -> OutputLost:
    """Why one of our own streams takes nothing more."""
    name = "standard error" if descriptor == 2 else "standard output"
    ended = error.errno == errno.EPIPE
    reason = "nobody reads it any more" if ended else error.strerror
    return OutputLost(f"cannot write to {name}: {reason}", ended=ended)


class Lines:
    """Cuts bytes into lines of text; what is not UTF-8 becomes `\N{REPLACEMENT CHARACTER}`."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._parts: list[str] = []
        self._length = 0

    def __call__(self, data: bytes) -> None:
        *lines, rest = self._decoder.decode(data).split("\n")
        for line in lines:
            self._end(line)
        self._parts.append(rest)
        self._length += len(rest)
        if self._length > LONGEST:
            self._end("")

    def finish(self) -> None:
        """Tell what is left."""
        rest = self._decoder.decode(b"", final=True)
        if rest or any(self._parts):
            self._end(rest)

    def _end(self, end: str) -> None:
        line = "".join([*self._parts, end])
        self._parts.clear()
        self._length = 0
        self._tell(line.removesuffix("\r"))


class Words:
    """Hands on whole lines, so that what is looked for in them is never cut in two.

    A progress line ends with its `\\r`. A line without an end is handed on when the child pauses
    behind it, as behind a question, or when it is too long.
    """

    def __init__(self, tell: Callable[[bytes], None]) -> None:
        self._tell = tell
        self._held = b""
        self.due = math.inf

    def __call__(self, data: bytes) -> None:
        self._held += data
        end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
        if end:
            self._hand_on(len(self._held) - len(data) + end)
        elif len(self._held) > HELD:
            self._hand_on(self._held.rfind(b" ") + 1 or len(self._held))
        self.due = time.monotonic() + PAUSE if self._held else math.inf

    def finish(self) -> None:
        """Hand on what is left."""
        self.due = math.inf
        if self._held:
            self._hand_on(len(self._held))

    def _hand_on(self, size: int) -> None:
        told, self._held = self._held[:size], self._held[size:]
        self._tell(told)


class Tail:
    """Keeps the last whole lines; of a line that is too long by itself, its end."""

    def __init__(self, limit: int = KEPT) -> None:
        self._limit = limit
        self._data = bytearray()

    def __call__(self, data: bytes) -> None:
        self._data += data[-2 * self._limit :]
        if len(self._data) > 4 * self._limit:
            del self._data[: -2 * self._limit]

    @property
    def text(self) -> str:
        """What was kept."""
        data = bytes(self._data)
        if len(data) > self._limit:
            start = len(data) - self._limit
            end_of_line = data.find(b"\n", start - 1, -1)
            data = data[end_of_line + 1 if end_of_line >= 0 else start :]
        return data.decode(errors="replace")
