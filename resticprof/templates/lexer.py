"""Cut a template in Go's language into tokens."""

from __future__ import annotations

import enum
import re
from functools import cache
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT, RIGHT = "{{", "}}"
BLANKS = " \t\r\n"


class Kind(enum.Enum):
    """What a token is. The text of each is as written, quotes included."""

    TEXT = "text"
    OPEN = LEFT
    CLOSE = RIGHT
    STRING = "string"
    RAW = "raw string"
    CHARACTER = "character"
    NUMBER = "number"
    NAME = "name"
    VARIABLE = "variable"
    FIELD = "field"
    DOT = "dot"
    MARK = "mark"  # := = | ( ) ,
    END = "end of the template"


class Token(msgspec.Struct, frozen=True):
    """One token, its line counted from 1, and whether blanks stand before it."""

    kind: Kind
    text: str
    line: int
    spaced: bool = False


@cache
def _pattern() -> re.Pattern[str]:
    return re.compile(
        r"""
          (?P<STRING>"(?:\\[^\n]|[^\\"\n])*")
        | (?P<RAW>`[^`]*`)
        | (?P<CHARACTER>'(?:\\[^\n]|[^\\'\n])*')
        | (?P<NUMBER>[+-]?\.?[0-9](?:[eEpP][+-]|[0-9A-Za-z_.])*)
        | (?P<FIELD>\.\w+)
        | (?P<VARIABLE>\$\w*)
        | (?P<NAME>[^\W\d]\w*)
        | (?P<DOT>\.)
        | (?P<MARK>:=|[=|(),])
        """,
        re.VERBOSE,
    )


_UNCLOSED = {
    '"': "text in quotes is not closed",
    "'": "a character in quotes is not closed",
    "`": "raw text in back quotes is not closed",
}
_WORDS = (Kind.FIELD, Kind.VARIABLE, Kind.NAME)


def tokens(text: str, file: str = "") -> list[Token]:
    """All tokens of a template; the last is END. Trim markers and comments are carried out here."""
    return list(_Lexer(text, file).run())


class _Lexer:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.position = 0
        self.line = 1

    def run(self) -> Iterator[Token]:
        trim = False
        while (start := self.text.find(LEFT, self.position)) >= 0:
            left_trim = self._trims_left(start)
            yield from self._plain(start, left=trim, right=left_trim)
            self._advance(start + (4 if left_trim else 2))
            if self.text.startswith("/*", self.position):
                trim = self._comment()
            else:
                yield Token(Kind.OPEN, LEFT, self.line)
                yield from self._action()
                trim = self._close()
        yield from self._plain(len(self.text), left=trim)
        yield Token(Kind.END, "", self.line)

    def _plain(self, end: int, *, left: bool, right: bool = False) -> Iterator[Token]:
        """The text up to an action, without the blanks that trim markers take away."""
        line, piece = self.line, self.text[self.position : end]
        self._advance(end)
        if left:
            line += piece.count("\n") - piece.lstrip(BLANKS).count("\n")
            piece = piece.lstrip(BLANKS)
        if right:
            piece = piece.rstrip(BLANKS)
        if piece:
            yield Token(Kind.TEXT, piece, line)

    def _action(self) -> Iterator[Token]:
        """The tokens between the delimiters."""
        opened = self.line
        while True:
            spaced = self._skip_blanks()
            if self._closes(spaced=spaced):
                yield Token(Kind.CLOSE, RIGHT, self.line, spaced)
                return
            if self.position >= len(self.text):
                raise self._error("an action is not closed: `}}` is missing", opened)
            yield self._token(spaced=spaced)

    def _token(self, *, spaced: bool) -> Token:
        found = _pattern().match(self.text, self.position)
        if not found or not found.lastgroup:
            character = self.text[self.position]
            raise self._error(_UNCLOSED.get(character, f"unexpected character {character!r}"))
        token = Token(Kind[found.lastgroup], found[0], self.line, spaced)
        self._advance(found.end())
        self._check_end(token)
        return token

    def _check_end(self, token: Token) -> None:
        """A word ends before a blank or one of a few characters; a number before any non-word."""
        following = self.text[self.position : self.position + 1]
        if token.kind in _WORDS:
            bad = following not in BLANKS + ".,|:()" and not self.text.startswith(
                RIGHT, self.position
            )
        else:
            bad = token.kind is Kind.NUMBER and (following == "_" or following.isalnum())
        if bad:
            raise self._error(f"unexpected character {following!r} after `{token.text}`")

    def _comment(self) -> bool:
        """Skip a comment; whether a trim marker ends it."""
        end = self.text.find("*/", self.position)
        if end < 0:
            raise self._error("a comment is not closed: `*/}}` is missing")
        self._advance(end + 2)
        if not self._closes(spaced=self._skip_blanks()):
            raise self._error("a comment must be alone between `{{/*` and `*/}}`")
        return self._close()

    def _closes(self, *, spaced: bool) -> bool:
        """Whether the action ends here; a trim marker needs a blank before it."""
        here = self.position
        return self.text.startswith(RIGHT, here) or (
            spaced and self.text.startswith("-" + RIGHT, here)
        )

    def _close(self) -> bool:
        """Step over the right delimiter; whether a trim marker stands before it."""
        trim = self.text.startswith("-", self.position)
        self._advance(self.position + (3 if trim else 2))
        return trim

    def _trims_left(self, start: int) -> bool:
        marker = self.text[start + 2 : start + 4]
        return len(marker) == 2 and marker[0] == "-" and marker[1] in BLANKS

    def _skip_blanks(self) -> bool:
        """Step over blanks; whether there were any."""
        end = self.position
        while end < len(self.text) and self.text[end] in BLANKS:
            end += 1
        skipped = end > self.position
        self._advance(end)
        return skipped

    def _advance(self, position: int) -> None:
        self.line += self.text.count("\n", self.position, position)
        self.position = position

    def _error(self, text: str, line: int = 0) -> TemplateError:
        return TemplateError(text, file=self.file, line=line or self.line)
