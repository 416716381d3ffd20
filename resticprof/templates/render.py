"""Render templates in Go's language or in Jinja2."""

from __future__ import annotations

from functools import lru_cache
from pathlib import PurePath
from typing import TYPE_CHECKING, Literal

from resticprof.errors import TemplateError
from resticprof.templates.buffer import Rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import msgspec

    from resticprof.templates.nodes import Template

Language = Literal["go", "jinja2"]

_MARKS: Mapping[Language, tuple[str, ...]] = {"go": ("{{",), "jinja2": ("{{", "{%", "{#")}


class TemplateSet:
    """Templates that share their definitions.

    Each text can call what it `define`s itself and what texts before it did; a later definition of
    the same name replaces an earlier one. `functions` come on top of those of the reference:
    `tempDir`, `tempFile`, `env`. They raise `OSError` or `ValueError`.
    """

    def __init__(self, functions: Mapping[str, Callable[..., object]] | None = None) -> None:
        self._functions = functions or {}
        self._defined: dict[str, Template] = {}

    def render(
        self,
        text: str,
        data: msgspec.Struct,
        *,
        file: str = "",
        language: Language | Literal["auto"] = "auto",
    ) -> str:
        """The text with everything filled in; raises `TemplateError` with file and line."""
        return self.rendered(text, data, file=file, language=language).text

    def rendered(
        self,
        text: str,
        data: msgspec.Struct,
        *,
        file: str = "",
        language: Language | Literal["auto"] = "auto",
    ) -> Rendered:
        """The same, with the line of the template behind each line of the text."""
        if language == "auto":
            language = language_of(file, text)
        if not any(mark in text for mark in _MARKS[language]):
            return Rendered(text)
        try:
            if language == "jinja2":
                return self._jinja(text, data, file)
            return self._go(text, data, file)
        except RecursionError:
            raise TemplateError("the template is nested too deeply", file=file) from None

    def _go(self, text: str, data: msgspec.Struct, file: str) -> Rendered:
        from resticprof.templates import evaluate
        from resticprof.templates.builtins import BUILTINS
        from resticprof.templates.functions import FUNCTIONS

        functions = {**BUILTINS, **FUNCTIONS, **self._functions}
        main, defined = _parsed(text, file, frozenset({*functions, *evaluate.LAZY}))
        for name, template in defined.items():
            if name not in self._defined or not template.blank:
                self._defined[name] = template
        return evaluate.execute(main, data, templates=self._defined, functions=functions)

    def _jinja(self, text: str, data: msgspec.Struct, file: str) -> Rendered:
        from resticprof.templates import jinja

        return jinja.render(text, data, file=file, functions=self._functions)


@lru_cache(maxsize=32)
def _parsed(
    text: str, file: str, functions: frozenset[str]
) -> tuple[Template, Mapping[str, Template]]:
    """A file is executed for one profile after the other, but parsed once."""
    from resticprof.templates import parser

    return parser.parse(text, file, functions)


def language_of(file: str, text: str) -> Language:
    """The language of a template: by the end of its file's name, or else by the text."""
    suffix = PurePath(file).suffix.lower()
    if suffix in (".j2", ".jinja", ".jinja2"):
        return "jinja2"
    if suffix in (".gotmpl", ".tmpl") or not ("{{" in text or "{%" in text):
        return "go"
    from resticprof.templates import language

    return language.of(text)
