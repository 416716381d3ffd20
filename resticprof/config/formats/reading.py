"""What every reader needs: lines of positions, tables without duplicate keys, limits."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING

from resticprof.config.tree import Node, Scalar
from resticprof.errors import ConfigError, Problem
from resticprof.model.types import Place

if TYPE_CHECKING:
    from collections.abc import Sequence

Value = Scalar | list[Node] | dict[str, Node]
"""What a node holds."""

MAX_DEPTH = 100
"""Levels of nesting. No configuration comes near; deeper ones would exhaust Python's stack."""


class Lines:
    """The lines of one text: which place a position has, and problems that name that place.

    `origins` are the lines of the file behind the lines of the text, when a template made it.
    """

    def __init__(self, text: str, file: str, origins: Sequence[int] = ()) -> None:
        self.text = text
        self._origins = origins
        self._ends = [match.start() for match in re.finditer("\n", text)]
        self._last = len(text.rstrip())  # an unexpected end is shown where the text ends
        self.file = file

    def place(self, position: int) -> Place:
        """The line of a position that is counted in characters from 0."""
        line = bisect_left(self._ends, position)
        return Place(self.file, self._origins[line] if self._origins else line + 1)

    def problem(self, text: str, position: int, *, key: str = "") -> ConfigError:
        """A mistake at a position, to be raised."""
        return problem(text, self.place(min(position, self._last)), key=key)

    def check_depth(self, depth: int, position: int) -> None:
        """Refuse what is nested so deep that it cannot be meant."""
        if depth > MAX_DEPTH:
            raise self.problem(f"nested more than {MAX_DEPTH} levels deep", position)


def problem(text: str, place: Place, *, key: str = "") -> ConfigError:
    """One mistake, to be raised."""
    return ConfigError(Problem(text, file=place.file, line=place.line, key=key))


def put(table: dict[str, Node], node: Node) -> None:
    """Add an entry under its key, whatever its case; a second one is a problem."""
    first = table.setdefault(node.key.lower(), node)
    if first is node or repeats(first, node):
        return
    spelled = "" if first.key == node.key else f" as `{first.key}`"
    text = f"the key is already there{spelled} in line {first.place.line}; remove one of the two"
    raise problem(text, node.place, key=node.key)


def repeats(first: Node, second: Node) -> bool:
    """Whether this is the same once more in another case: `http_proxy` and `HTTP_PROXY`, say."""
    return first.key != second.key and first.plain() == second.plain()


def mend(text: str) -> str:
    r"""Text whose halves of surrogate pairs (`\ud83d\ude00`) are joined, and lone ones replaced."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
