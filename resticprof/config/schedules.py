"""The schedule of a section: its `schedule` key, its `schedule-*` keys, and the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.config import keys
from resticprof.config.convert import Converter, failed
from resticprof.model.config import Schedule

if TYPE_CHECKING:
    from resticprof.config.tree import Node


def split(node: Node) -> tuple[Node, Node | None, dict[str, Node]]:
    """The section without its schedule keys, its `schedule`, and its `schedule-*` keys."""
    rest, prefixed = {}, {}
    for key, child in node.table.items():
        if key.startswith(keys.SCHEDULE_PREFIX):
            prefixed[key[len(keys.SCHEDULE_PREFIX) :]] = child
        elif key != "schedule":
            rest[key] = child
    return node.with_value(rest), node.get("schedule"), prefixed


def schedule(
    converter: Converter,
    written: Node | None,
    prefixed: dict[str, Node],
    defaults: dict[str, Node],
    path: str,
) -> Schedule | None:
    """The effective schedule; None without times. Section keys win over the table."""
    if written is None or written.value is None:
        return None
    table = dict(written.table) if isinstance(written.value, dict) else {"at": written}
    merged = {**defaults, **table, **prefixed}
    times = _times(merged.get("at"))
    if not times:
        return None
    node = written.with_value({**merged, "at": written.with_value(times)})
    found = converter.table(node, Schedule, f"{path}.schedule", place=merged["at"].place)
    return None if failed(found) else found


def _times(node: Node | None) -> list[Node]:
    """The expressions that are not blank."""
    if node is None or node.value is None:
        return []
    items = node.items if isinstance(node.value, list) else [node]
    return [item.with_value(str(item.value).strip()) for item in items if str(item.value).strip()]
