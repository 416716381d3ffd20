"""Merge what several `monitor` tables say; later ones win. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.config.monitor_tables import Entry, Level, Setting, Settings
from resticprof.config.tree import is_reference

if TYPE_CHECKING:
    from resticprof.config.tree import Node


def merged(*levels: Level) -> Level:
    """All levels as one."""
    common: Settings = {}
    services: dict[str, list[Entry]] = {}
    for level in levels:
        common = _settings(common, level.common)
        if "enabled" in level.common:
            services = {name: _undecided(entries) for name, entries in services.items()}
        for name, entries in level.services.items():
            services[name] = _entries(services.get(name, []), entries)
    return Level(common, services)


def told_apart(entries: list[Entry]) -> list[Entry]:
    """Several entries of one service: those without a name are called by their position."""
    if len(entries) == 1:
        return entries
    return [
        entry if entry.name else entry.with_settings({**entry.settings, "name": _number(entry, at)})
        for at, entry in enumerate(entries, start=1)
    ]


def _number(entry: Entry, position: int) -> Setting:
    return Setting(entry.node.with_value(str(position)), entry.path)


def _undecided(entries: list[Entry]) -> list[Entry]:
    """The same without their own `enabled`: a later table decided for all of them."""
    return [
        entry.with_settings({key: kept for key, kept in entry.settings.items() if key != "enabled"})
        for entry in entries
    ]


def _entries(old: list[Entry], new: list[Entry]) -> list[Entry]:
    """By `name` where there is one, by position otherwise; `true` and `false` mean all of them."""
    if old and len(new) == 1 and set(new[0].settings) == {"enabled"}:
        return [_entry(entry, new[0]) for entry in old]
    merged = list(old)
    for position, entry in enumerate(new):
        same = [
            index
            for index, candidate in enumerate(merged)
            if (candidate.name == entry.name if entry.name else index == position)
        ]
        if same:
            merged[same[0]] = _entry(merged[same[0]], entry)
        else:
            merged.append(entry)
    return merged


def _entry(old: Entry, new: Entry) -> Entry:
    return new.with_settings(_settings(old.settings, new.settings))


def _settings(old: Settings, new: Settings) -> Settings:
    """Later settings win; tables inside of them merge key by key."""
    return {**old, **{key: _setting(old.get(key), value) for key, value in new.items()}}


def _setting(old: Setting | None, new: Setting) -> Setting:
    if old is None:
        return new
    if new.names:
        node = new.node.with_value({**old.node.table, **new.node.table})
    else:
        node = _nodes(old.node, new.node)
    return Setting(node, new.path, new.names)


def _nodes(old: Node, new: Node) -> Node:
    """Tables merge key by key; lists, scalars and references replace."""
    if is_reference(old) or is_reference(new) or not (old.table and isinstance(new.value, dict)):
        return new
    table = dict(old.table)
    for key, node in new.table.items():
        table[key] = _nodes(table[key], node) if key in table else node
    return new.with_value(table)
