"""What `check-config` finds, and where it was written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from resticprof.config.tree import Node, is_reference
from resticprof.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

Keys = tuple[str | int, ...]
"""The way to a value: keys, and numbers in lists."""


class Finding(msgspec.Struct, frozen=True, order=True):
    """One line of `check-config`. An error makes a run fail; a warning may be meant."""

    file: str
    line: int
    key: str
    text: str
    severity: str = "error"

    def __str__(self) -> str:
        problem = Problem(self.text, file=self.file, line=self.line, key=self.key)
        return f"{self.severity}: {problem}"


def of_problem(problem: Problem, severity: str = "error") -> Finding:
    """A mistake that was met when the configuration was read."""
    return Finding(problem.file, problem.line, problem.key, problem.text, severity)


class Subject(msgspec.Struct, frozen=True):
    """What is checked: a name, and the tree that says where its values were written."""

    name: str
    node: Node

    def finding(self, where: Keys, text: str, severity: str = "error") -> Finding:
        """What is wrong with the value below these keys."""
        path = self.name
        for number, key in enumerate(where):
            if isinstance(key, str):
                path += f".{key}"
            elif self.node.at(*where[:number]).items:  # not for one value that stands for a list
                path += f"[{key}]"
        place = self.node.at(*where).place
        return Finding(place.file, place.line, path, text, severity)

    def is_reference(self, where: Keys) -> bool:
        """Whether the value is a secret reference, of which only the run knows the value."""
        return is_reference(self.node.at(*where))


def each(value: Any, where: Keys) -> Iterator[tuple[Keys, Any]]:
    """A value with its place, or every item of a list with its own."""
    if isinstance(value, tuple):
        for number, item in enumerate(value):
            yield (*where, number), item
    else:
        yield where, value
