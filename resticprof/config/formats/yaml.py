"""Read YAML by the rules of YAML 1.2: its core schema, no duplicate keys, one document."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from resticprof.config.formats.reading import Lines, Value, mend, problem, put
from resticprof.config.tree import Node, Scalar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import yaml

    from resticprof.errors import ConfigError

SUFFIXES = ("yaml", "yml")

MAX_VALUES = 250_000
"""Values that aliases may expand a file to: anchors inside anchors grow without bound."""

_TAG = "tag:yaml.org,2002:"

_WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def parse(text: str, file: str, origins: Sequence[int] = ()) -> Node:
    """Read YAML. Raises `ConfigError`. An empty file is an empty table."""
    import yaml

    lines = Lines(text, file, origins)
    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        return _Reader(yaml.parse(text, Loader=loader), lines).document()
    except yaml.MarkedYAMLError as error:
        raise _explain(error, lines) from error
    except (yaml.YAMLError, UnicodeError) as error:
        strange = yaml.reader.Reader.NON_PRINTABLE.search(text)
        where = strange.start() if strange else 0
        raise lines.problem("a character that YAML does not allow", where) from error


def _explain(error: yaml.MarkedYAMLError, lines: Lines) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    context = error.context or ""
    if context and error.context_mark and mark is not error.context_mark:
        context += f" of line {lines.place(error.context_mark.index).line}"
    text = ", ".join(part for part in (context, error.problem) if part)
    return lines.problem(f"cannot be read as YAML: {text}", mark.index if mark else 0)


def _position(event: yaml.Event) -> int:
    return event.start_mark.index if event.start_mark else 0


def scalar(text: str) -> Scalar:
    """What an unquoted word means in the core schema of YAML 1.2."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "0123456789+-.":
        if re.fullmatch(r"[-+]?[0-9]+", text):
            return int(text)
        if re.fullmatch(r"0o[0-7]+|0x[0-9a-fA-F]+", text):
            return int(text, 0)
        if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
            return float(text)
    return text


class _Anchor(msgspec.Struct, frozen=True):
    """A value that aliases stand for, how many values are in it, and how deep."""

    value: Value
    size: int
    height: int


class _Reader:
    """Builds the tree out of the events of a parser, with the aliases replaced."""

    def __init__(self, events: Iterator[Any], lines: Lines) -> None:
        self.events = events
        self.lines = lines
        self.anchors: dict[str, _Anchor] = {}
        self.size = 0  # values so far, as often as aliases repeat them
        self.deepest = 0

    def document(self) -> Node:
        import yaml

        next(self.events)  # the start of the stream
        if isinstance(next(self.events), yaml.StreamEndEvent):
            return Node({}, self.lines.place(0))
        event = next(self.events)
        start = _position(event)
        value = self.value(event, 0)
        if value is None and not self.lines.text[start:].strip():  # `---` and nothing else
            value = {}
        if not isinstance(value, dict):
            raise self.lines.problem("expected a table: lines like `key: value`", start)
        next(self.events)  # the end of the document
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            text = "a second document starts here; a configuration is one document"
            raise self.lines.problem(text, _position(event))
        return Node(value, self.lines.place(0))

    def value(self, event: Any, depth: int) -> Value:
        import yaml

        self.lines.check_depth(depth, _position(event))
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event, depth)
        size, deepest = self.size, self.deepest
        self.size, self.deepest = size + 1, depth
        value: Value
        if isinstance(event, yaml.ScalarEvent):
            value = self.scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self.check_tag(event, "seq")
            value = self.items(depth)
        else:
            self.check_tag(event, "map")
            value = self.table(depth)
        if event.anchor:
            height = self.deepest - depth
            self.anchors[event.anchor] = _Anchor(value, self.size - size, height)
        self.deepest = max(deepest, self.deepest)
        return value

    def alias(self, event: yaml.AliasEvent, depth: int) -> Value:
        position = _position(event)
        anchor = self.anchors.get(event.anchor or "")
        if anchor is None:
            text = f"there is no `&{event.anchor}` before this; a value cannot contain itself"
            raise self.lines.problem(text, position)
        self.size += anchor.size
        if self.size > MAX_VALUES:
            text = f"aliases make this file larger than {MAX_VALUES} values"
            raise self.lines.problem(text, position)
        self.lines.check_depth(depth + anchor.height, position)
        self.deepest = max(self.deepest, depth + anchor.height)
        return anchor.value

    def items(self, depth: int) -> list[Node]:
        import yaml

        items: list[Node] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            place = self.lines.place(_position(event))
            items.append(Node(self.value(event, depth + 1), place))
        return items

    def table(self, depth: int) -> dict[str, Node]:
        import yaml

        table: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self.lines.problem("a key must be text", _position(event))
            place = self.lines.place(_position(event))
            node = Node(self.value(next(self.events), depth + 1), place, mend(event.value))
            put(merged if node.key == "<<" and event.implicit[0] else table, node)
        for node in merged.values():
            for source in node.items or [node]:
                if not isinstance(source.value, dict):
                    raise problem("expected a table, or a list of tables", node.place, key="<<")
                for key, entry in source.value.items():
                    table.setdefault(key, entry)
        return table

    def scalar(self, event: yaml.ScalarEvent) -> Scalar:
        if event.tag is None and not event.implicit[0]:
            return mend(event.value)
        kind = (event.tag or "").removeprefix(_TAG)
        if kind in {"!", "str"}:
            return mend(event.value)
        self.check_tag(event, "null", "bool", "int", "float")
        try:
            return scalar(event.value)
        except ValueError as error:  # thousands of digits
            raise self.lines.problem("the number is too long", _position(event)) from error

    def check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, *known: str) -> None:
        """Refuse what has a `!tag` that no configuration needs."""
        tag = event.tag
        if tag and tag != "!" and tag.removeprefix(_TAG) not in known:
            text = f"the tag `{tag.replace(_TAG, '!!')}` cannot be used here; remove it"
            raise self.lines.problem(text, _position(event))
