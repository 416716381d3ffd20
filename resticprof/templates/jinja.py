"""Render templates in Jinja2.

Fields of the data can be written in either spelling. Beyond Jinja2's own: `true` and `false` are
printed as configuration files write them, nothing is printed as nothing, and an unknown name is a
mistake. The reference's functions are there as functions (`contains("a", text)`) and as filters
(`text | contains("a")`), unless Jinja2 has a filter of that name; a function hides a field of
the same name (`env()` is the function, `Env` the variables).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sized
from typing import TYPE_CHECKING, Any

import msgspec

from resticprof.errors import TemplateError
from resticprof.model.types import Secret
from resticprof.templates import data as given
from resticprof.templates.buffer import Buffer, Rendered, check_size
from resticprof.templates.functions import FUNCTIONS

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.runtime import Context
    from jinja2.sandbox import SandboxedEnvironment

_FILE = "<template>"  # what Jinja2 calls a template that has no file


def render(
    text: str,
    data: msgspec.Struct,
    *,
    file: str,
    functions: Mapping[str, Callable[..., object]],
) -> Rendered:
    """The text with everything filled in."""
    from jinja2 import TemplateSyntaxError

    names = given.spellings(type(data))
    functions = {**FUNCTIONS, **functions}
    values = {name: given.field(data, name) for name in names if name not in functions}
    try:
        return _rendered(_environment(functions).from_string(text), values)
    except TemplateSyntaxError as error:
        raise TemplateError(_reason(error), file=file, line=error.lineno) from error
    except RecursionError:
        raise
    except Exception as error:  # an expression of the template can raise anything
        raise TemplateError(_reason(error), file=file, line=_line(error)) from error


def _rendered(template: Template, values: Mapping[str, object]) -> Rendered:
    """Run the template piece by piece: where it waits says which line the piece is from."""
    out = Buffer()
    pieces: Any = template.generate(values)  # a generator that waits for another one
    for piece in pieces:
        frame = pieces.gi_yieldfrom.gi_frame
        out.mark(template.get_corresponding_lineno(frame.f_lineno), moves=True)
        out.write(str(piece))
    return out.rendered()


def _environment(functions: Mapping[str, Callable[..., object]]) -> SandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.compiler import CodeGenerator, Frame
    from jinja2.nodes import Output
    from jinja2.sandbox import SandboxedEnvironment

    class Generator(CodeGenerator):
        """Notes the line of every piece; Jinja2 itself joins plain text, and forgets its lines."""

        def visit_Output(self, node: Output, frame: Frame) -> None:  # noqa: N802 - Jinja2's name
            for child in node.nodes:
                self.newline(child)
                super().visit_Output(Output([child], lineno=child.lineno), frame)

    class Environment(SandboxedEnvironment):
        """Knows both spellings of a field, keeps secrets, and refuses gigantic products."""

        intercepted_binops = frozenset({"*", "**"})
        code_generator_class = Generator

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

        def call_binop(
            self, context: Context, operator: str, left: object, right: object
        ) -> object:
            _check_product(operator, left, right)
            return super().call_binop(context, operator, left, right)

    environment = Environment(
        undefined=StrictUndefined,
        optimized=False,  # what is evaluated before it runs has no line
        autoescape=False,  # the text becomes TOML, YAML, JSON, …, never a page
        keep_trailing_newline=True,
        finalize=_printed,
    )
    environment.globals.update(functions)
    for name, function in functions.items():
        environment.filters.setdefault(name, _filter(function))
    return environment


def _filter(function: Callable[..., object]) -> Callable[..., object]:
    """Jinja2 gives a filter the piped value first; the reference's functions want it last."""

    def piped_first(piped: object, *arguments: object) -> object:
        return function(*arguments, piped)

    return piped_first


def _printed(value: object) -> object:
    from jinja2 import Undefined

    if value is None:
        return ""
    if callable(value) and not isinstance(value, Undefined):
        raise TemplateError("this is a function; `()` behind its name calls it")
    return str(value).lower() if isinstance(value, bool) else given.plain(value)


def _check_product(operator: str, left: object, right: object) -> None:
    """`"x" * 10**10` and `10 ** 10 ** 10` end here, not with the machine's memory."""
    if operator == "**" and isinstance(left, int) and isinstance(right, int):
        check_size(left.bit_length() * max(right, 0))
    for factor, other in ((left, right), (right, left)):
        if isinstance(factor, Sized) and isinstance(other, int):
            check_size(len(factor) * other)


def _reason(error: Exception) -> str:
    """In Jinja2's words, as ours begin and end."""
    text = (getattr(error, "message", None) or str(error)).rstrip(".")
    if text[1:2].islower():
        text = text[0].lower() + text[1:]
    return text or type(error).__name__


def _line(error: Exception) -> int:
    """The line of the template; Jinja2 puts it into the traceback."""
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == _FILE
    ]
    return lines[-1] if lines else 0
