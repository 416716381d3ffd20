"""The effective profile, as data: what `show` prints, secrets masked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from resticprof.config import keys
from resticprof.config.convert import scalar_text
from resticprof.model import masking
from resticprof.model.table import Table
from resticprof.model.types import Duration, Secret
from resticprof.monitors import registry

if TYPE_CHECKING:
    from resticprof.config.configuration import Configuration
    from resticprof.config.tree import Node
    from resticprof.model.config import FlagValue, Group, Profile, Section
    from resticprof.model.monitor import Monitor

Shown = dict[str, Any]
"""Plain values, lists and tables, in the order in which they are shown."""

_EMPTY_IS_A_VALUE = frozenset({"tag", "keep-tag", "group-by"})
_HOOKS = ("run-before", "run-after", "run-after-fail", "run-finally")
_SENDS = ("send-before", "send-after", "send-after-fail", "send-finally")
_HIDDEN = frozenset({"inherit", "schedule", "schedules", "use"})


class Value(msgspec.Struct, frozen=True):
    """One value of `show --explain`: where it was written, and how it came to this profile."""

    path: str
    value: str
    place: str
    steps: tuple[str, ...]

    @property
    def origin(self) -> str:
        """The place and the steps in one cell."""
        return "  ".join(part for part in (self.place, " → ".join(self.steps)) if part)


def shown(configuration: Configuration, name: str) -> dict[str, Shown]:
    """The titled parts of `show`: global, the profile or group, its schedules."""
    parts = {"global": show_global(configuration)}
    group = None if configuration.has_profile(name) else configuration.group(name)
    if group is not None:
        parts[f"group {group.name}"] = show_group(group)
        schedules = dict(group.schedules)
    else:
        profile = configuration.profile(name)
        parts[f"profile {name}"] = show_profile(profile)
        schedules = {
            command: section.schedule
            for command, section in profile.sections.items()
            if section.schedule is not None
        }
    for command, schedule in sorted(schedules.items()):
        parts[f"schedule {command}@{name}"] = table(schedule)
    return parts


def explained(configuration: Configuration, name: str) -> list[Value]:
    """Every value of a profile with its place and the steps that brought it there, masked."""
    node = configuration.node(name)
    _, profile = configuration.read_profile(name)
    secrets = masking.secrets_in(profile)
    found: list[Value] = []
    _explain(node, name, found)
    return [
        msgspec.structs.replace(value, value=masking.mask_known(value.value, secrets))
        for value in found
    ]


def show_global(configuration: Configuration) -> Shown:
    """The `global` section with its defaults."""
    return table(configuration.global_, defaults=True)


def show_profile(profile: Profile) -> Shown:
    """A profile: hooks, flags, keys in the order of the reference, then its sections."""
    declared = table(profile, always=("prometheus-push-format",))
    shown = {key: declared.pop(key) for key in _HOOKS if key in declared}
    shown.update(_flags(profile.flags))
    shown.update(declared)
    named = ("init", "backup", "retention", "check", "prune", "forget", "copy")
    others = sorted(set(profile.sections) - set(named))
    for name in (*named, *others):
        if name in profile.sections:
            shown[name] = show_section(profile.sections[name])
    if profile.monitors:
        shown["monitor"] = show_monitors(profile.monitors)
    return shown


def show_section(section: Section) -> Shown:
    """A section: flags, hooks, then its own keys."""
    declared = table(section)
    shown = _flags(section.flags)
    for key in (*_HOOKS, *_SENDS):
        if key in declared:
            shown[key] = declared.pop(key)
    return {**shown, **declared}


def show_group(group: Group) -> Shown:
    """A group of profiles."""
    shown = table(group)
    if group.monitors:
        shown["monitor"] = show_monitors(group.monitors)
    return shown


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


def _explain(node: Node, path: str, found: list[Value]) -> None:
    if node.table:
        for key, child in node.table.items():
            _explain(child, f"{path}.{key}", found)
    elif node.items and any(item.table for item in node.items):
        for number, item in enumerate(node.items):
            _explain(item, f"{path}[{number}]", found)
    elif node.items:
        for number, item in enumerate(node.items):
            found.append(_value_of(item, f"{path}[{number}]"))
    elif node.value not in ({}, [], None):
        found.append(_value_of(node, path))


def _value_of(node: Node, path: str) -> Value:
    return Value(path, scalar_text(node), str(node.place), node.steps)


# ---- values ---------------------------------------------------------------------------------


def table(values: Table, *, always: tuple[str, ...] = (), defaults: bool = False) -> Shown:
    """The keys of a struct that say something."""
    shown = {}
    for field in keys.fields(type(values)).values():
        value = getattr(values, field.name)
        optional_bool = value is False and field.default is None
        if field.key in _HIDDEN:
            continue
        changed = bool(value) and (value != field.default or defaults)
        if changed or optional_bool or field.key in always:
            shown[field.key] = _value(value)
    return shown


def _value(value: Any) -> Any:
    if isinstance(value, Secret | Duration):
        return str(value)
    if isinstance(value, Table):
        return table(value)
    if isinstance(value, tuple | list):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {key: _value(item) for key, item in value.items()}
    return value


def _flags(flags: dict[str, FlagValue]) -> Shown:
    shown = {}
    for name, value in sorted(flags.items()):
        if value is False or value == () or (value == "" and name not in _EMPTY_IS_A_VALUE):
            continue
        shown[name] = _value(value)
    return shown
