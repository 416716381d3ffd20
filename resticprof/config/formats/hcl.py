"""Read HCL 1, the language of existing profiles: keys in quotes, blocks anywhere, `${…}` as text.

python-hcl2 reads another language: `"profile" {` and `"${NAME:-value}"` are mistakes there, and of
a repeated key it keeps the last entry only. It is asked when this reader gives up.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import msgspec

from resticprof.config.formats.reading import Lines, Value, mend, repeats
from resticprof.config.tree import Node, Scalar
from resticprof.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUFFIXES = ("hcl",)

_INSERT = r"\$\{(?:[^{}\n]|\{[^{}\n]*\})*\}"  # quotes and backslashes mean nothing in it
_TOKEN = rf"""
    (?P<blank> \s+ | \#[^\n]* | //[^\n]* | /\*.*?\*/ )
  | (?P<word> [\w.+-]+ )
  | (?P<text> " (?: [^"\\\n$] | \\[^\n] | {_INSERT} | \$(?!\{{) )* " )
  | (?P<sign> [{{}}\[\]=:,] )
  | (?P<heredoc> <<-?(?P<mark>\w+)[ \t]*\n (?P<body>.*?) ^(?P<indent>[ \t]*)(?P=mark)[ \t]*$ )
"""
_UNFINISHED = {
    '"': 'the text has no closing `"` on its line, or a `${` in it has no `}`',
    "<": "a text that starts with `<<NAME` ends with a line that is just `NAME`",
    "/": "a comment is written `# …`, `// …` or `/* … */`",
}
_ESCAPE = rf"""
    {_INSERT}
  | \\(?: (?P<octal>[0-3][0-7]{{2}}) | x(?P<byte>[0-9a-fA-F]{{2}})
      | u(?P<short>[0-9a-fA-F]{{4}}) | U(?P<long>[0-9a-fA-F]{{8}}) | (?P<letter>.) )
"""
_LETTERS = dict(zip('abfnrtv\\"', '\a\b\f\n\r\t\v\\"', strict=True))
_INTEGER = r"-?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)"
_FLOAT = r"-?([0-9]+\.[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?|-?[0-9]+e[+-]?[0-9]+"
_WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


def parse(text: str, file: str, origins: Sequence[int] = ()) -> Node:
    """Read HCL 1. Raises `ConfigError`. Entries with the same key become a list."""
    lines = Lines(text.replace("\r\n", "\n"), file, origins)
    try:
        return Node(Reader(lines).table(None, 0), lines.place(0))
    except ConfigError as error:
        from resticprof.config.formats import hcl_2

        return hcl_2.read(lines, error)


class _Token(msgspec.Struct, frozen=True):
    """A piece of the text: a `text`, a `word`, the `end`, or a sign, whose kind is the sign."""

    kind: str
    value: str
    position: int


def _tokens(lines: Lines) -> Iterator[_Token]:
    match_token = re.compile(_TOKEN, re.VERBOSE | re.DOTALL | re.MULTILINE).match
    text, position = lines.text, 0
    while position < len(text):
        match = match_token(text, position)
        if match is None:
            start = text[position]
            raise lines.problem(_UNFINISHED.get(start, f"`{start}` cannot be here"), position)
        kind, value = str(match.lastgroup), match[0]
        if kind == "text":
            yield _Token("text", unescape(value[1:-1], lines, position), position)
        elif kind == "heredoc":
            yield _Token("text", _unindent(match), position)
        elif kind != "blank":
            yield _Token(value if kind == "sign" else kind, value, position)
        position = match.end()
    while True:
        yield _Token("end", "", position)


def _unindent(heredoc: re.Match[str]) -> str:
    """The lines of a heredoc; after `<<-` without the indent of its last line, if all have it."""
    body, indent = heredoc["body"], heredoc["indent"]
    if heredoc[0][2] != "-" or re.search(rf"^(?!{indent}|[ \t]*$)", body, re.MULTILINE):
        return body
    return re.sub(rf"^{indent}", "", body, flags=re.MULTILINE)


def unescape(text: str, lines: Lines, position: int) -> str:
    def character(escape: re.Match[str]) -> str:
        written = escape[0]
        if written.startswith("$"):
            return written
        if escape["octal"]:
            return chr(int(escape["octal"], 8))
        if escape["letter"] in _LETTERS:
            return _LETTERS[escape["letter"]]
        code = escape["byte"] or escape["short"] or escape["long"]
        if code and int(code, 16) <= sys.maxunicode:
            return chr(int(code, 16))
        text = rf"`{written}` is not a known escape; a backslash itself is written `\\`"
        raise lines.problem(text, position)

    if "\\" not in text:
        return text
    return mend(re.sub(_ESCAPE, character, text, flags=re.VERBOSE))


class Reader:
    """Builds the tree out of the tokens."""

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.tokens = _tokens(lines)
        self.token = next(self.tokens)

    def take(self, *kinds: str) -> _Token | None:
        """Step over the next token, if it is one of these kinds."""
        token = self.token
        if token.kind not in kinds:
            return None
        self.token = next(self.tokens)
        return token

    def unexpected(self, expected: str) -> ConfigError:
        found = "the end of the file" if self.token.kind == "end" else f"`{self.token.value}`"
        return self.lines.problem(f"expected {expected}, found {found}", self.token.position)

    def table(self, opening: _Token | None, depth: int) -> dict[str, Node]:
        """Read entries up to the `}` of an opening `{`; without one up to the end."""
        table: dict[str, Node] = {}
        while not self.take("}" if opening else "end"):
            if opening and self.token.kind == "end":
                line = self.lines.place(opening.position).line
                raise self.unexpected(f"`}}` for the `{{` in line {line}")
            self.entry(table, depth + 1)
            self.take(",")
        return table

    def entry(self, table: dict[str, Node], depth: int) -> None:
        """Read `key = value`, `key { … }` or `key label { … }`, where the labels are more keys."""
        keys = [self.key()]
        while self.token.kind in {"word", "text"}:
            keys.append(self.key())
        *outer, key = keys
        depth += len(outer)
        self.lines.check_depth(depth, key.position)
        if opening := self.take("{"):
            value: Value = self.table(opening, depth)
        elif not outer and self.take("=", ":"):
            value = self.value(depth)
        else:
            raise self.unexpected(f"{'' if outer else '`=` or '}`{{` after `{key.value}`")
        for token in outer:
            table = inner(table, Node({}, self.lines.place(token.position), token.value))
        add(table, Node(value, self.lines.place(key.position), key.value))

    def key(self) -> _Token:
        token = self.take("word", "text")
        if token is None:
            raise self.unexpected("a key")
        return token

    def value(self, depth: int) -> Value:
        self.lines.check_depth(depth, self.token.position)
        if opening := self.take("{"):
            return self.table(opening, depth)
        if self.take("["):
            return self.items(depth)
        if token := self.take("text"):
            return token.value
        if token := self.take("word"):
            return self.scalar(token)
        raise self.unexpected("a value")

    def items(self, depth: int) -> list[Node]:
        items: list[Node] = []
        while not self.take("]"):
            place = self.lines.place(self.token.position)
            items.append(Node(self.value(depth + 1), place))
            if not self.take(",") and self.token.kind != "]":
                raise self.unexpected("`,` or `]`")
        return items

    def scalar(self, token: _Token) -> Scalar:
        word = token.value
        if word in _WORDS:
            return _WORDS[word]
        try:
            if integer := re.fullmatch(_INTEGER, word, re.IGNORECASE):
                octal = integer[1].isdigit() and integer[1].startswith("0")
                return int(word, 8 if octal else 0)
            if re.fullmatch(_FLOAT, word, re.IGNORECASE):
                return float(word)
        except ValueError as error:  # thousands of digits
            raise self.lines.problem("the number is too long", token.position) from error
        text = f"`{word}` is neither a number nor true or false; write text in quotes"
        raise self.lines.problem(text, token.position)


def inner(table: dict[str, Node], empty: Node) -> dict[str, Node]:
    """The table of a label, made if it is not there: blocks with other labels lie beside it."""
    node = table.get(empty.key.lower())
    if node is None or not isinstance(node.value, dict):
        add(table, empty)
        node = empty
    return node.table


def add(table: dict[str, Node], node: Node) -> None:
    """Add an entry; one whose key is there already makes a list, as blocks do in HCL 1."""
    first = table.setdefault(node.key.lower(), node)
    if first is not node and not repeats(first, node):
        items = [*_items(first), *_items(node)]
        table[node.key.lower()] = Node(items, first.place, first.key)


def _items(node: Node) -> list[Node]:
    return node.items if isinstance(node.value, list) else [Node(node.value, node.place)]
