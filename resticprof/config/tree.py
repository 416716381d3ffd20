"""A parsed configuration file: plain values that remember where they were written."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

import msgspec

from resticprof.model.types import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Scalar = str | int | float | bool | datetime | date | time | None


REFERENCES = frozenset({"env", "file", "command", "credential"})
"""Where a secret may come from: the one key of a table that refers to it."""


class Node(msgspec.Struct, frozen=True):
    """One value with its place, and the steps (include, inherit, mixin, …) that brought it here.

    `value` is a scalar, a list of nodes, or a table: keys in lower case to nodes, in the order of
    the file. `key` is the key as it was spelled, for messages and for names that keep their case.
    """

    value: Scalar | list[Node] | dict[str, Node]
    place: Place = Place()
    key: str = ""
    steps: tuple[str, ...] = ()

    @property
    def table(self) -> dict[str, Node]:
        """The keys of a table; nothing for any other value."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The items of a list; nothing for any other value."""
        return self.value if isinstance(self.value, list) else []

    def get(self, key: str) -> Node | None:
        """The value of a key of a table, written in lower case."""
        return self.table.get(key)

    def at(self, *keys: str | int) -> Node:
        """The value below these keys and indexes, or the nearest one above it that there is."""
        node = self
        for key in keys:
            if isinstance(key, str):
                child = node.get(key)
            elif isinstance(node.value, list):
                child = node.items[key] if key < len(node.items) else None
            else:
                child = node if key == 0 else None  # a value that counts as a list of one
            if child is None:
                break
            node = child
        return node

    def walk(self) -> Iterator[Node]:
        """This node and everything below it."""
        yield self
        for child in [*self.table.values(), *self.items]:
            yield from child.walk()

    def with_step(self, step: str) -> Node:
        """The same node, and everything below it, with one more step behind it."""
        value = self.value
        if isinstance(value, dict):
            value = {key: child.with_step(step) for key, child in value.items()}
        elif isinstance(value, list):
            value = [child.with_step(step) for child in value]
        return Node(value, self.place, self.key, (*self.steps, step))

    def with_value(self, value: Scalar | list[Node] | dict[str, Node]) -> Node:
        """Another value at the same place."""
        return Node(value, self.place, self.key, self.steps)

    def with_texts(self, change: Callable[[str], str]) -> Node:
        """The same with every text in it, keys apart, as `change` gives it."""
        value = self.value
        if isinstance(value, str):
            return self.with_value(change(value))
        if isinstance(value, dict):
            return self.with_value({key: node.with_texts(change) for key, node in value.items()})
        if isinstance(value, list):
            return self.with_value([node.with_texts(change) for node in value])
        return self

    def plain(self) -> object:
        """The value without places, as a JSON-like structure; for tests and comparisons."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def is_reference(node: Node) -> bool:
    """Whether the table is a secret reference: one key that names a source, and text."""
    if not isinstance(node.value, dict) or len(node.value) != 1:
        return False
    ((kind, target),) = node.value.items()
    return kind in REFERENCES and isinstance(target.value, str)


def scalar_text(node: Node) -> str:
    """A scalar as the reference would write it: bool 1 or 0, numbers short and without exponent."""
    value = node.value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else _decimal(value)
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return "" if value is None else str(value)


def _decimal(value: float) -> str:
    from decimal import Decimal

    return f"{Decimal(repr(value)):f}"


def describe(node: Node) -> str:
    """The kind of a value, in words; the value itself may be secret."""
    match node.value:
        case dict():
            return "a table"
        case list():
            return "a list"
        case bool():
            return "true" if node.value else "false"
        case int() | float():
            return "a number"
        case None:
            return "nothing"
        case _:
            return "text"
