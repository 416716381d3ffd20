"""Pick the format of a configuration file, and hand its text to the reader of that format."""

from __future__ import annotations

import codecs
import importlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Protocol, cast

from resticprof.errors import ConfigError, Problem, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from resticprof.config.tree import Node

NAMES = ("toml", "yaml", "json", "hcl")
"""The formats; each is the module of this folder with that name."""

SEARCH_ORDER = ("conf", "yaml", "toml", "json", "hcl", "yml")
"""The suffixes that are tried, in this order, for a name without one."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class Format(Protocol):
    """What a module of this folder offers."""

    SUFFIXES: tuple[str, ...]

    def parse(self, text: str, file: str, origins: Sequence[int] = ()) -> Node:
        """Read a text into a table. Raises `ConfigError`, and nothing else.

        `origins` are the lines of the file behind the lines of the text, if they differ.
        """
        ...


def decode(data: bytes) -> str:
    """The text of a file: by its byte order mark, else UTF-8, else ISO-8859-1."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")


def format_of(path: str, override: str = "") -> str:
    """The name of the format of a file; `override` is what `--format` says."""
    suffix = (override or PurePath(path).suffix).lower().removeprefix(".")
    if found := _named(suffix):
        return found
    known = ", ".join(sorted(SEARCH_ORDER))
    if override:
        raise UsageError(f"there is no format `{override}`; there are: {known}")
    text = f"cannot tell the format from the extension `{suffix}`" if suffix else "has no extension"
    raise ConfigError(Problem(f"{text}; use one of {known}, or name it with --format", file=path))


def has_format(path: str) -> bool:
    """Whether the name of a file tells its format."""
    return bool(_named(PurePath(path).suffix.lower().removeprefix(".")))


def _named(suffix: str) -> str:
    for name in NAMES:
        # most files are named after their format: look into the others only when it is not so
        if suffix == name or (suffix not in NAMES and suffix in load(name).SUFFIXES):
            return name
    return ""


def load(name: str) -> Format:
    """The module of a format; its parsing library is imported when it parses."""
    return cast("Format", importlib.import_module(f"resticprof.config.formats.{name}"))


def parse(text: str, file: str, format_name: str, origins: Sequence[int] = ()) -> Node:
    """Read a text in a format that `format_of` named. Raises `ConfigError`."""
    tree = load(format_name).parse(text, file, origins)
    if "\0" in text or "\\" in text:  # as it is, or as an escape
        _refuse_null(tree)
    return tree


def _refuse_null(tree: Node) -> None:
    """No name of a file, argument or variable can hold the character that ends them for systems."""
    problems = [
        Problem("holds a null character", file=node.place.file, line=node.place.line, key=node.key)
        for node in tree.walk()
        if "\0" in node.key or (isinstance(node.value, str) and "\0" in node.value)
    ]
    if problems:
        raise ConfigError(*problems)
