"""The functions that Go's template language brings along; `and` and `or` are in `evaluate`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from resticprof.errors import TemplateError
from resticprof.templates import literals, printf, printing, values

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_HTML = str.maketrans(
    {"\0": "\ufffd", '"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_JS = {letter: "\\" + letter for letter in "\\'\""} | {
    letter: f"\\u{ord(letter):04X}" for letter in "<>&="
}


def _joined(parts: Sequence[object]) -> str:
    return printing.join(["<no value>" if part is None else part for part in parts])


def html(*parts: object) -> str:
    """Text for HTML."""
    return _joined(parts).translate(_HTML)


def js(*parts: object) -> str:
    """Text for a string in JavaScript, which is not always one in JSON."""
    return "".join(_in_javascript(letter) for letter in _joined(parts))


def _in_javascript(letter: str) -> str:
    if letter in _JS:
        return _JS[letter]
    if letter.isprintable() or letter == "\x7f" or "\ud800" <= letter <= "\udfff":
        return letter  # the last are bytes that are not UTF-8
    return f"\\u{ord(letter):04X}"


def urlquery(*parts: object) -> str:
    """Text for the query of a URL."""
    return quote_plus(literals.to_bytes(_joined(parts)))


def call(function: object, *arguments: object) -> object:
    """Call a value that is a function."""
    if not callable(function):
        raise TemplateError(f"a value of type {values.type_name(function)} cannot be called")
    return function(*arguments)


def _negation(value: object) -> bool:
    return not value


def _less_or_equal(first: object, other: object) -> bool:
    return values.less(first, other) or values.equal(first, other)


BUILTINS: Mapping[str, Callable[..., object]] = {
    "not": _negation,
    "eq": values.equal,
    "ne": lambda first, other: not values.equal(first, other),
    "lt": values.less,
    "le": _less_or_equal,
    "gt": lambda first, other: not _less_or_equal(first, other),
    "ge": lambda first, other: not values.less(first, other),
    "len": values.length,
    "index": values.index,
    "slice": values.cut,
    "print": lambda *items: printing.join(items),
    "println": lambda *items: printing.join_line(items),
    "printf": printf.printf,
    "html": html,
    "js": js,
    "urlquery": urlquery,
    "call": call,
}
