"""Mixins of version 2: the content of each `use` is merged over the table that it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.config import merge
from resticprof.config.tree import scalar_text
from resticprof.model import expansion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from resticprof.config.problems import Problems
    from resticprof.config.tree import Node


def apply(node: Node, known: Mapping[str, Node], path: str, problems: Problems) -> Node:
    """The table with its mixins, innermost first; later ones win, and all win over the table."""
    if not isinstance(node.value, dict) or not _uses(node):
        return node
    result = node.with_value(
        {
            key: apply(child, known, f"{path}.{key}", problems)
            for key, child in node.value.items()
            if key != "use"
        }
    )
    use = node.get("use")
    for name, content in _used(use, known, f"{path}.use", problems) if use else ():
        merged = merge.replacing(result, content.with_step(f"mixin {name}"))
        result = _in_place_of(result, merged)
    return result.with_value({key: child for key, child in result.table.items() if key != "use"})


def _uses(node: Node) -> bool:
    """Whether there is a `use` in the table or below it; what is in lists does not count."""
    return "use" in node.table or any(_uses(child) for child in node.table.values())


def _in_place_of(old: Node, new: Node) -> Node:
    """The new tables at the places of the old ones: a mixin changes them, and is not them."""
    if not (isinstance(old.value, dict) and isinstance(new.value, dict)):
        return new
    before = old.value
    return old.with_value(
        {
            key: _in_place_of(before[key], child) if key in before else child
            for key, child in new.value.items()
        }
    )


def _used(
    use: Node, known: Mapping[str, Node], path: str, problems: Problems
) -> Iterator[tuple[str, Node]]:
    for entry in merge.entries(use):
        name = entry.table.get("name", entry)
        if not isinstance(name.value, str):
            problems.problem(entry, path, "expected the name of a mixin, or a table with `name`")
            continue
        mixin = known.get(name.value.lower())
        if mixin is None:
            there = ", ".join(node.key for node in known.values()) or "none"
            text = f"undefined mixin `{name.value}`; there are: {there}"
            problems.problem(entry, path, text)
        else:
            yield name.value, _filled(mixin, _variables(mixin, entry, path, problems))


def _variables(mixin: Node, entry: Node, path: str, problems: Problems) -> dict[str, str]:
    """What the variables of a mixin stand for: its own defaults, then what the `use` gives."""
    implicit = {key: node for key, node in entry.table.items() if key not in ("name", "vars")}
    tables = [mixin.get("default-vars"), entry.with_value(implicit), entry.get("vars")]
    found = {}
    for key, node in [item for table in tables if table for item in table.table.items()]:
        if isinstance(node.value, dict | list):
            text = "a variable of a mixin is a single value; this one is left out"
            problems.advise(node, f"{path}.{key}", text)
        elif isinstance(node.value, bool):
            found[key] = "true" if node.value else "false"
        else:
            found[key] = scalar_text(node)
    return found


def _filled(mixin: Node, variables: Mapping[str, str]) -> Node:
    """The mixin's content with its variables replaced; other names are left for later."""
    content = {key: node for key, node in mixin.table.items() if key != "default-vars"}

    def lookup(name: str) -> str:
        return variables.get(name.lower(), f"${{{name}}}")

    return mixin.with_value(content).with_texts(lambda text: expansion.expand(text, lookup))
