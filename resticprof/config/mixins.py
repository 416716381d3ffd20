"""Mixins of version 2: the content of each `use` is merged over the table that it stands in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.config import merge
from resticprof.config.tree import describe, scalar_text
from resticprof.model import expansion

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from resticprof.config.problems import Problems
    from resticprof.config.tree import Node


def apply(node: Node, known: Mapping[str, Node], path: str, problems: Problems) -> Node:
    """The table and those in it with the mixins that they use, innermost first."""
    if not isinstance(node.value, dict) or not any(_uses(node)):
        return node
    inner = {
        key: child if key == "use" else apply(child, known, f"{path}.{key}", problems)
        for key, child in node.value.items()
    }
    return apply_here(node.with_value(inner), known, path, problems)


def apply_here(node: Node, known: Mapping[str, Node], path: str, problems: Problems) -> Node:
    """The table with the mixins that it uses itself; later ones win, and all win over the table."""
    use = node.get("use")
    if use is None:
        return node
    result = _without_use(node)
    inner = f"{path}.use" if path else "use"
    for name, content in _used(use, known, inner, problems) if use.value is not None else ():
        merged = merge.replacing(result, content.with_step(f"mixin {name}"))
        result = _in_place_of(result, merged)
    return result


def check(declared: Mapping[str, Node], problems: Problems) -> None:
    """Tell what is written in mixins, or as one, and has no effect."""
    for mixin in declared.values():
        path = f"mixins.{mixin.key}"
        if not isinstance(mixin.value, dict):
            problems.advise(mixin, path, f"expected a table, got {describe(mixin)}; it is left out")
        variables = mixin.get("default-vars")
        if variables is not None and not isinstance(variables.value, dict | None):
            text = f"expected a table of variables, got {describe(variables)}; it is left out"
            problems.advise(variables, f"{path}.default-vars", text)
        for use in _uses(mixin):
            problems.advise(use, path, "a mixin cannot use another one; this `use` is left out")


def _without_use(node: Node) -> Node:
    return node.with_value({key: child for key, child in node.table.items() if key != "use"})


def _without_uses(node: Node) -> Node:
    if not isinstance(node.value, dict):
        return node
    return node.with_value(
        {key: _without_uses(child) for key, child in node.value.items() if key != "use"}
    )


def _uses(node: Node) -> Iterator[Node]:
    """Every `use` in the table and below it; what is in lists does not count."""
    for key, child in node.table.items():
        if key == "use":
            yield child
        else:
            yield from _uses(child)


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
    explicit = entry.get("vars")
    if explicit is not None and not isinstance(explicit.value, dict | None):
        text = f"expected a table of variables, got {describe(explicit)}"
        problems.problem(explicit, f"{path}.vars", text)
    tables = [mixin.get("default-vars"), entry.with_value(implicit), explicit]
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
    content = dict(_without_uses(mixin).table)
    content.pop("default-vars", None)

    def lookup(name: str) -> str:
        return variables.get(name.lower(), f"${{{name}}}")

    return mixin.with_value(content).with_texts(lambda text: expansion.expand(text, lookup))
