"""docs/reference.md: every key of the configuration, from the typed model."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from resticprof.config import keys
from resticprof.config.schema import plain_default
from resticprof.model.config import Global, Group, Profile, Schedule, Section, Webhook
from resticprof.model.monitor import Monitor
from resticprof.model.types import Duration, Secret, Text
from resticprof.monitors import registry

if TYPE_CHECKING:
    from resticprof.model.table import Table

_EXPANDED = {
    "E": "`$VARIABLES`",
    "H": "`~`",
    "R": "relative to the configuration",
}


def reference() -> str:
    """The text of docs/reference.md."""
    parts = [
        "# Keys of the configuration",
        "",
        "Generated from the program by `resticprof generate --config-reference`. Keys are read in any case.",
        "Every key that is not listed here is passed to restic as a flag.",
        "",
        *_section_text("global", Global),
        *_section_text("Profile", Profile),
        *_section_text("Every command section", Section),
    ]
    for name in ("backup", "retention", "init", "copy"):
        kind = keys.section_type(name)
        if kind is not None:
            own = set(keys.fields(kind)) - set(keys.fields(Section))
            parts += _section_text(f"Section `{name}`", kind, own)
    parts += _section_text("HTTP hooks: `send-*`", Webhook)
    parts += _section_text("Schedule: a table, or keys with `schedule-` in front", Schedule)
    parts += _section_text("Group (version 2)", Group)
    parts += _section_text("Every monitoring service", Monitor)
    for name in registry.names():
        service = registry.load(name)
        own = set(keys.fields(service)) - set(keys.fields(Monitor))
        parts += _section_text(f"Monitor `{name}`", service, own)
    return "\n".join(parts)


def _section_text(title: str, kind: type[Table], only: set[str] | None = None) -> list[str]:
    rows = [
        f"| `{field.key}` | {_type_text(field.type)} | {_default_text(field.default)} | {_about(field)} |"
        for field in keys.fields(kind).values()
        if only is None or field.key in only
    ]
    return [
        f"## {title}",
        "",
        "| key | type | default | meaning |",
        "| --- | --- | --- | --- |",
        *rows,
        "",
    ]


def _about(field: keys.Field) -> str:
    about = field.about
    notes = [about.text]
    if about.values:
        notes.append(f"one of {', '.join(f'`{word}`' for word in about.values if word)}")
    if about.expand:
        notes.append(f"expanded: {', '.join(_EXPANDED[letter] for letter in about.expand)}")
    if about.aliases:
        notes.append(f"also `{'`, `'.join(about.aliases)}`")
    return "; ".join(notes).replace("|", "\\|")


def _default_text(default: Any) -> str:
    plain = plain_default(default)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return f"`{str(plain).lower()}`"
    return f"`{', '.join(plain) if isinstance(plain, list) else plain}`"


def _type_text(kind: Any) -> str:
    kind = keys.without_none(kind)
    if kind == Text or kind is Secret:
        return "secret or text"
    origin = get_origin(kind)
    if origin is tuple:
        return f"list of {_type_text(get_args(kind)[0])}"
    if origin is dict:
        return f"table of {_type_text(get_args(kind)[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(_type_text(arm) for arm in get_args(kind))
    names = {str: "text", bool: "boolean", int: "number", float: "number", Duration: "duration"}
    return names.get(kind, "table")
