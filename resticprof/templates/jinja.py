"""Render templates in Jinja2.

Fields of the data can be written in either spelling. Beyond Jinja2's own: `true` and `false` are
printed as configuration files write them, nothing is printed as nothing, and an unknown name is a
mistake. The reference's functions are there as functions (`contains("a", text)`) and as filters
(`text | contains("a")`), unless Jinja2 has a filter of that name; a function hides a field of
the same name (`env()` is the function, `Env` the variables).
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from resticprof.errors import TemplateError
from resticprof.templates import data as given
from resticprof.templates.buffer import Buffer, Rendered
from resticprof.templates.functions import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import msgspec
    from jinja2 import Template

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

    from resticprof.templates.sandbox import Environment

    names = given.spellings(type(data))
    functions = {**FUNCTIONS, **functions}
    values = {name: given.field(data, name) for name in names if name not in functions}
    try:
        return _rendered(Environment(functions).from_string(text), values)
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
