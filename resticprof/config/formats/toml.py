"""Read TOML: tomli gives the values, and a scan of the same text the line of each of them."""

from __future__ import annotations

import re
from datetime import date, time
from typing import TYPE_CHECKING, cast

from resticprof.config.formats.reading import Lines, Value, problem, put
from resticprof.config.tree import Node, Scalar
from resticprof.model.types import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resticprof.errors import ConfigError

SUFFIXES = ("toml", "conf")

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the file down to a value."""


def parse(text: str, file: str, origins: Sequence[int] = ()) -> Node:
    """Read TOML. Raises `ConfigError`. Dates and times become text, as they were written."""
    import tomli

    text = text.replace("\r\n", "\n")  # as tomli does, so that its positions are ours
    lines = Lines(text, file, origins)
    try:
        table = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise lines.problem(f"cannot be read as TOML: {_in_words(error.msg)}", error.pos) from error
    except RecursionError as error:
        raise problem("nested too deep", Place(file)) from error
    except ValueError as error:
        raise _too_long(text, lines) from error
    scan = _Scan(text, lines)
    scan.document()
    return _node(table, (), scan)


def _in_words(message: str) -> str:
    """What tomli says, with a way out, and keys as they are written: not `('home', 'x')`."""
    if message == "Invalid value":
        return "not a value; text is written in quotes"
    if message == "Cannot overwrite a value":
        return "the key is already there"
    named = re.sub(r"\(('.*?'),?\)", lambda keys: f"`{_dotted(keys[1])}`", message)
    return named[:1].lower() + named[1:]


def _dotted(keys: str) -> str:
    return ".".join(re.findall(r"'([^']*)'", keys))


def _too_long(text: str, lines: Lines) -> ConfigError:
    """Python refuses to read integers of more than 4300 digits."""
    digits = re.search(r"[\d_]{4000}", text)
    return lines.problem("the number is too long", digits.start() if digits else 0)


def _node(value: object, path: Path, scan: _Scan) -> Node:
    """A value of tomli with the place that the scan found."""
    content: Value
    if isinstance(value, dict):
        content = {}
        for name, entry in value.items():
            put(content, _node(entry, (*path, name), scan))
    elif isinstance(value, list):
        content = [_node(item, (*path, index), scan) for index, item in enumerate(value)]
    elif isinstance(value, (date, time)):
        content = scan.dates[path]
    else:
        content = cast("Scalar", value)
    key = path[-1] if path and isinstance(path[-1], str) else ""
    return Node(content, scan.lines.place(scan.positions.get(path, 0)), str(key))


class _Scan:
    """Finds where keys and items start in a text that tomli has accepted, and how dates look."""

    def __init__(self, text: str, lines: Lines) -> None:
        self.text = text
        self.lines = lines
        self.position = 0
        self.positions: dict[Path, int] = {}
        self.dates: dict[Path, str] = {}
        self._counts: dict[Path, int] = {}  # of the tables in `[[…]]`
        self._blank = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
        self._key = re.compile(r"""([\w-]+)|"(?:\\.|[^"\\])*"|'[^']*'""", re.ASCII)
        self._date = re.compile(
            r"\d{4}-\d\d-\d\d(?:[Tt ]\d\d:[\d:.]+(?:[Zz]|[+-]\d\d:\d\d)?)?|\d\d:\d\d[\d:.]*"
        )
        self._scalar = re.compile(
            r'"""(?:\\.|(?!""")[^\\])*"{3,5}'
            r"|'''(?:(?!''').)*'{3,5}"
            r'|"(?:\\.|[^"\\])*"'
            r"|'[^']*'"
            r"|[^\s,\]}#]+",
            re.DOTALL,
        )

    def document(self) -> None:
        header: Path = ()
        while self._next():
            if self._take("[["):
                header = self._keys(())
                index = self._counts.get(header, 0)
                self._counts[header] = index + 1
                header = (*header, index)
                self.positions[header] = self.position
                self._take("]]")
            elif self._take("["):
                header = self._keys(())
                self._take("]")
            else:
                self._entry(header)

    def _entry(self, parent: Path) -> None:
        path = self._keys(parent)
        self._take("=")
        self._value(path)

    def _keys(self, path: Path) -> Path:
        """Step over a dotted key; a table on the way starts where it is first mentioned."""
        while True:
            self._next()
            start = self.position
            path = (*path, self._name())
            self.lines.check_depth(len(path), start)
            self.positions.setdefault(path, start)
            self._next()
            if not self._take("."):
                return path
            if path in self._counts:
                path = (*path, self._counts[path] - 1)

    def _name(self) -> str:
        written = self._match(self._key)
        if "\\" in written and written.startswith('"'):
            import tomli

            return str(tomli.loads(f"key = {written}")["key"])
        return written[1:-1] if written[0] in "\"'" else written

    def _value(self, path: Path) -> None:
        self._next()
        self.lines.check_depth(len(path), self.position)
        if self._take("["):
            index = 0
            while self._next() != "]":
                item = (*path, index)
                self.positions[item] = self.position
                self._value(item)
                self._next()
                self._take(",")
                index += 1
            self._take("]")
        elif self._take("{"):
            while self._next() != "}":
                self._entry(path)
                self._next()
                self._take(",")
            self._take("}")
        elif date := self._match(self._date):
            self.dates[path] = date
        else:
            self._match(self._scalar)

    def _next(self) -> str:
        """The next character after blanks and comments; empty at the end."""
        self._match(self._blank)
        return self.text[self.position : self.position + 1]

    def _take(self, mark: str) -> bool:
        """Step over a mark, if it comes next."""
        taken = self.text.startswith(mark, self.position)
        self.position += len(mark) * taken
        return taken

    def _match(self, pattern: re.Pattern[str]) -> str:
        """Step over what a pattern matches; empty when it does not."""
        match = pattern.match(self.text, self.position)
        self.position = match.end() if match else self.position
        return match[0] if match else ""
