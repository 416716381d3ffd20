"""The effective profile, as data: what `show` prints, secrets masked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import msgspec

from resticprof.config import keys, secrecy
from resticprof.model import masking
from resticprof.model.table import Table
from resticprof.model.types import Duration, Secret, public
from resticprof.monitors import registry
from resticprof.runs import arguments

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resticprof.config.configuration import Configuration
    from resticprof.config.tree import Node
    from resticprof.model.config import FlagValue, Group, Profile, Section
    from resticprof.model.monitor import Monitor

Shown = dict[str, Any]
"""Plain values, lists and tables, in the order in which they are shown."""

_EMPTY_IS_A_VALUE = frozenset({"tag", "keep-tag", "group-by"})
_HOOKS = ("run-before", "run-after", "run-after-fail", "run-finally")
_SENDS = ("send-before", "send-after", "send-after-fail", "send-finally")
_FIRST_SECTIONS = ("init", "backup", "retention", "check", "prune", "forget", "copy")
_HIDDEN = frozenset({"inherit", "schedule", "schedules"})
_ALWAYS = ("prometheus-push-format",)


def shown(configuration: Configuration, name: str) -> dict[str, Shown]:
    """The titled parts of `show`: global, the profile or group, its schedules."""
    name = configuration.spelled(name)
    parts = {"global": table(configuration.global_, defaults=True)}
    group = None if configuration.has_profile(name) else configuration.group(name)
    if group is not None:
        parts[f"group {group.name}"] = show_group(group)
        schedules = dict(group.schedules)
    else:
        profile = configuration.profile(name, reveal=False)
        parts[f"profile {name}"] = show_profile(profile)
        schedules = {
            command: section.schedule
            for command, section in profile.sections.items()
            if section.schedule is not None
        }
    for command, schedule in sorted(schedules.items()):
        parts[f"schedule {command}@{name}"] = table(schedule)
    return parts


def show_profile(profile: Profile) -> Shown:
    """A profile: hooks, flags, keys in the order of the reference; tables and sections follow."""
    declared = table(profile, always=_ALWAYS)
    found = {key: declared.pop(key) for key in _HOOKS if key in declared}
    found.update(_flags(profile.flags, profile))
    tables = {key: value for key, value in declared.items() if _is_table(value)}
    found.update({key: value for key, value in declared.items() if key not in tables})
    found.update(tables)
    others = sorted(set(profile.sections) - set(_FIRST_SECTIONS))
    for name in (*_FIRST_SECTIONS, *others):
        if name in profile.sections:
            found[name] = show_section(profile.sections[name], profile)
    if profile.monitors:
        found["monitor"] = show_monitors(profile.monitors)
    return found


def show_section(section: Section, profile: Profile) -> Shown:
    """A section: flags, hooks, then its own keys."""
    declared = table(section)
    found = _flags(section.flags, profile)
    for key in (*_HOOKS, *_SENDS):
        if key in declared:
            found[key] = declared.pop(key)
    return {**found, **declared}


def show_group(group: Group) -> Shown:
    """A group of profiles."""
    found = table(group)
    if group.monitors:
        found["monitor"] = show_monitors(group.monitors)
    return found


def show_monitors(monitors: dict[str, tuple[Monitor, ...]]) -> Shown:
    """The services of each command; commands that tell the same to the same are named together."""
    told: list[tuple[list[str], tuple[Monitor, ...]]] = []
    for command, entries in monitors.items():
        same = next((names for names, others in told if others == entries), None)
        if same is None:
            told.append(([command], entries))
        else:
            same.append(command)
    return {
        ", ".join(names): {registry.title(monitor): show_monitor(monitor) for monitor in entries}
        for names, entries in told
    }


def show_monitor(monitor: Monitor) -> Shown:
    """The settings of one service, and always the events that it is told."""
    return table(monitor, always=("states",))


# ---- where values came from -----------------------------------------------------------------


class Value(msgspec.Struct, frozen=True):
    """One value of `show --explain`: as it was written, where, and how it came to this profile."""

    path: str
    value: str
    file: str
    line: int
    steps: tuple[str, ...]

    @property
    def origin(self) -> str:
        """The place and the steps in one cell."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return "  ".join(part for part in (place, " → ".join(self.steps)) if part)


def explained(configuration: Configuration, name: str) -> dict[str, list[Value]]:
    """Every value of `global` and of a profile or group, by the titles of `show`, masked."""
    name = configuration.spelled(name)
    shared = table(configuration.global_, defaults=True)
    parts = {"global": _explained("global", configuration.shared_node("global"), shared)}
    group = None if configuration.has_profile(name) else configuration.group(name)
    if group is not None:
        groups = configuration.shared_node("groups")
        node = groups.get(group.name.lower()) if groups else None
        parts[f"group {group.name}"] = _explained(group.name, node, {})
    else:
        _, profile = configuration.read_profile(name, reveal=False)
        always = {key: value for key, value in show_profile(profile).items() if key in _ALWAYS}
        parts[f"profile {name}"] = _explained(name, configuration.node(name), always)
    return parts


def _explained(title: str, node: Node | None, defaults: Mapping[str, Any]) -> list[Value]:
    """The values that were written, then those that nobody had to write."""
    found = [_written(leaf) for leaf in secrecy.leaves(node, title)] if node else []
    written = node.table if node else {}
    found += [
        Value(f"{title}.{key}", _text(value), "", 0, ("default",))
        for key, value in defaults.items()
        if key not in written
    ]
    return found


def _written(leaf: secrecy.Leaf) -> Value:
    place = leaf.node.place
    return Value(leaf.path, public(leaf.text), place.file, place.line, leaf.node.steps)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---- values ---------------------------------------------------------------------------------


def table(values: Table, *, always: tuple[str, ...] = (), defaults: bool = False) -> Shown:
    """The keys of a struct that say something."""
    found = {}
    for field in keys.fields(type(values)).values():
        value = getattr(values, field.name)
        optional_bool = value is False and field.default is None
        if field.key in _HIDDEN:
            continue
        changed = bool(value) and (value != field.default or defaults)
        if changed or optional_bool or field.key in always:
            found[field.key] = _value(value)
    return found


def _is_table(value: object) -> bool:
    """Whether it is shown below a title of its own."""
    items = value if isinstance(value, list) else [value]
    return any(isinstance(item, dict) for item in items)


def _value(value: Any, name: str = "") -> Any:
    if isinstance(value, Secret | Duration):
        return str(value)
    if isinstance(value, str):
        return public(masking.named_secret(name, value))
    if isinstance(value, Table):
        return table(value)
    if isinstance(value, tuple | list):
        return [_value(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _value(item, key) for key, item in value.items()}
    return value


def _flags(flags: Mapping[str, FlagValue], profile: Profile) -> Shown:
    found = {}
    for name, written in sorted(flags.items()):
        value = _resolved(name, profile) if written is True else written
        if value is False or value == () or (value == "" and name not in _EMPTY_IS_A_VALUE):
            continue
        found[name] = _value(value, name)
    return found


def _resolved(name: str, profile: Profile) -> FlagValue:
    """What `true` stands for: the sources for `path`, the tags of the backup for `tag`."""
    if name == "path":
        folder = arguments.source_directory(profile)
        sources = arguments.sources(profile)
        return tuple(os.path.normpath(os.path.join(folder, path)) for path in sources) or True
    if name == "tag":
        return profile.backup.flags.get("tag") or True
    return True
