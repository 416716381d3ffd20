"""How two tables become one: an include, a parent of version 1, a parent or mixin of version 2."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import msgspec

from resticprof.config import keys
from resticprof.config.tree import is_reference
from resticprof.model.config import Profile

if TYPE_CHECKING:
    from resticprof.config.problems import Problems
    from resticprof.config.tree import Node
    from resticprof.model.table import Table


def entries(node: Node) -> list[Node]:
    """The items of a list; any other value is a list of one."""
    return list(node.items) if isinstance(node.value, list) else [node]


def one_table(node: Node) -> Node:
    """The tables of a list as one, later ones over earlier ones: what repeated blocks of HCL mean.

    Anything else is left as it is.
    """
    first, *others = node.items or [node]
    if not node.items or not all(isinstance(item.value, dict) for item in node.items):
        return node
    return node.with_value(functools.reduce(replacing, others, first).table)


def _are_tables(old: Node, new: Node) -> bool:
    """Whether their keys become one table; of two secret references, each is one value."""
    both = isinstance(old.value, dict) and isinstance(new.value, dict)
    return both and not (_is_secret(old) and _is_secret(new))


def _is_secret(node: Node) -> bool:
    """Whether this refers to a secret; of the variables in `env`, one may be called `FILE`."""
    return is_reference(node) and node.key.lower() != "env"


# ---- includes -------------------------------------------------------------------------------


def included(base: Node, other: Node, problems: Problems) -> Node:
    """Tables merge, everything else is replaced; `use` of both files counts, `null` does not."""
    return _over(base, _without_nulls(other, problems), problems, "")


def _without_nulls(node: Node, problems: Problems, path: str = "") -> Node:
    if not isinstance(node.value, dict):
        return node
    table = {}
    for key, child in node.value.items():
        inner = f"{path}.{child.key}" if path else child.key
        if child.value is not None:
            table[key] = _without_nulls(child, problems, inner)
        elif path:
            problems.advise(child, inner, "has no value, and an included file cannot unset one")
    return node.with_value(table)


def _over(base: Node, other: Node, problems: Problems, path: str) -> Node:
    if not _are_tables(base, other):
        if isinstance(other.value, dict) or not isinstance(base.value, dict) or _is_secret(base):
            return other
        text = f"a single value cannot replace the table of {base.place}; write a table here"
        problems.problem(other, path, text)
        return base
    table = dict(base.table)
    for key, node in other.table.items():
        if key not in table:
            table[key] = node
        elif key == "use":
            table[key] = node.with_value([*entries(table[key]), *entries(node)])
        elif node.value != {}:
            inner = f"{path}.{node.key}" if path else node.key
            table[key] = _over(table[key], node, problems, inner)
    return base.with_value(table)


# ---- version 1: by index --------------------------------------------------------------------


def by_index(base: Node, child: Node) -> Node:
    """Version 1: declared lists merge by index, tables by key, everything else is replaced."""
    return _by_index(base, child, Profile)


def _by_index(base: Node, child: Node, kind: type[Table] | None) -> Node:
    table = dict(base.table)
    for key, node in child.table.items():
        old = table.get(key)
        if old is None:
            table[key] = node
        elif node.value is None:
            if keys.is_flag(kind, key) and not isinstance(old.value, dict):
                table[key] = node  # of a flag, null is a value
        elif keys.is_list_key(kind, key):
            table[key] = _indexwise(old, node, keys.table_type(kind, key))
        elif _are_tables(old, node):
            table[key] = _by_index(old, node, keys.table_type(kind, key))
        else:
            table[key] = node
    return child.with_value(table)


def _indexwise(old: Node, new: Node, kind: type[Table] | None) -> Node:
    if _are_tables(old, new):
        return _by_index(old, new, kind)
    items = entries(old)
    for index, item in enumerate(entries(new) if new.value != {} else []):
        if index >= len(items):
            items.append(item)
        elif _are_tables(items[index], item):
            items[index] = _by_index(items[index], item, kind)
        elif item.value is not None:
            items[index] = item
    return new.with_value(items)


# ---- version 2: replace, append, prepend, unset ---------------------------------------------


def _mark(key: str) -> tuple[str, str]:
    """The key without its append or prepend mark, and what the mark says."""
    if key.startswith("..."):
        return key[3:], "prepend"
    for ending, meaning in (("...", "append"), ("__append", "append"), ("__prepend", "prepend")):
        if key.endswith(ending):
            return key[: -len(ending)], meaning
    return key, ""


def replacing(base: Node, child: Node) -> Node:
    """Version 2: tables merge, lists replace, null removes, marked keys append or prepend."""
    if not _are_tables(base, child):
        return child
    table = dict(base.table)
    for key, node in child.table.items():
        if _mark(key)[1]:
            continue
        if node.value is None:
            table.pop(key, None)
        elif key in table:
            table[key] = replacing(table[key], node)
        else:
            table[key] = node
    _add_marked(table, child)
    return child.with_value(table)


def _add_marked(table: dict[str, Node], child: Node) -> None:
    for key, node in child.table.items():
        plain, meaning = _mark(key)
        if not meaning or node.value is None:
            continue
        base = table.get(plain)
        old = entries(base) if base is not None and base.value is not None else []
        new = entries(node)
        items = [*old, *new] if meaning == "append" else [*new, *old]
        spelled = base.key if base is not None else plain
        table[plain] = msgspec.structs.replace(node, value=items, key=spelled)


def settled(node: Node) -> Node:
    """Marked keys that nothing was there to add to become plain ones."""
    if not isinstance(node.value, dict):
        return node
    table = {key: settled(child) for key, child in node.value.items() if not _mark(key)[1]}
    _add_marked(table, node)
    return node.with_value(table)
