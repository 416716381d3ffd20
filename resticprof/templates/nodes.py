"""What a template in Go's language is made of, once it is parsed."""

from __future__ import annotations

import msgspec


class Dot(msgspec.Struct, frozen=True):
    """`.`, the value at hand."""


class Nil(msgspec.Struct, frozen=True):
    """`nil`, which can be passed to a function and nothing else."""


class Literal(msgspec.Struct, frozen=True):
    """A text, number or truth value."""

    value: str | int | float | bool


class Variable(msgspec.Struct, frozen=True):
    """`$name`, or `$` for the value the template was given."""

    name: str


class Function(msgspec.Struct, frozen=True):
    """The name of a function."""

    name: str


class Chain(msgspec.Struct, frozen=True):
    """Fields or methods of something: `.A.B`, `$x.A`, `(index .L 0).Name`."""

    base: Operand
    names: tuple[str, ...]


class Command(msgspec.Struct, frozen=True):
    """A function or method with its arguments, or one plain value."""

    operands: tuple[Operand, ...]


class Pipeline(msgspec.Struct, frozen=True):
    """Commands, each given the value of the one before, with the variables that get the result."""

    commands: tuple[Command, ...]
    variables: tuple[str, ...] = ()
    assigns: bool = False  # `=`: the variables exist already


Operand = Dot | Nil | Literal | Variable | Function | Chain | Pipeline


class Text(msgspec.Struct, frozen=True):
    """Text outside of actions."""

    text: str
    line: int


class Action(msgspec.Struct, frozen=True):
    """`{{ pipeline }}`: its value is printed unless it declares a variable."""

    pipeline: Pipeline
    line: int


class If(msgspec.Struct, frozen=True):
    """`{{ if }}`; `else if` is an `If` in `otherwise`."""

    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    line: int


class With(msgspec.Struct, frozen=True):
    """`{{ with }}`: the same, with the value as dot of the body."""

    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    line: int


class Range(msgspec.Struct, frozen=True):
    """`{{ range }}`: the body for each element, or `otherwise` when there is none."""

    pipeline: Pipeline
    body: tuple[Node, ...]
    otherwise: tuple[Node, ...]
    line: int


class Jump(msgspec.Struct, frozen=True):
    """`{{ break }}` or `{{ continue }}`."""

    word: str
    line: int


class Call(msgspec.Struct, frozen=True):
    """`{{ template "name" pipeline }}`."""

    name: str
    pipeline: Pipeline | None
    line: int


Node = Text | Action | If | With | Range | Jump | Call


class Template(msgspec.Struct, frozen=True):
    """A file, or what a `define` or `block` in it defines."""

    name: str
    file: str
    body: tuple[Node, ...]

    @property
    def blank(self) -> bool:
        """Whether it holds nothing but blanks; such a definition replaces no other."""
        return all(isinstance(node, Text) and not node.text.strip() for node in self.body)
