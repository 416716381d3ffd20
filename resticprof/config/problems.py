"""What is wrong with a configuration, collected so that all of it is told in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.errors import ConfigError, Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection

    from resticprof.config.tree import Node


class Problems:
    """Mistakes in three degrees: an error, an unknown key, and what works but is not as meant."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.unknown: list[Problem] = []  # errors under `global.strict` and in `check-config`
        self.advice: list[Problem] = []

    def problem(self, node: Node, path: str, text: str) -> None:
        """Remember a mistake and its place; once, however often it is met."""
        _add(self.problems, at(node, path, text))

    def unknown_key(self, node: Node, path: str, known: Collection[str], hint: str = "") -> None:
        """Remember a key that nobody knows, with the nearest one that exists, or else the hint."""
        spelled = node.key or path.rpartition(".")[2]
        meant = did_you_mean(spelled.lower(), known)
        self.unknown.append(at(node, path, f"unknown key{meant or hint}"))

    def advise(self, node: Node, path: str, text: str) -> None:
        """Remember something that works, but should be changed; once, too."""
        _add(self.advice, at(node, path, text))

    def settle(self) -> None:
        """Raise `ConfigError` when there is an error."""
        if self.problems:
            raise ConfigError(*self.problems)


def _add(told: list[Problem], found: Problem) -> None:
    if str(found) not in map(str, told):
        told.append(found)


def at(node: Node, path: str, text: str) -> Problem:
    """A mistake where a node was written."""
    return Problem(text, file=node.place.file, line=node.place.line, key=path)
