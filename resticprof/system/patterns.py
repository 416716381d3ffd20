"""The paths that a pattern stands for, by the rules of Go's filepath.Glob."""

from __future__ import annotations

import os
import re
from pathlib import Path

from resticprof.errors import Error


def paths(pattern: str, *, root: str = "") -> tuple[str, ...]:
    """The paths that a pattern stands for, sorted; a path without `*`, `?` and `[` stays as it is.

    There is no `**` and no braces, `*` matches hidden files, and a directory that cannot be read
    matches nothing. A relative pattern is looked up in `root`, and gives relative paths.
    """
    if not any(character in pattern for character in "*?["):
        return (pattern,)
    for part in pattern.split("/"):
        _expression(part, pattern)
    return tuple(_glob(pattern, root))


def _glob(pattern: str, root: str) -> list[str]:
    directory, _, name = pattern.rpartition("/")
    if pattern.startswith("/") and not directory.strip("/"):
        directory = "/"
    magic = any(character in directory for character in "*?[\\")
    directories = _glob(directory, root) if magic else [directory]
    expression = re.compile(_expression(name, pattern), re.DOTALL)
    found = []
    for place in directories:
        try:
            names = sorted(path.name for path in Path(root, place).iterdir())
        except OSError:
            continue
        found += [_join(place, name) for name in names if expression.fullmatch(name)]
    return found


def _join(directory: str, name: str) -> str:
    return os.path.normpath(os.path.join(directory, name))


def _expression(part: str, pattern: str) -> str:
    """One component of a pattern as a regular expression, by the rules of Go's filepath.Match."""
    expression, rest = "", part
    while rest:
        character, rest = rest[0], rest[1:]
        if character == "*":
            expression += ".*"
        elif character == "?":
            expression += "."
        elif character == "[":
            text, rest = _class(rest, pattern)
            expression += text
        else:
            if character == "\\":
                character, rest = _character(character + rest, pattern)
            expression += re.escape(character)
    return expression


def _class(rest: str, pattern: str) -> tuple[str, str]:
    """Read behind `[`; gives the expression, and what follows `]`."""
    negated = rest.startswith("^")
    rest = rest.removeprefix("^")
    ranges = ""
    first = True
    while first or not rest.startswith("]"):
        first = False
        low, rest = _character(rest, pattern)
        high = low
        if rest.startswith("-"):
            high, rest = _character(rest[1:], pattern)
        if low <= high:
            ranges += f"{re.escape(low)}-{re.escape(high)}"
    if not ranges:
        return ("." if negated else "(?!)"), rest[1:]
    return f"[{'^' if negated else ''}{ranges}]", rest[1:]


def _character(rest: str, pattern: str) -> tuple[str, str]:
    """One character of a pattern, which `\\` may protect."""
    escaped = rest.startswith("\\")
    rest = rest.removeprefix("\\")
    if not rest or (not escaped and rest[0] in "-]"):
        raise Error(f"`{pattern}` is not a pattern: a `[` without its `]`, or a lone `\\`")
    return rest[0], rest[1:]
