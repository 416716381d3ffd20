"""Read JSON, as strict as RFC 8259, and refuse duplicate keys."""

from __future__ import annotations

import re
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, NoReturn, cast

from resticprof.config.formats.reading import Lines, mend, put
from resticprof.config.tree import Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resticprof.model.types import Place

SUFFIXES = ("json",)


def parse(text: str, file: str, origins: Sequence[int] = ()) -> Node:
    """Read a JSON object. Raises `ConfigError`."""
    return _Reader(Lines(text, file, origins)).document()


class _Reader:
    """Walks through objects and lists, because the library forgets where they were written."""

    def __init__(self, lines: Lines) -> None:
        self.text = lines.text
        self.lines = lines
        self.position = 0
        self._skip_blanks = re.compile(r"[ \t\n\r]*").match
        self._decode = JSONDecoder(parse_constant=_refuse).raw_decode

    def document(self) -> Node:
        if self.next() != "{":
            raise self.lines.problem("expected a table: `{`", self.position)
        root = self.node("", self.lines.place(0), 0)
        if self.next():
            raise self.lines.problem("expected nothing after the last `}`", self.position)
        return root

    def next(self) -> str:
        """The next character after blanks; empty at the end."""
        blanks = self._skip_blanks(self.text, self.position)
        self.position = blanks.end() if blanks else self.position
        return self.text[self.position : self.position + 1]

    def node(self, key: str, place: Place, depth: int) -> Node:
        first = self.next()
        self.lines.check_depth(depth, self.position)
        if first == "{":
            return Node(self.table(depth), place, key)
        if first == "[":
            return Node(self.items(depth), place, key)
        return Node(self.scalar(), place, key)

    def table(self, depth: int) -> dict[str, Node]:
        table: dict[str, Node] = {}
        while self.more("}", empty=not table):
            if self.next() != '"':
                raise self.lines.problem('expected a key in `"`', self.position)
            place = self.lines.place(self.position)
            key = str(self.scalar())
            if self.next() != ":":
                raise self.lines.problem(f"expected `:` after `{key}`", self.position)
            self.position += 1
            put(table, self.node(key, place, depth + 1))
        return table

    def items(self, depth: int) -> list[Node]:
        items: list[Node] = []
        while self.more("]", empty=not items):
            self.next()
            items.append(self.node("", self.lines.place(self.position), depth + 1))
        return items

    def more(self, end: str, *, empty: bool) -> bool:
        """Step over what opens or separates entries; whether another one follows."""
        if empty:
            self.position += 1
            if self.next() != end:
                return True
        elif self.next() == ",":
            self.position += 1
            return True
        elif self.next() != end:
            raise self.lines.problem(f"expected `,` or `{end}`", self.position)
        self.position += 1
        return False

    def scalar(self) -> Scalar:
        try:
            value, self.position = self._decode(self.text, self.position)
        except JSONDecodeError as error:
            text = f"cannot be read as JSON: {error.msg.lower().removesuffix(' at')}"
            raise self.lines.problem(text, error.pos) from error
        except ValueError as error:  # a number with thousands of digits; NaN
            raise self.lines.problem("the number cannot be used", self.position) from error
        return mend(value) if isinstance(value, str) else cast("Scalar", value)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
