"""Read HCL 2 with python-hcl2, where it is plain data that the reader of HCL 1 cannot read.

That is text over several lines, and text with quotes or nested braces inside of `${…}`. Expressions
(`1 + 2`, `upper("x")`, names) are no data, and refused. All text stays as it is in the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from resticprof.config.formats import hcl
from resticprof.config.formats.reading import Lines, Value
from resticprof.config.tree import Node

if TYPE_CHECKING:
    from lark import Tree

    from resticprof.errors import ConfigError

_BLANK = "new_line_or_comment"
_SAME_IN_BOTH = {
    "int_lit",
    "float_lit",
    "literal_value",
    "heredoc_template",
    "heredoc_template_trim",
}


def read(lines: Lines, reason: ConfigError) -> Node:
    """The file as a table; raises `reason` when it is not plain data in HCL 2 either."""
    import hcl2

    try:
        [body] = hcl2.parses_to_tree(lines.text).children
        return Node(_table(body, lines, 0), lines.place(0))
    except Exception:  # noqa: BLE001 - whatever the library says, the first reader says it better
        raise reason from None


def _table(body: Tree[Any], lines: Lines, depth: int) -> dict[str, Node]:
    table: dict[str, Node] = {}
    for entry in _parts(body):
        *labels, name, value = _parts(entry)
        inner = table
        for label in labels:
            place = lines.place(label.meta.start_pos)
            inner = hcl.inner(inner, Node({}, place, _key(label, lines)))
        place = lines.place(name.meta.start_pos)
        hcl.add(inner, Node(_value(value, lines, depth + 1), place, _key(name, lines)))
    return table


def _key(name: Tree[Any], lines: Lines) -> str:
    if name.data == "identifier":
        return _source(name, lines)
    if name.data == "string":
        return str(_value(name, lines, 0))
    [inner] = name.children  # more than one: an expression in brackets
    return _key(inner, lines)


def _value(tree: Tree[Any], lines: Lines, depth: int) -> Value:
    lines.check_depth(depth, tree.meta.start_pos)
    if tree.data == "expr_term" and len(tree.children) == 1:
        return _value(tree.children[0], lines, depth)
    if tree.data in {"body", "object"}:
        return _table(tree, lines, depth)
    if tree.data == "tuple":
        return [
            Node(_value(item, lines, depth + 1), lines.place(item.meta.start_pos))
            for item in _parts(tree)
        ]
    if tree.data == "string":
        return hcl.unescape(_source(tree, lines)[1:-1], lines, tree.meta.start_pos)
    if tree.data in _SAME_IN_BOTH:
        return hcl.Reader(Lines(_source(tree, lines), lines.file)).value(depth)
    raise ValueError(tree.data)


def _source(tree: Tree[Any], lines: Lines) -> str:
    return lines.text[tree.meta.start_pos : tree.meta.end_pos]


def _parts(tree: Tree[Any]) -> list[Tree[Any]]:
    """The parts of a tree that mean something: neither signs nor comments."""
    return [part for part in tree.children if getattr(part, "data", _BLANK) != _BLANK]
