"""Replace `$name` and `${name}` in text, by the rules of Go's os.Expand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

_SPECIAL = frozenset("*#$@!?-0123456789")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


def expand(text: str, lookup: Callable[[str], str]) -> str:
    """Replace each variable by `lookup(name)`.

    A name is the longest run of letters, digits and `_`, anything between braces, or one special
    character. `$$` is `$`. A `$` before anything else stays; `${` without an end is swallowed.
    """
    if "$" not in text:
        return text
    parts: list[str] = []
    position = 0
    while (dollar := text.find("$", position)) >= 0:
        parts.append(text[position:dollar])
        name, end = _name_at(text, dollar + 1)
        if name is None:
            parts.append("$" if end == dollar + 1 else "")
        else:
            parts.append("$" if name == "$" else lookup(name))
        position = end
    parts.append(text[position:])
    return "".join(parts)


def _name_at(text: str, start: int) -> tuple[str | None, int]:
    """The variable name that begins at `start`, and where the text goes on behind it."""
    if start >= len(text):
        return None, start
    if text[start] == "{":
        end = text.find("}", start)
        if end < 0:
            return None, start + 1
        return text[start + 1 : end] or None, end + 1
    if text[start] in _SPECIAL:
        return text[start], start + 1
    end = start
    while end < len(text) and text[end] in _NAME:
        end += 1
    return (text[start:end] if end > start else None), end


def from_mapping(variables: Mapping[str, str]) -> Callable[[str], str]:
    """A lookup that gives nothing for names it does not know, as a shell does."""
    return lambda name: variables.get(name, "")
