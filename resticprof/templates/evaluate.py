"""Carry out a parsed template in Go's language."""

from __future__ import annotations

import inspect
from collections import ChainMap
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import TemplateError
from resticprof.templates import printing, values
from resticprof.templates.buffer import Buffer, Rendered
from resticprof.templates.limits import Steps
from resticprof.templates.nodes import (
    Action,
    Call,
    Chain,
    Command,
    Dot,
    Function,
    If,
    Jump,
    Literal,
    Nil,
    Node,
    Operand,
    Pipeline,
    Range,
    Template,
    Text,
    Variable,
    With,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resticprof.templates.gotime import Method

DEEPEST = 60
"""Templates that call each other; ours is a recursive program, too."""
LAZY = ("and", "or")
"""Functions that do not look at all of their arguments."""

_MISSING = object()


class Frame(msgspec.Struct, frozen=True):
    """What the nodes of one body see. `depth` counts the calls of templates around it."""

    file: str
    dot: object
    variables: ChainMap[str, object]
    depth: int = 0

    def inner(self, dot: object) -> Frame:
        """The body of a statement: it sees all variables around it, and its own end with it."""
        return Frame(self.file, dot, self.variables.new_child(), self.depth)


class _Break(Exception):
    """`{{ break }}`."""


class _Continue(Exception):
    """`{{ continue }}`."""


def execute(
    template: Template,
    data: object,
    *,
    templates: Mapping[str, Template],
    functions: Mapping[str, Callable[..., object]],
) -> Rendered:
    """The text that a template gives; `templates` are those that it can call."""
    execution = _Execution(templates, functions)
    execution.template(template, values.of(data), 0)
    return execution.out.rendered()


class _Execution:
    def __init__(
        self,
        templates: Mapping[str, Template],
        functions: Mapping[str, Callable[..., object]],
    ) -> None:
        self.templates = templates
        self.functions = functions
        self.out = Buffer()
        self.steps = Steps()

    # ── statements ──

    def template(self, template: Template, data: object, depth: int) -> None:
        self.body(template.body, Frame(template.file, data, ChainMap({"$": data}), depth))

    def body(self, nodes: tuple[Node, ...], frame: Frame) -> None:
        for node in nodes:
            try:
                self.steps.take()
                if not frame.depth:
                    self.out.mark(node.line, moves=isinstance(node, Text))
                self.node(node, frame)
            except TemplateError as error:
                if error.line:
                    raise
                raise TemplateError(error.text, file=frame.file, line=node.line) from error
            except (ValueError, ArithmeticError, OSError) as error:
                raise TemplateError(str(error), file=frame.file, line=node.line) from error

    def node(self, node: Node, frame: Frame) -> None:
        match node:
            case Text():
                self.out.write(node.text)
            case Action():
                self.action(node, frame)
            case If() | With():
                inner = frame.inner(frame.dot)
                value = self.pipeline(node.pipeline, inner)
                if value and isinstance(node, With):
                    inner = msgspec.structs.replace(inner, dot=value)
                self.body(node.body if value else node.otherwise, inner)
            case Range():
                with suppress(_Break):
                    self.loop(node, frame)
            case Call():
                self.call_template(node, frame)
            case Jump():
                raise _Break if node.word == "break" else _Continue

    def action(self, node: Action, frame: Frame) -> None:
        value = self.pipeline(node.pipeline, frame)
        if not node.pipeline.variables:
            self.out.write("<no value>" if value is None else printing.show(value))

    def loop(self, node: Range, frame: Frame) -> None:
        outer = frame.inner(frame.dot)
        value = self.pipeline(node.pipeline, outer)
        empty = True
        for key, element in values.pairs(value):
            empty = False
            self.steps.take()
            inner = outer.inner(values.of(element))
            self.declare(node.pipeline, (key, inner.dot), inner)
            with suppress(_Continue):
                self.body(node.body, inner)
        if empty:
            self.body(node.otherwise, outer)

    def call_template(self, node: Call, frame: Frame) -> None:
        data = self.pipeline(node.pipeline, frame) if node.pipeline else None
        if node.name not in self.templates:
            raise TemplateError(f"the template `{node.name}` is not defined")
        if frame.depth >= DEEPEST:
            raise TemplateError(f"the template `{node.name}` is called within itself too often")
        self.template(self.templates[node.name], data, frame.depth + 1)

    def declare(self, pipeline: Pipeline, pair: tuple[object, ...], frame: Frame) -> None:
        """Give the variables of a pipeline their values: the last of the pair, or both."""
        for name, value in zip(reversed(pipeline.variables), reversed(pair), strict=False):
            if not pipeline.assigns:
                frame.variables[name] = value
                continue
            for scope in frame.variables.maps:
                if name in scope:
                    scope[name] = value
                    break
            else:
                raise _unknown(name)

    # ── pipelines ──

    def pipeline(self, pipeline: Pipeline, frame: Frame) -> object:
        value: object = _MISSING
        for command in pipeline.commands:
            value = self.command(command, frame, value)
        self.declare(pipeline, (value, value), frame)
        return value

    def command(self, command: Command, frame: Frame, piped: object) -> object:
        """`piped` is the value of the command before: it becomes the last argument."""
        first, *arguments = command.operands
        match first:
            case Function():
                return self.function(first.name, arguments, frame, piped)
            case Chain():
                return self.chain(first, arguments, frame, piped)
            case Nil():
                raise TemplateError("`nil` cannot stand alone")
            case _:
                pass
        if arguments or piped is not _MISSING:
            raise TemplateError("arguments were given to a value that is no function")
        return self.operand(first, frame)

    def operand(self, operand: Operand, frame: Frame) -> object:
        match operand:
            case Dot():
                return frame.dot
            case Nil():
                return None
            case Literal():
                return operand.value
            case Variable():
                if operand.name not in frame.variables:
                    raise _unknown(operand.name)
                return frame.variables[operand.name]
            case Function():
                return self.function(operand.name, [], frame, _MISSING)
            case Chain():
                return self.chain(operand, [], frame, _MISSING)
            case Pipeline():
                return self.pipeline(operand, frame)

    def arguments(self, operands: list[Operand], frame: Frame, piped: object) -> list[object]:
        given = [self.operand(operand, frame) for operand in operands]
        return given if piped is _MISSING else [*given, piped]

    # ── functions, fields and methods ──

    def function(self, name: str, operands: list[Operand], frame: Frame, piped: object) -> object:
        if name in LAZY:
            return self.lazy(name, operands, frame, piped)
        arguments = self.arguments(operands, frame, piped)
        function = self.functions[name]
        try:
            _signature(function).bind(*arguments)
        except TypeError as error:
            raise TemplateError(f"`{name}` has {error}") from error
        try:
            return values.of(function(*arguments))
        except TemplateError as error:
            raise TemplateError(f"`{name}`: {error.text}") from error

    def lazy(self, name: str, operands: list[Operand], frame: Frame, piped: object) -> object:
        """`and` gives its first false argument, `or` its first true one; else both the last."""
        value = _MISSING
        for operand in operands:
            value = self.operand(operand, frame)
            if bool(value) == (name == "or"):
                return value
        value = value if piped is _MISSING else piped
        if value is _MISSING:
            raise TemplateError(f"`{name}` needs an argument")
        return value

    def chain(self, chain: Chain, operands: list[Operand], frame: Frame, piped: object) -> object:
        """Fields and methods in a row; only the last can be a method with arguments."""
        value = self.operand(chain.base, frame)
        for name in chain.names[:-1]:
            value = self.member(value, name, [])
        return self.member(value, chain.names[-1], self.arguments(operands, frame, piped))

    def member(self, value: object, name: str, arguments: list[object]) -> object:
        if method := values.method(value, name):
            return values.of(method.function(value, *_fitted(name, method, arguments)))
        field = values.field(value, name)
        if arguments:
            raise TemplateError(f"`{name}` is no method, and takes no arguments")
        return field


_signature = lru_cache(maxsize=256)(inspect.signature)


def _unknown(variable: str) -> TemplateError:
    """A variable that is assigned before it is declared, or declared in another branch."""
    return TemplateError(f"the variable `{variable}` has no value here")


def _fitted(name: str, method: Method, arguments: list[object]) -> list[object]:
    """The arguments of a method, all of them and of its types."""
    if len(arguments) != len(method.parameters):
        raise TemplateError(
            f"`{name}` takes {len(method.parameters)} arguments, not {len(arguments)}"
        )
    return [
        _fit(name, kind, argument)
        for kind, argument in zip(method.parameters, arguments, strict=True)
    ]


def _fit(name: str, kind: type, argument: object) -> object:
    if kind is int and isinstance(argument, float) and argument.is_integer():
        return int(argument)  # `1e9` nanoseconds
    if isinstance(argument, kind) and not (kind is int and isinstance(argument, bool)):
        return argument
    raise TemplateError(f"`{name}` does not take a value of type {values.type_name(argument)}")
