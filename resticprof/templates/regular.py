"""Regular expressions as Go has them (RE2), on top of the package regex.

Its engine backtracks: an expression such as `(a+)+$` can take for ever, which it never does in Go.
Unlike Python's own engine it can be given a time limit.
"""

from __future__ import annotations

import re
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING

from resticprof.errors import TemplateError
from resticprof.templates.buffer import Buffer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import regex

LIMIT = 2.0  # seconds for one search

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7f",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t-\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_PARTS = r"""
    (?P<literal>\\Q.*?(?:\\E|\Z))
    | \\x\{(?P<code>[0-9A-Fa-f]{1,6})\}
    | (?P<property>\\[pP](?:\{\^?\w+\}|\w))
    | (?P<escape>\\.)
    | (?P<named>\(\?<(?=[A-Za-z_]))
    | \(\?(?P<flags>[ims-]+)\)
    | (?P<open>\()
    | (?P<close>\))
    | (?P<other>\|)
    | (?P<end>\$)
    | (?P<brace>\{(?![0-9]+(?:,[0-9]*)?\}))
    | (?P<set>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])
"""
_ESCAPES = frozenset("aftnrvxAbBdDsSwW01234567")
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{1,6})\}|\\.", re.DOTALL)
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")


def matches(expression: str, text: str) -> bool:
    """Whether the expression matches somewhere in the text."""
    return bool(_search(expression, text, 0))


def replace(expression: str, replacement: str, text: str) -> str:
    """Every match replaced; `$1`, `${1}` and `${name}` are what a group matched."""
    out = Buffer()
    end = 0
    for found in _found(expression, text):
        out.write(text[end : found.start()])
        _expand(replacement, found, out)
        end = found.end()
    out.write(text[end:])
    return str(out)


def split(expression: str, text: str) -> list[str]:
    """The pieces of the text between the matches."""
    pieces = []
    start = end = 0
    for found in _found(expression, text):
        end = found.start()
        if found.end():
            pieces.append(text[start:end])
        start = found.end()
    if end != len(text) or not text:
        pieces.append(text[start:])
    return pieces


def _search(expression: str, text: str, position: int) -> regex.Match[str] | None:
    try:
        return _compiled(expression).search(text, position, timeout=LIMIT)
    except TimeoutError as error:
        why = f"takes too long for {len(text)} characters; is a repetition inside of another?"
        raise TemplateError(f"the regular expression `{expression}` {why}") from error


def _found(expression: str, text: str) -> Iterator[regex.Match[str]]:
    """All matches; an empty one that touches the one before does not count in Go."""
    position, last = 0, -1
    while position <= len(text) and (found := _search(expression, text, position)):
        if found.end() > found.start() or found.start() != last:
            yield found
        last = found.end()
        position = max(last, position + 1)


def _expand(replacement: str, found: regex.Match[str], out: Buffer) -> None:
    end = 0
    for reference in _REFERENCE.finditer(replacement):
        out.write(replacement[end : reference.start()])
        end = reference.end()
        name = reference[2] or reference[3]
        out.write(_group(found, name) if name else "$")
    out.write(replacement[end:])


def _group(found: regex.Match[str], name: str) -> str:
    """What a group matched; nothing when there is no such group."""
    key = int(name) if name.isdecimal() else name
    try:
        return found[key] or ""
    except IndexError:
        return ""


@lru_cache(maxsize=64)
def _compiled(expression: str) -> regex.Pattern[str]:
    import regex

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return regex.compile(_Translation(expression).text, regex.ASCII | regex.VERSION0)
    except (regex.error, OverflowError, RecursionError, ValueError) as error:
        raise TemplateError(f"`{expression}` is not a regular expression: {error}") from error


class _Translation:
    """An expression in Python's words.

    Flags such as `(?i)` stand for the rest of their group, which Python takes only as `(?i:rest)`.
    """

    def __init__(self, expression: str) -> None:
        self._end = "$" if re.search(r"\(\?[a-zU]*m", expression) else r"\Z"
        self._flags = [""]  # for each group that is open: what its flags begin with
        pattern = re.compile(_PARTS, re.VERBOSE | re.DOTALL)
        self.text = pattern.sub(self._part, expression) + ")" * self._flags[0].count("(")

    def _part(self, part: re.Match[str]) -> str:
        match part.lastgroup:
            case "literal":
                return re.escape(part[0][2:].removesuffix("\\E"))
            case "code":
                return re.escape(chr(int(part["code"], 16)))
            case "property":
                return f"(?u:{part[0]})"
            case "escape":
                return r"\Z" if part[0] == r"\z" else _escape(part[0])
            case "end":
                return self._end
            case "brace":
                return r"\{"
            case "set":
                return _set(part[0])
            case _:
                return self._group(part)

    def _group(self, part: re.Match[str]) -> str:
        """What opens or closes a group, parts its branches, or gives it flags."""
        ends = ")" * self._flags[-1].count("(")
        match part.lastgroup:
            case "flags":
                self._flags[-1] += f"(?{part['flags']}:"
                return f"(?{part['flags']}:"
            case "other":
                return f"{ends}|{self._flags[-1]}"
            case "close":
                if len(self._flags) > 1:
                    self._flags.pop()
                return ends + ")"
            case _:
                self._flags.append("")
                return "(?P<" if part.lastgroup == "named" else "("


def _escape(text: str) -> str:
    """What stands behind a backslash; letters that mean something else here are refused."""
    if text[1].isalnum() and text[1] not in _ESCAPES:
        raise TemplateError(f"`{text}` cannot be used here in a regular expression")
    return text


def _set(text: str) -> str:
    """`[[:alpha:]_]` is `[A-Za-z_]`; a bracket inside of a set is plain text."""

    def named(found: re.Match[str]) -> str:
        name = found[1]
        if name.startswith("^") or name not in _CLASSES:
            raise TemplateError(f"`[:{name}:]` cannot be used in a regular expression")
        return _CLASSES[name]

    def escaped(found: re.Match[str]) -> str:
        return re.escape(chr(int(found[1], 16))) if found[1] else _escape(found[0])

    start = 2 if text.startswith("[^") else 1
    pieces = re.split(r"(\[:\^?\w+:\])", text[start:-1])
    inside = "".join(
        re.sub(r"\[:(\^?\w+):\]", named, piece) if position % 2 else piece.replace("[", r"\[")
        for position, piece in enumerate(pieces)
    )
    return text[:start] + _ESCAPED.sub(escaped, inside) + "]"
