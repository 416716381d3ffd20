"""How two tables become one: an include, a parent of version 1, a parent or mixin of version 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from resticprof.config import keys
from resticprof.model.config import Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.config.problems import Problems
    from resticprof.config.tree import Node


def entries(node: Node) -> list[Node]:
    """The items of a list; any other value is a list of one."""
    return list(node.items) if isinstance(node.value, list) else [node]


# ---- includes -------------------------------------------------------------------------------


def included(base: Node, other: Node, problems: Problems, path: str = "") -> Node:
    """Tables merge, everything else is replaced; `use` of both files counts."""
    if not (isinstance(base.value, dict) and isinstance(other.value, dict)):
        if not isinstance(base.value, dict) or other.value is None:
            return other
        text = f"a single value cannot replace the table of {base.place}; write a table here"
        problems.problem(other, path, text)
        return base
    table = dict(base.value)
    for key, node in other.value.items():
        if node.value is None or (node.value == {} and key in table):
            continue
        if key not in table:
            table[key] = node
        elif key == "use":
            table[key] = node.with_value([*entries(table[key]), *entries(node)])
        else:
            inner = f"{path}.{node.key}" if path else node.key
            table[key] = included(table[key], node, problems, inner)
    return base.with_value(table)


# ---- version 1: by index --------------------------------------------------------------------


def by_index(base: Node, child: Node) -> Node:
    """Version 1: declared lists merge by index, tables by key, everything else is replaced."""
    return _by_index(base, child, lambda key: keys.is_list_key(Profile, key), profile=True)


def _by_index(base: Node, child: Node, is_list: Callable[[str], bool], *, profile: bool) -> Node:
    table = dict(base.table)
    for key, node in child.table.items():
        old = table.get(key)
        if old is None:
            table[key] = node
        elif node.value is None and not (profile and key not in keys.spellings(Profile)):
            continue  # of a flag, null is a value
        elif is_list(key):
            table[key] = _indexwise(old, node)
        elif isinstance(old.value, dict) and isinstance(node.value, dict):
            kind = keys.section_type(key) if profile else None
            inner = (lambda name, kind=kind: keys.is_list_key(kind, name)) if kind else _never
            table[key] = _by_index(old, node, inner, profile=False)
        else:
            table[key] = node
    return child.with_value(table)


def _never(_key: str) -> bool:
    return False


def _indexwise(old: Node, new: Node) -> Node:
    if new.value == {} or (isinstance(old.value, dict) and isinstance(new.value, dict)):
        return _by_index(old, new, _never, profile=False) if new.value else old
    items = entries(old)
    for index, item in enumerate(entries(new)):
        if index >= len(items):
            items.append(item)
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
    if not (isinstance(base.value, dict) and isinstance(child.value, dict)):
        return child
    table = dict(base.value)
    for key, node in child.value.items():
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
