"""docs/reference.md: every key of the configuration, from the typed model."""

from __future__ import annotations

import textwrap
import types
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from resticprof.config import keys
from resticprof.config.schema import plain_default
from resticprof.model.config import (
    SECTIONS,
    Global,
    Group,
    Header,
    Profile,
    Schedule,
    Section,
    StreamError,
    Webhook,
)
from resticprof.model.monitor import Monitor, MonitorHeader
from resticprof.model.types import Duration
from resticprof.monitors import registry
from resticprof.restic import flags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.model.table import Table

_START = """\
# Every key

Made by `resticprof generate --config-reference` from the program itself; what the parts are for is
told in [configuration.md](configuration.md). In short:

* Upper and lower case do not matter in keys. One value may stand where a list is expected.
* A key of a profile or section that is not listed here is a flag of restic by its long name:
  `exclude-caches = true`, `limit-upload = 512`, `tag = ["a", "b"]`. In a section, `false` takes
  back what the profile says for all commands. `resticprof check-config` names keys that neither we
  nor any restic know.
* **path**: `$NAME` and `${NAME}` are variables of the environment, `~` is the home directory, and a
  relative path belongs to the directory of the configuration file. **text `$` `~`** is the same
  without the last, **text `$`** has variables only.
* **duration**: `90s`, `10m`, `1h30m`, `1.5h`, `300ms`; a number alone counts seconds.
* **secret**: text, or where it comes from: `{ env = "NAME" }`, `{ file = "PATH" }`,
  `{ command = "LINE" }`, `{ credential = "NAME" }`. It is masked wherever it is shown. Every other
  value may be such a reference, too.
"""

_MONITOR = """\
Profiles, sections, groups and `global` have a table `monitor`, with the services by name and the
keys below for all of them: [monitoring.md](monitoring.md).
"""


def reference() -> str:
    """The text of docs/reference.md."""
    parts = [
        _START,
        _part("`global`", Global),
        _part("Profiles", Profile),
        _part("Sections", Section, text=_sections()),
        *_parts_of_sections(),
        _part("HTTP hooks", Webhook, text="The entries of `send-before` and its like.\n"),
        _part("Headers of HTTP hooks", Header),
        _part("`stream-error`", StreamError),
        _part(
            "Schedules",
            Schedule,
            text="Keys of a section with `schedule-` in front, of a table `schedule`, of "
            "`global.schedule-defaults`, and of the\n`schedules` of a group.\n",
        ),
        _part("Groups", Group, text="In version 1 a group is a list of names.\n"),
        _part("Monitors", Monitor, text=_MONITOR),
        _part("Headers of monitors", MonitorHeader),
        *_services(),
    ]
    return "\n".join(parts)


def _sections() -> str:
    """Which sections there are, in lines that are not too long."""
    names = [f"`{name}`" for name in flags.commands() if name not in SECTIONS]
    listed = textwrap.wrap(", ".join(names), 98, break_on_hyphens=False)
    return "\n".join(["Every command of restic has a section with these keys:", *listed, ""])


def _parts_of_sections() -> Iterator[str]:
    common = set(keys.fields(Section))
    for name, kind in SECTIONS.items():
        yield _part(f"Section `{name}`", kind, set(keys.fields(kind)) - common)


def _services() -> Iterator[str]:
    common = set(keys.fields(Monitor))
    for name in registry.names():
        kind = registry.load(name)
        yield _part(f"Monitor `{name}`", kind, set(keys.fields(kind)) - common)


def _part(title: str, kind: type[Table], only: set[str] | None = None, *, text: str = "") -> str:
    """A heading, a sentence, and a table of keys."""
    rows = [
        f"| `{field.key}` | {_type_text(field.type, field.about.expand)} "
        f"| {_default_text(field.default)} | {_about(field)} |"
        for field in keys.fields(kind).values()
        if only is None or field.key in only
    ]
    head = ["| key | type | default | meaning |", "| --- | --- | --- | --- |"] if rows else []
    return "\n".join([f"## {title}", "", *([text] if text else []), *head, *rows, ""])


def _about(field: keys.Field) -> str:
    about = field.about
    notes = [about.text]
    if about.values:
        notes.append(f"one of {', '.join(f'`{word}`' for word in about.values if word)}")
    if about.aliases:
        notes.append(f"also `{'`, `'.join(about.aliases)}`")
    if field.required:
        notes.append("required")
    return "; ".join(notes).replace("|", "\\|")


def _default_text(default: Any) -> str:
    plain = plain_default(default)
    if plain is None:
        return ""
    if isinstance(plain, bool):
        return f"`{str(plain).lower()}`"
    return f"`{', '.join(plain) if isinstance(plain, list) else plain}`"


def _type_text(kind: Any, expand: str = "") -> str:
    kind = keys.without_none(kind)
    origin = get_origin(kind)
    if origin is tuple:
        inner = _type_text(get_args(kind)[0], expand)
        return f"list of {inner.replace('path', 'paths').replace('table', 'tables')}"
    if origin is dict:
        return f"table of {_type_text(get_args(kind)[1]).replace('table', 'tables')}"
    if keys.is_text(kind):
        return f"secret{_marks(expand)}"
    if origin in (Union, types.UnionType):
        return " or ".join(_type_text(arm) for arm in get_args(kind))
    if kind is str:
        return "path" if "R" in expand else f"text{_marks(expand)}"
    words = {bool: "boolean", int: "number", float: "number", Duration: "duration"}
    return words.get(kind, "table")


def _marks(expand: str) -> str:
    return " `$` `~`" if "H" in expand else " `$`" if expand else ""
