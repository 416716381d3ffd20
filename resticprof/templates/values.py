"""Values as Go's templates treat them: types, truth, fields, comparison, indexing.

Texts, integers, floats, booleans, lists, dicts and `None` stand for Go's own, `Struct`s for its
structs. What is true for Python is true for Go.
Mistakes are `TemplateError`s without a place, which the evaluation adds.
"""

from __future__ import annotations

import operator
from datetime import datetime
from functools import cache
from types import NoneType
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import TemplateError, did_you_mean
from resticprof.templates import data, gotime, literals
from resticprof.templates.data import TextMap
from resticprof.templates.gotime import Method, Time

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


def of(value: object) -> object:
    """A value from outside, as templates know it. Every value that is taken out passes here."""
    value = data.plain(value)
    if isinstance(value, datetime):
        return Time(value if value.tzinfo else value.astimezone())
    return value


def type_name(value: object) -> str:
    """How Go calls the type, for messages."""
    if name := gotime.TYPE_NAMES.get(type(value)):
        return name
    return next((name for kind, name in _TYPES if isinstance(value, kind)), type(value).__name__)


_TYPES: tuple[tuple[type, str], ...] = (
    (NoneType, "<nil>"),
    (bool, "bool"),
    (int, "int"),
    (float, "float64"),
    (str, "string"),
    (TextMap, "map[string]string"),
    (dict, "map[string]interface {}"),
    (list, "[]interface {}"),
    (tuple, "[]interface {}"),
)


def pairs(value: object) -> Iterator[tuple[object, object]]:
    """What `range` goes through: index or key, and element; maps in the order of their keys."""
    match value:
        case None:
            return iter(())
        case int() if not isinstance(value, bool):
            return ((number, number) for number in range(int(value)))
        case list() | tuple():
            return iter(enumerate(value))
        case dict():
            return iter(sorted(value.items(), key=operator.itemgetter(0)))
        case _:
            pass
    raise TemplateError(f"`range` cannot go through a value of type {type_name(value)}")


# ── fields and methods ──


def method(value: object, name: str) -> Method | None:
    """A method that templates may call on a value."""
    return gotime.METHODS.get(type(value), {}).get(name)


def field(value: object, name: str) -> object:
    """The field of a struct, or the value at a key; nothing where there is nothing."""
    match value:
        case None:
            return None
        case dict():
            return of(value.get(name))
        case msgspec.Struct() if name in _names(value):
            return of(data.field(value, name))
        case _:
            pass
    meant = did_you_mean(name, _names(value))
    raise TemplateError(f"there is no `{name}` in a value of type {type_name(value)}{meant}")


def _names(value: object) -> Collection[str]:
    """What can be taken from a value; here a field has Go's spelling only."""
    if isinstance(value, msgspec.Struct) and type(value) not in gotime.METHODS:
        return _fields(type(value))
    return gotime.METHODS.get(type(value), {})


@cache
def _fields(kind: type[msgspec.Struct]) -> Collection[str]:
    return [name for name in data.spellings(kind) if name[:1].isupper()]


# ── comparison ──


def _kind(value: object) -> type:
    """Values of one kind can be compared: all integers with each other, but not with floats."""
    kinds: tuple[type, ...] = (bool, int, float, str)
    return next((kind for kind in kinds if isinstance(value, kind)), object)


def equal(first: object, *others: object) -> bool:
    """Whether the first is equal to any of the others."""
    if not others:
        raise TemplateError("there is nothing to compare with")
    return any(_same(first, other) for other in others)


def _same(first: object, other: object) -> bool:
    if first is None or other is None:
        return first is other
    if _kind(first) is not _kind(other):
        raise TemplateError(f"{type_name(first)} and {type_name(other)} cannot be compared")
    for value in (first, other):
        if isinstance(value, dict | list | tuple):
            raise TemplateError(f"values of type {type_name(value)} cannot be compared")
    return first == other


def less(first: object, other: object) -> bool:
    """Whether one number or text comes before another; texts in the order of their characters."""
    if isinstance(first, str) and isinstance(other, str):
        return first < other
    same = _kind(first) is _kind(other) is not bool
    if same and isinstance(first, int | float) and isinstance(other, int | float):
        return first < other
    raise TemplateError(f"{type_name(first)} and {type_name(other)} have no order")


# ── length, index, slice ──


def length(value: object) -> int:
    """Elements of a list or map, bytes of a text."""
    if isinstance(value, str):
        return len(literals.to_bytes(value))
    if isinstance(value, dict | list | tuple):
        return len(value)
    raise TemplateError(f"a value of type {type_name(value)} has no length")


def index(value: object, *indexes: object) -> object:
    """`index x 1 2` is `x[1][2]`; a missing key gives nothing, a missing element is a mistake."""
    if value is None:
        raise TemplateError("nothing cannot be indexed")
    for step in indexes:
        value = of(_element(value, step))
    return value


def _element(value: object, step: object) -> object:
    match value:
        case TextMap():
            return value.get(_key(step), "")
        case dict():
            return value.get(_key(step))
        case list() | tuple():
            return value[_position(step, len(value) - 1)]
        case str():
            characters = literals.to_bytes(value)
            return characters[_position(step, len(characters) - 1)]
        case _:
            pass
    raise TemplateError(f"a value of type {type_name(value)} cannot be indexed")


def _key(step: object) -> str:
    if not isinstance(step, str):
        raise TemplateError(f"the key of a map must be text, not {type_name(step)}")
    return step


def _position(step: object, last: int) -> int:
    if not isinstance(step, int) or isinstance(step, bool):
        raise TemplateError(f"an index must be an integer, not {type_name(step)}")
    if not 0 <= step <= last:
        raise TemplateError(f"the index {int(step)} is not in the range from 0 to {last}")
    return step


def cut(value: object, *indexes: object) -> object:
    """`slice x 1 2` is `x[1:2]`, in bytes for a text; a third index changes nothing here."""
    if len(indexes) > (2 if isinstance(value, str) else 3):
        raise TemplateError("too many indexes")
    if not isinstance(value, str | list | tuple):
        raise TemplateError(f"a value of type {type_name(value)} cannot be sliced")
    size = length(value)
    bounds = [_position(step, size) for step in indexes]
    start, end = [*bounds, size][:2] if bounds else (0, size)
    if sorted(bounds) != bounds:
        raise TemplateError(f"the indexes {', '.join(str(int(each)) for each in bounds)} must rise")
    if isinstance(value, str):
        return literals.from_bytes(literals.to_bytes(value)[start:end])
    return value[start:end]
