"""`monitor` tables: their levels merged into the services that each command reports to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from resticprof.config import keys, monitor_merging, monitor_tables
from resticprof.config.convert import Converter, failed
from resticprof.config.monitor_tables import Entry, Level, Setting, Settings
from resticprof.errors import did_you_mean
from resticprof.model import masking
from resticprof.model.monitor import Monitor
from resticprof.model.table import Table
from resticprof.model.types import Secret, Text
from resticprof.monitors import registry
from resticprof.restic import flags

if TYPE_CHECKING:
    from collections.abc import Container

    from resticprof.config.tree import Node

COMMANDS = ("backup", "copy", "check", "forget", "prune")
"""The commands that monitors report by default; others only when their section asks for it."""

Monitors = tuple[Monitor, ...]


def by_command(
    converter: Converter, profile: Node, name: str, shared: Node | None
) -> dict[str, Monitors]:
    """The monitors of every command of a profile, by command. `shared` is `global.monitor`."""
    sections = _sections(profile)
    default = _level(converter, shared, "global.monitor")
    own = _level(converter, profile.get("monitor"), f"{name}.monitor")
    usual = effective(converter, default, own)
    found = {} if not usual else dict.fromkeys(COMMANDS, usual)
    for command, node in sections.items():
        special = _level(converter, node, f"{name}.{command}.monitor")
        inherited = [default, own]
        if command not in COMMANDS and "enabled" not in special.common:
            inherited = [_only(level, special.services) for level in inherited]
        found[command] = effective(converter, *inherited, special)
    return {command: monitors for command, monitors in found.items() if monitors}


def of_group(
    converter: Converter, node: Node, path: str, shared: Node | None
) -> dict[str, Monitors]:
    """The monitors around a group. `global.monitor` gives defaults for what the group names."""
    own = _level(converter, node, path)
    default = _only(_level(converter, shared, "global.monitor"), own.services)
    found = effective(converter, default, own)
    return dict.fromkeys(COMMANDS, found) if found else {}


def check_shared(converter: Converter, node: Node) -> None:
    """Find what is wrong with `global.monitor`, whoever is going to use it."""
    effective(converter, _level(converter, node, "global.monitor"))


def _sections(profile: Node) -> dict[str, Node]:
    """The `monitor` tables of sections; a section may be repeated blocks (HCL)."""
    return {
        key: table
        for key, section in profile.table.items()
        if keys.section_type(key)
        for part in (section.items or [section])
        if (table := part.get("monitor")) is not None
    }


def _level(converter: Converter, node: Node | None, path: str) -> Level:
    """What one table says, or what repeated blocks (HCL) say together."""
    if node is None:
        return Level()
    parts = node.items if isinstance(node.value, list) else [node]
    return monitor_merging.merged(*(monitor_tables.read(converter, part, path) for part in parts))


def _only(level: Level, names: Container[str]) -> Level:
    """The level without the services that are not named: they are for other commands."""
    kept = {name: entries for name, entries in level.services.items() if name in names}
    return Level(level.common, kept)


def effective(converter: Converter, default: Level, *levels: Level) -> Monitors:
    """Merge the levels, later ones win, and build the services that are left.

    A service that only `default` has may be half a table: it waits for profiles to complete it.
    """
    whole = monitor_merging.merged(default, *levels)
    _values(converter, whole.common, Monitor)
    named = {name for level in levels for name in level.services}
    built = [
        _build(converter, service, entry, whole.common, may_wait=service not in named)
        for service, entries in whole.services.items()
        for entry in monitor_merging.told_apart(entries)
    ]
    return tuple(monitor for monitor in built if monitor is not None)


def _build(
    converter: Converter, service: str, entry: Entry, common: Settings, *, may_wait: bool
) -> Monitor | None:
    """One service out of its settings; None when it is switched off, or cannot work.

    A single value that cannot be read does not silence the service: the run is going to fail for
    it, and somebody should hear of that.
    """
    kind = registry.load(service)
    values = _values(converter, {**_fitting(common, kind), **entry.settings}, kind)
    required = {field.name for field in keys.fields(kind).values() if field.required}
    if values.get("enabled") is False or (may_wait and not required <= set(values)):
        return None
    monitor = converter.build(entry.node, kind, entry.path, values)
    if failed(monitor):
        return None
    found: Monitor = _protected(monitor)
    problems = [*found.check(), *_command_problems(found)]
    for text in problems:
        converter.problem(entry.node, entry.path, text)
    for text in found.advice():
        converter.advise(entry.node, entry.path, text)
    return None if problems else found


def _values(converter: Converter, settings: Settings, kind: type[Monitor]) -> dict[str, Any]:
    """The settings as their types, by attribute name; what cannot be read is a problem."""
    values = {
        field.name: _value(converter, settings[key], field)
        for key, field in keys.fields(kind).items()
        if key in settings and settings[key].node.value is not None
    }
    return {name: value for name, value in values.items() if not failed(value)}


def _fitting(common: Settings, kind: type[Monitor]) -> Settings:
    """Keys for all services; of `states` what this one can be told."""
    states = common.get("states")
    if states is None:
        return common
    known = keys.fields(Monitor)["states"].about.values
    others = {state for state in known if state not in kind.EVENTS}
    items = states.node.items or [states.node]
    fitting = [item for item in items if str(item.value) not in others]
    return {**common, "states": Setting(states.node.with_value(fitting), states.path)}


def _value(converter: Converter, setting: Setting, field: keys.Field) -> Any:
    """One value as its type; an address with a password in it is a secret."""
    value = converter.value(setting.node, field.type, field.about, setting.path)
    if keys.without_none(field.type) == Text and isinstance(value, str) and "://" in value:
        secret = masking.url_secret(value)
        return secret if masking.holds_password(secret) else value
    return value


def _protected(monitor: Monitor) -> Monitor:
    """The same with secret headers marked, and of its addresses nothing shown but the host."""
    headers = tuple(
        msgspec.structs.replace(header, value=masking.header_value(header.name, header.value))
        for header in monitor.headers
    )
    found: Monitor = _hidden(msgspec.structs.replace(monitor, headers=headers))
    return found


def _hidden(value: Any) -> Any:
    """The same value with the addresses that are secrets in it shown as `https://host/×××`."""
    if isinstance(value, Secret):
        return value if value.fetched else masking.address_secret(value.reveal())
    if isinstance(value, tuple):
        return tuple(_hidden(item) for item in value)
    if isinstance(value, Table):
        fields = msgspec.structs.asdict(value)
        return msgspec.structs.replace(value, **{key: _hidden(v) for key, v in fields.items()})
    return value


def _command_problems(monitor: Monitor) -> list[str]:
    """Commands that restic does not have."""
    return [
        f"`commands`: there is no command `{name}`{did_you_mean(name, flags.commands())}"
        for name in monitor.commands
        if not flags.is_command(name)
    ]
