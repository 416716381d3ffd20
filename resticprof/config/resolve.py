"""Includes, inheritance, mixins and implied values: trees in, trees out. Pure.

Version 1 merges lists by index, version 2 replaces them and knows `key...`, `...key`,
`key__APPEND` and `key__PREPEND`. Every value keeps the place where it was written and gains a
step for each way it travelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.config import keys
from resticprof.config.tree import Node
from resticprof.errors import ConfigError, Problem
from resticprof.model import expansion
from resticprof.model.config import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RESERVED = frozenset({"global", "groups", "includes", "version", "$schema", "mixins"})


def problem(node: Node, key: str, text: str) -> ConfigError:
    """An error about one value."""
    return ConfigError(Problem(text, file=node.place.file, line=node.place.line, key=key))


# ---- files ----------------------------------------------------------------------------------


def version(tree: Node) -> int:
    """1 or 2; a missing, empty or strange version is 1."""
    return _number(tree.get("version")) or 1


def _number(node: Node | None) -> int | None:
    if node is None or not str(node.value).strip():
        return None
    try:
        return 2 if float(str(node.value)) >= 2 else 1
    except ValueError:
        return 1


def merge_files(trees: list[Node]) -> Node:
    """The main file and its includes as one tree; later files win. All have one version."""
    main = trees[0]
    for other in trees[1:]:
        number = _number(other.get("version"))
        if number is not None and number != version(main):
            text = f"is of version {number}, but the main file is of version {version(main)}"
            raise problem(other.get("version") or other, "version", text)
    merged = main
    for other in trees[1:]:
        merged = _merge_file(merged, other)
    return merged


def _merge_file(base: Node, other: Node) -> Node:
    """Tables merge, everything else is replaced; `use` of both files counts."""
    if not (isinstance(base.value, dict) and isinstance(other.value, dict)):
        if isinstance(base.value, dict) and other.value is not None:
            text = f"replaces the table of {base.place} by a single value; write a table here"
            raise problem(other, other.key, text)
        return other
    table = dict(base.value)
    for key, node in other.value.items():
        if node.value is None or (node.value == {} and key in table):
            continue
        if key not in table:
            table[key] = node
        elif key == "use":
            table[key] = node.with_value([*_entries(table[key]), *_entries(node)])
        else:
            table[key] = _merge_file(table[key], node)
    return base.with_value(table)


def _entries(node: Node) -> list[Node]:
    return list(node.items) if isinstance(node.value, list) else [node]


# ---- profiles -------------------------------------------------------------------------------


def profile_nodes(tree: Node) -> dict[str, Node]:
    """The profiles as they are written, by name in lower case."""
    if version(tree) == 2:
        node = tree.get("profiles")
        return dict(node.table) if node else {}
    return {key: node for key, node in tree.table.items() if key not in RESERVED}


def profile(tree: Node, name: str) -> Node | None:
    """One profile with everything it inherits, its mixins and implied values; None: no such one."""
    if name.lower() not in profile_nodes(tree):
        return None
    number = version(tree)
    node = _inherited(tree, name.lower(), number, ())
    node = _settled(node) if number == 2 else node
    return _implied(node, number)


def _inherited(tree: Node, name: str, number: int, chain: tuple[str, ...]) -> Node:
    nodes = profile_nodes(tree)
    own = nodes[name]
    if not isinstance(own.value, dict):
        raise problem(own, name, "a profile is a table of keys")
    if name in chain:
        path = " → ".join((*chain[chain.index(name) :], name))
        raise problem(own.get("inherit") or own, f"{name}.inherit", f"goes in a circle: {path}")
    parent = own.get("inherit")
    if parent is not None and parent.value:
        parent_name = str(parent.value).lower()
        if parent_name not in nodes:
            chain_text = " → ".join((*chain, name, str(parent.value)))
            text = f"there is no profile `{parent.value}` to inherit from ({chain_text})"
            raise problem(parent, f"{name}.inherit", text)
        base = _inherited(tree, parent_name, number, (*chain, name))
        base = _heritage(base).with_step(f"inherited from {parent.value}")
        merge = merge_by_index if number == 1 else merge_replacing
        own = merge(base, own)
    if number == 2:
        own = apply_mixins(own, mixins(tree), name)
    return own


def _heritage(base: Node) -> Node:
    """What a child gets of its parent: everything but what speaks of the parent itself."""
    own = {key for key, field in keys.fields(Profile).items() if not field.about.inherited}
    return base.with_value({key: node for key, node in base.table.items() if key not in own})


def merge_by_index(base: Node, child: Node) -> Node:
    """Version 1: declared lists merge by index, tables by key, everything else is replaced."""
    return _by_index(base, child, keys.profile_list_key, depth=0)


def _by_index(base: Node, child: Node, is_list: Callable[[str], bool], *, depth: int) -> Node:
    table = dict(base.table)
    for key, node in child.table.items():
        old = table.get(key)
        if old is None:
            table[key] = node
        elif node.value is None and _declared(key, depth):
            continue
        elif is_list(key):
            table[key] = _indexwise(old, node)
        elif isinstance(old.value, dict) and isinstance(node.value, dict):
            kind = keys.section_type(key) if depth == 0 else None
            inner = (lambda name, kind=kind: keys.is_list_key(kind, name)) if kind else _never
            table[key] = _by_index(old, node, inner, depth=depth + 1)
        else:
            table[key] = node
    return child.with_value(table)


def _never(_key: str) -> bool:
    return False


def _declared(key: str, depth: int) -> bool:
    return depth > 0 or key in keys.spellings(Profile)


def _indexwise(old: Node, new: Node) -> Node:
    if new.value == {} or (isinstance(old.value, dict) and isinstance(new.value, dict)):
        return _by_index(old, new, _never, depth=1) if new.value else old
    items = _entries(old)
    for index, item in enumerate(_entries(new)):
        if index >= len(items):
            items.append(item)
        elif item.value is not None:
            items[index] = item
    return new.with_value(items)


# ---- version 2: replace, append, prepend, unset ----------------------------------------------

_MARKS = (("", "..."), ("...", ""), ("", "__append"), ("__prepend", ""), ("", "__prepend"))


def _plain_key(key: str) -> tuple[str, str]:
    """The key without its append or prepend mark, and what the mark says."""
    if key.startswith("..."):
        return key[3:], "prepend"
    if key.endswith("..."):
        return key[:-3], "append"
    if key.endswith("__append"):
        return key[: -len("__append")], "append"
    if key.endswith("__prepend"):
        return key[: -len("__prepend")], "prepend"
    return key, ""


def merge_replacing(base: Node, child: Node) -> Node:
    """Version 2: tables merge, lists replace, null removes, marked keys append or prepend."""
    if not (isinstance(base.value, dict) and isinstance(child.value, dict)):
        return child
    table = dict(base.value)
    for key, node in child.value.items():
        if _plain_key(key)[1]:
            continue
        if node.value is None:
            table.pop(key, None)
        elif key in table:
            table[key] = merge_replacing(table[key], node)
        else:
            table[key] = node
    _add_marked(table, child)
    return child.with_value(table)


def _add_marked(table: dict[str, Node], child: Node) -> None:
    for key, node in child.table.items():
        plain, mark = _plain_key(key)
        if not mark or node.value is None:
            continue
        base = table.get(plain)
        old = _entries(base) if base is not None and base.value is not None else []
        new = _entries(node)
        table[plain] = node.with_value([*old, *new] if mark == "append" else [*new, *old])


def _settled(node: Node) -> Node:
    """Marked keys that nothing was there to add to become plain ones."""
    if not isinstance(node.value, dict):
        return node
    table = {key: _settled(child) for key, child in node.value.items() if not _plain_key(key)[1]}
    _add_marked(table, node)
    return node.with_value(table)


# ---- version 2: mixins -----------------------------------------------------------------------


def mixins(tree: Node) -> dict[str, Node]:
    """The declared mixins."""
    node = tree.get("mixins")
    return {key: child for key, child in node.table.items() if child.table} if node else {}


def shared_part(tree: Node, key: str) -> Node | None:
    """`global` or `groups`, with the mixins used there."""
    node = tree.get(key)
    if node is None or version(tree) == 1:
        return node
    return _settled(apply_mixins(node, mixins(tree), key))


def apply_mixins(node: Node, known: dict[str, Node], path: str) -> Node:
    """Merge the content of every `use` over the table that it stands in, innermost first."""
    if not isinstance(node.value, dict):
        return node
    table = {
        key: apply_mixins(child, known, f"{path}.{key}")
        for key, child in node.value.items()
        if key != "use"
    }
    result = node.with_value(table)
    use = node.get("use")
    for name, content in _used(use, known, f"{path}.use") if use else ():
        result = merge_replacing(result, content.with_step(f"mixin {name}"))
    return result.with_value({key: child for key, child in result.table.items() if key != "use"})


def _used(use: Node, known: dict[str, Node], path: str) -> Iterator[tuple[str, Node]]:
    for entry in _entries(use):
        if isinstance(entry.value, str):
            name, given = entry.value, Node({})
        elif isinstance(entry.value, dict) and isinstance(entry.table.get("name"), Node):
            name, given = str(entry.table["name"].value), entry
        else:
            raise problem(entry, path, "expected the name of a mixin, or a table with `name`")
        mixin = known.get(name.lower())
        if mixin is None:
            there = ", ".join(known) or "none"
            raise problem(entry, path, f"undefined mixin `{name}`; there are: {there}")
        yield name, _filled(mixin, given, path)


def _filled(mixin: Node, given: Node, path: str) -> Node:
    """The mixin's content with its variables replaced."""
    variables: dict[str, Node] = {}
    defaults, explicit = mixin.get("default-vars"), given.get("vars")
    variables.update(defaults.table if defaults else {})
    variables.update(
        {key: node for key, node in given.table.items() if key not in ("name", "vars")}
    )
    variables.update(explicit.table if explicit else {})
    texts: dict[str, str] = {}
    for key, node in variables.items():
        if isinstance(node.value, dict | list):
            raise problem(node, f"{path}.{key}", "a variable of a mixin is a single value")
        texts[key] = _text(node)
    content = {key: node for key, node in mixin.table.items() if key != "default-vars"}

    def lookup(name: str) -> str:
        return texts.get(name.lower(), f"${{{name}}}")

    return _expanded(mixin.with_value(content), lookup)


def _text(node: Node) -> str:
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return "" if node.value is None else str(node.value)


def _expanded(node: Node, lookup: Callable[[str], str]) -> Node:
    value = node.value
    if isinstance(value, str):
        return node.with_value(expansion.expand(value, lookup))
    if isinstance(value, dict):
        return node.with_value({key: _expanded(child, lookup) for key, child in value.items()})
    if isinstance(value, list):
        return node.with_value([_expanded(child, lookup) for child in value])
    return node


# ---- implied values --------------------------------------------------------------------------


def _implied(node: Node, number: int) -> Node:
    """What the configuration means without saying it: how a retention follows its backup."""
    backup, retention = node.get("backup"), node.get("retention")
    sections: dict[str, Node] = {}
    if backup is not None and isinstance(backup.value, dict) and number == 2:
        sections["backup"] = _with_default(backup, "host", value=True)
    if retention is not None and isinstance(retention.value, dict):
        sections["retention"] = _implied_retention(node, backup, retention, number)
    return node.with_value({**node.table, **sections}) if sections else node


def _implied_retention(node: Node, backup: Node | None, retention: Node, number: int) -> Node:
    filled = retention
    if backup is not None:
        filled = _with_default(filled, "path", value=True)
    if number == 1:
        return filled
    if backup is not None and backup.get("tag"):
        filled = _with_default(filled, "tag", value=True)
    host = backup.get("host") if backup is not None else None
    if host is not None and not filled.get("host"):
        filled = filled.with_value({**filled.table, "host": host})
    elif not node.get("host"):
        filled = _with_default(filled, "host", value=True)
    keeps = any(key.startswith("keep-") for key in retention.table)
    if keeps and not (filled.get("before-backup") or filled.get("after-backup")):
        filled = _with_default(filled, "after-backup", value=True)
    return filled


def _with_default(node: Node, key: str, *, value: bool) -> Node:
    if key in node.table:
        return node
    default = Node(value, node.place, key, ("default",))
    return node.with_value({**node.table, key: default})
