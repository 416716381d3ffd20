"""The schedule of a section: its `schedule` key, its `schedule-*` keys, and the defaults."""

from __future__ import annotations

from resticprof.config import keys
from resticprof.config.convert import Converter
from resticprof.config.tree import Node, is_reference
from resticprof.model.config import Schedule


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
    """The effective schedule; None without times. `path` is that of `schedule`, written or not.

    The `schedule-*` keys win over the table, and both over the defaults, which are checked where
    they were written.
    """
    section = path.rpartition(".")[0]
    keyed = Node(prefixed)
    if written is None or written.value is None:
        _check(converter, keyed, section)
        return None
    bare = not isinstance(written.value, dict) or is_reference(written)
    table = written.with_value({"at": written} if bare else written.table)
    node = written.with_value({**defaults, **table.table, **prefixed})
    silent = Converter(converter.directory, reveal=converter.reveal)
    values = silent.values(Node(defaults), Schedule, path)
    values |= converter.values(table, Schedule, section if bare else path)
    values |= converter.values(keyed, Schedule, section)
    converter.secrets += silent.secrets
    _check(converter, table, path)
    _check(converter, keyed, section)
    # One blank between the words, as systemd shows them.
    times = tuple(filter(None, (" ".join(text.split()) for text in values.pop("at", ()))))
    if times:
        return Schedule(**values, at=times, place=node.at("at").place)
    if not bare and "at" not in node.table:
        converter.advise(written, path, "`at` is missing, so nothing is scheduled")
    return None


def _check(converter: Converter, node: Node, path: str) -> None:
    """Remember the keys that no schedule has."""
    known = list(keys.fields(Schedule))
    for key, child in node.table.items():
        if key in keys.spellings(Schedule):
            continue
        spelled = child.key or key
        prefix = keys.SCHEDULE_PREFIX if spelled.lower().startswith(keys.SCHEDULE_PREFIX) else ""
        converter.unknown_key(child, f"{path}.{spelled}", [prefix + name for name in known])
