"""Fill in the format of `printf` as Go's package fmt does."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from resticprof.errors import TemplateError
from resticprof.templates import printing, values
from resticprof.templates.buffer import Buffer
from resticprof.templates.printing import Verb

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDEST = 1_000_000
"""A wider column, or a longer number, is refused; the same limit as in Go."""

_DIRECTIVE = r"""
    %(?P<flags>[-+\#\ 0]*)
    (?:\[(?P<width_at>[^\]]*)\])? (?P<width>\*|[0-9]+)?
    (?P<dot>\. (?:\[(?P<precision_at>[^\]]*)\])? (?P<precision>\*|[0-9]+)?)?
    (?:\[(?P<value_at>[^\]]*)\])? (?P<letter>.)?
"""


def printf(template: object, *arguments: object) -> str:
    """Fill in the arguments; mistakes are shown in the text, as `%!d(string=x)`, as in Go."""
    if not isinstance(template, str):
        raise TemplateError(f"the format must be text, not {values.type_name(template)}")
    out = Buffer()
    source = _Arguments(arguments)
    end = 0
    for found in re.finditer(_DIRECTIVE, template, re.VERBOSE | re.DOTALL):
        out.write(template[end : found.start()])
        end = found.end()
        _directive(found, source, out)
    out.write(template[end:])
    for position, extra in enumerate(source.left()):
        out.write(", " if position else "%!(EXTRA ")
        out.write(printing.typed(extra))
    out.write(")" if source.left() else "")
    return str(out)


class _Arguments:
    """The arguments of `printf`, taken in order unless an index such as `[2]` says otherwise."""

    def __init__(self, items: Sequence[object]) -> None:
        self.items = items
        self.next = 0
        self.reordered = False
        self.lost = False  # an index of this directive leads nowhere

    def jump(self, index: str | None) -> None:
        if index is None:
            return
        self.reordered = True
        position = int(index) - 1 if index.isdecimal() and len(index) < 9 else -1
        if 0 <= position < len(self.items):
            self.next = position
        else:
            self.lost = True

    def take(self) -> object:
        """The next one; raises `IndexError`."""
        if self.lost or self.next >= len(self.items):
            raise IndexError
        self.next += 1
        return self.items[self.next - 1]

    def left(self) -> Sequence[object]:
        return () if self.reordered else self.items[self.next :]


def _directive(found: re.Match[str], source: _Arguments, out: Buffer) -> None:
    letter, flags = found["letter"], found["flags"]
    source.lost = False
    source.jump(found["width_at"])
    width = _size(found["width"], source, "WIDTH", out) or 0
    if width < 0:
        width, flags = -width, flags + "-"
    precision: int | None = None
    if found["dot"]:
        source.jump(found["precision_at"])
        precision = _size(found["precision"] or "0", source, "PREC", out)
    source.jump(found["value_at"])
    if not letter:
        out.write("%!(NOVERB)")
        return
    if letter == "%":
        out.write("%")
        return
    try:
        value = source.take()
    except IndexError:
        out.write(f"%!{letter}({'BADINDEX' if source.lost else 'MISSING'})")
        return
    printing.write(value, _verb(letter, flags, width, precision), out)


def _size(text: str | None, source: _Arguments, name: str, out: Buffer) -> int | None:
    """A width or precision; a bad one is shown and counts as none."""
    if not text:
        return None
    value: object = None
    if text != "*":
        value = int(text) if len(text) < 9 else None
    else:
        with suppress(IndexError):
            value = source.take()
    least = -WIDEST if name == "WIDTH" else 0
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= WIDEST:
        return int(value)
    out.write(f"%!(BAD{name})")
    return None


def _verb(letter: str, flags: str, width: int, precision: int | None) -> Verb:
    if letter != "v":
        return Verb(letter, flags, width, precision)
    return Verb(
        letter,
        flags.replace("+", "").replace("#", ""),
        width,
        precision,
        named="+" in flags,
        source="#" in flags,
    )
