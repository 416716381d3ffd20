"""Text that grows up to a limit, and knows its lines."""

from __future__ import annotations

import re

import msgspec

from resticprof.templates.limits import check_size


class Rendered(msgspec.Struct, frozen=True):
    """What a template gave; `lines[i]` is the line of the template behind line i + 1 of the text.

    Without `lines` the text is the template itself, line by line.
    """

    text: str
    lines: tuple[int, ...] = ()


class Buffer:
    """Pieces of text; `write` raises `TemplateError` at the limit."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0
        self._marks: list[tuple[int, int, bool]] = []  # position, line, whether it moves on

    def write(self, piece: str) -> None:
        self._size += len(piece)
        check_size(self._size)
        self._pieces.append(piece)

    def mark(self, line: int, *, moves: bool) -> None:
        """What comes next is from this line of the template; with `moves`, from those below too."""
        self._marks.append((self._size, line, moves))

    def rendered(self) -> Rendered:
        """The text with the lines of the marks."""
        text = str(self)
        marks = [*self._marks, (len(text) + 1, 0, False)]
        lines: list[int] = []
        index, at, line, moves = 0, 0, 1, True
        for start in (0, *(match.end() for match in re.finditer("\n", text))):
            while marks[index][0] <= start:
                at, line, moves = marks[index]
                index += 1
            line += moves and at < start  # the newline that ends here was part of it
            at = min(at, start)
            lines.append(line)
        return Rendered(text, tuple(lines))

    def __str__(self) -> str:
        return "".join(self._pieces)
