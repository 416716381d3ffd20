"""Jinja2 as our templates use it; `jinja` loads it, and with it Jinja2, when there is one.

It knows both spellings of a field, keeps secrets, notes lines, and ends what has no end: rounds of
loops are counted, and texts and lists are measured where they come to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from functools import wraps
from typing import TYPE_CHECKING, Any

import msgspec
from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.compiler import CodeGenerator
from jinja2.sandbox import SandboxedEnvironment

from resticprof.errors import TemplateError
from resticprof.model.types import Secret
from resticprof.templates import data as given
from resticprof.templates.limits import Steps, check_size

if TYPE_CHECKING:
    from jinja2.compiler import Frame
    from jinja2.runtime import Context


class Generator(CodeGenerator):
    """Python code for a template, with the lines and limits that Jinja2 leaves out."""

    def visit_Output(self, node: nodes.Output, frame: Frame) -> None:  # noqa: N802 - Jinja2's name
        """Note the line of every piece; Jinja2 joins plain text, and forgets its lines."""
        for child in node.nodes:
            self.newline(child)
            super().visit_Output(nodes.Output([child], lineno=child.lineno), frame)

    def visit_For(self, node: nodes.For, frame: Frame) -> None:  # noqa: N802
        node.iter = _call("counted", node.iter)
        super().visit_For(node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.visit(_call("joined", nodes.List(node.nodes)), frame)


def _call(method: str, argument: nodes.Node) -> nodes.Call:
    """What calls a method of the environment."""
    target = nodes.EnvironmentAttribute(method)
    return nodes.Call(target, [argument], [], None, None, lineno=argument.lineno)


class Environment(SandboxedEnvironment):
    """Renders one template with these functions."""

    intercepted_binops = frozenset({"*", "**", "+", "%"})
    code_generator_class = Generator

    def __init__(self, functions: Mapping[str, Callable[..., object]]) -> None:
        super().__init__(
            undefined=StrictUndefined,
            optimized=False,  # what is evaluated before it runs has no line
            autoescape=False,  # the text becomes TOML, YAML, JSON, …, never a page
            keep_trailing_newline=True,
            finalize=self.printed,
        )
        self.globals.update(functions)
        piped = {name: _filter(function) for name, function in functions.items()}
        filters = {**piped, **self.filters}
        self.filters = {name: _limited(function) for name, function in filters.items()}
        self._steps = Steps()
        self._size = 0  # of all that was printed, wherever to

    def getattr(self, obj: object, attribute: str) -> object:
        if isinstance(obj, msgspec.Struct) and attribute in given.spellings(type(obj)):
            return given.field(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: object, argument: object) -> object:
        if isinstance(obj, msgspec.Struct):
            return self.getattr(obj, str(argument))
        return given.plain(super().getitem(obj, argument))

    def is_safe_attribute(self, obj: object, attr: str, value: object) -> bool:
        return not isinstance(obj, Secret) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Context, operator: str, left: object, right: object) -> object:
        _check_product(operator, left, right)
        return _sized(super().call_binop(context, operator, left, right))

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> object:
        return _sized(super().call(context, obj, *args, **kwargs))

    def counted(self, items: Iterable[object]) -> Iterator[object]:
        """What a loop goes through."""
        for item in items:
            self._steps.take()
            yield item

    def printed(self, value: object) -> str:
        """`{{ value }}`."""
        text = _text(value)
        self._size += len(text)
        check_size(self._size)
        return text

    def joined(self, pieces: Iterable[object]) -> str:
        """`a ~ b`."""
        return "".join(map(_text, pieces))


def _filter(function: Callable[..., object]) -> Callable[..., object]:
    """Jinja2 gives a filter the piped value first; the reference's functions want it last."""

    def piped_first(piped: object, *arguments: object) -> object:
        return function(*arguments, piped)

    return piped_first


def _limited(function: Callable[..., object]) -> Callable[..., object]:
    @wraps(function)
    def limited(*arguments: object, **named: object) -> object:
        for argument in arguments:
            _check_value(argument)
        return _sized(function(*arguments, **named))

    return limited


def _text(value: object) -> str:
    """A value as configuration files write it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    _check_value(value)
    return str(given.plain(value))


def _check_value(value: object) -> None:
    """`{{ env }}` would print an object of Python."""
    if callable(value) and not isinstance(value, Undefined):
        raise TemplateError("this is a function; `()` behind its name calls it")


def _sized(value: object) -> object:
    if isinstance(value, str | list | tuple):
        check_size(len(value))
    return value


def _check_product(operator: str, left: object, right: object) -> None:
    """`"x" * 10**10` and `10 ** 10 ** 10` end here, not with the machine's memory."""
    if operator == "**" and isinstance(left, int) and isinstance(right, int):
        check_size(left.bit_length() * max(right, 0))
    for factor, other in ((left, right), (right, left)):
        if operator == "*" and isinstance(factor, Sized) and isinstance(other, int):
            check_size(len(factor) * other)
