"""A parsed configuration file: plain values that remember where they were written."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

import msgspec

from resticprof.model.types import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Scalar = str | int | float | bool | datetime | date | time | None


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
