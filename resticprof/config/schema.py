"""The JSON Schema of the configuration, from the typed model and the flags table."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from resticprof.config import keys
from resticprof.model.config import Global, Group, Profile, Schedule, Section
from resticprof.model.monitor import Monitor
from resticprof.model.table import Table
from resticprof.model.types import Duration
from resticprof.monitors import registry
from resticprof.restic import flags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.restic.versions import Version

Json = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DURATION = r"^-?(\d+(\.\d*)?|\.\d+)?((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*$"
NUMBER = r"^([-+]?(0[xX][0-9a-fA-F]+|0[oObB]?[0-7]+|\d+(\.\d*)?|\.\d+))?$"

REFERENCE: Json = {
    "type": "object",
    "description": "where a secret comes from",
    "properties": {
        "env": {"type": "string", "description": "a variable of the environment"},
        "file": {"type": "string", "description": "a file, without the newline at its end"},
        "command": {"type": "string", "description": "the output of a shell line"},
        "credential": {
            "type": "string",
            "description": "a systemd credential, or a file below /run/secrets",
        },
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
_TEXT: Json = {
    "anyOf": [{"type": ["string", "number", "boolean", "null"]}, {"$ref": "#/$defs/reference"}]
}
_TEXTS: Json = {
    "anyOf": [{"$ref": "#/$defs/text"}, {"type": "array", "items": {"$ref": "#/$defs/text"}}]
}
_BOOLEAN: Json = {
    "anyOf": [
        {"enum": [True, False, "true", "false", 0, 1, "0", "1", "", None]},
        {"$ref": "#/$defs/reference"},
    ]
}
_NUMBER: Json = {
    "anyOf": [
        {"type": ["number", "string", "boolean", "null"], "pattern": NUMBER},
        {"$ref": "#/$defs/reference"},
    ]
}
_DURATION: Json = {
    "anyOf": [
        {"type": ["string", "number", "null"], "pattern": DURATION},
        {"$ref": "#/$defs/reference"},
    ]
}
_SHARED = {
    "reference": REFERENCE,
    "text": _TEXT,
    "texts": _TEXTS,
    "boolean": _BOOLEAN,
    "number": _NUMBER,
    "duration": _DURATION,
}
_OF_KIND = {"bool": "boolean", "list": "texts"}  # kinds of restic's flags; the others are text


def both(restic: Version | None = None) -> Json:
    """A schema that looks at `version` and applies the one for version 1 or 2."""
    one, two = Schema(1, restic).build(), Schema(2, restic).build()
    return {
        "$schema": DRAFT,
        "title": "resticprof configuration",
        "if": {"properties": {"version": {"enum": ["2", 2]}}, "required": ["version"]},
        "then": {"$ref": two["$id"]},
        "else": {"$ref": one["$id"]},
        "$defs": {"v1": one, "v2": two},
    }


class Schema:
    """The schema of one version of the configuration, for one version of restic or for all."""

    def __init__(self, version: Literal[1, 2], restic: Version | None = None) -> None:
        self._version = version
        self._restic = restic
        self._definitions: dict[str, Json] = dict(_SHARED)

    def build(self) -> Json:
        """The whole schema."""
        common: Json = {
            "$schema": {"type": "string"},
            "version": {
                "description": "version of the configuration: 1 or 2",
                "enum": [str(self._version), self._version],
            },
            "global": self._reference(Global),
            "includes": {"$ref": "#/$defs/texts", "description": "further files, or globs"},
            "groups": self._groups(),
        }
        profile = self._profile()
        suffix = f":restic-{self._restic}" if self._restic else ""
        schema: Json = {
            "$schema": DRAFT,
            "$id": f"urn:resticprof:config-{self._version}{suffix}",
            "title": f"resticprof configuration, version {self._version}",
            "type": "object",
            "properties": common,
        }
        if self._version == 1:
            schema["additionalProperties"] = profile
        else:
            common["profiles"] = _named(profile, "the profiles by name")
            common["mixins"] = _named({"type": "object"}, "tables that `use` merges over others")
            schema["patternProperties"] = {r"^(x-|\.)": True}
            schema["required"] = ["version"]
            schema["additionalProperties"] = False
        schema["$defs"] = dict(sorted(self._definitions.items()))
        return schema

    # ---- parts --------------------------------------------------------------------------

    def _groups(self) -> Json:
        if self._version == 1:
            return _named({"$ref": "#/$defs/texts"}, "names of profiles by the name of the group")
        return _named(self._reference(Group), "the groups by name")

    def _profile(self) -> Json:
        properties = self._properties(Profile)
        properties["monitor"] = self._monitor()
        for command in ("retention", *flags.commands()):
            if self._known(_restic_command(command)):
                section = self._section(command)
                either = {"anyOf": [section, _flag_schema()]}
                properties[command] = either if flags.exists(command) else section
        for info in self._of_any_command():
            properties.setdefault(info.name, _flag_schema(info))
        return self._closed("profile", properties)

    def _section(self, command: str) -> Json:
        kind = keys.section_type(command) or Section
        properties = self._properties(kind)
        for key, value in self._properties(Schedule).items():
            properties.setdefault(f"schedule-{key}", value)
        properties["schedule"] = {
            "description": "when the command runs by itself: times, or a table",
            "anyOf": [{"$ref": "#/$defs/texts"}, self._reference(Schedule)],
        }
        properties["monitor"] = self._monitor()
        for info in self._known(_restic_command(command)):
            properties.setdefault(info.name, _flag_schema(info))
        for key in ("repository", "from-repository"):
            properties.setdefault(key, {"$ref": "#/$defs/text"})
        return self._closed(f"section-{command}", properties)

    def _of_any_command(self) -> Iterator[flags.FlagInfo]:
        for command in flags.commands():
            yield from self._known(command)

    def _known(self, command: str) -> list[flags.FlagInfo]:
        """The flags of a command that the version of restic has; of any version without one."""
        found = {info.name: info for info in flags.known(command, self._restic).values()}
        if self._restic is None:
            return list(found.values())
        return [info for info in found.values() if info.until is None or info.until >= self._restic]

    # ---- tables -------------------------------------------------------------------------

    def _monitor(self) -> Json:
        """Services by name; borgmatic's spellings, `_` for `-` among them, are read as well."""
        if "monitor" not in self._definitions:
            properties = self._spellings(Monitor)
            for name in registry.names():
                service = self._service(registry.load(name))
                one = {"anyOf": [{"$ref": "#/$defs/text"}, service]}
                schema = {"anyOf": [*one["anyOf"], {"type": "array", "items": one}]}
                properties |= {name: schema, name.replace("-", "_"): schema}
            self._closed("monitor", properties)
        return {"anyOf": [{"$ref": "#/$defs/monitor"}, {"type": ["boolean", "null"]}]}

    def _service(self, kind: type[Monitor]) -> Json:
        name = f"monitor-{kind.__name__.lower()}"
        if name not in self._definitions:
            self._closed(name, self._spellings(kind))
        return {"$ref": f"#/$defs/{name}"}

    def _spellings(self, kind: type[Table]) -> Json:
        """The keys of a monitor with all that stands for them."""
        properties = self._properties(kind)
        for key in [key for key, field in keys.fields(kind).items() if keys.is_text(field.type)]:
            for source in ("file", "command"):
                properties.setdefault(f"{key}-{source}", {"type": "string"})
        if issubclass(kind, Monitor):
            properties["verify-tls"] = {"$ref": "#/$defs/boolean"}
            properties["tls"] = {"type": "object"}
        return properties | {key.replace("-", "_"): schema for key, schema in properties.items()}

    def _closed(self, name: str, properties: Json) -> Json:
        """A table that takes these keys; in version 2 also `use`, and lists with a mark."""
        shared = {key: self._shared(key, schema) for key, schema in sorted(properties.items())}
        schema: Json = {"type": ["object", "null"], "properties": shared}
        if self._version == 2:
            schema["properties"]["use"] = {"description": "mixins to merge over this table"}
            names = "|".join(sorted(properties))
            mark = r"(\.\.\.|__(APPEND|PREPEND|append|prepend))"
            schema["patternProperties"] = {rf"^(\.\.\.({names})|({names}){mark})$": True}
        schema["additionalProperties"] = False
        self._definitions[name] = schema
        return {"$ref": f"#/$defs/{name}"}

    def _shared(self, key: str, schema: Json) -> Json:
        """One definition for a key that many tables have in common."""
        known = self._definitions.setdefault(f"key-{key}", schema)
        return {"$ref": f"#/$defs/key-{key}"} if known == schema else schema

    def _reference(self, kind: type[Table]) -> Json:
        name = kind.__name__.lower()
        if name not in self._definitions:
            self._definitions[name] = {}  # tables may hold themselves
            spelled = self._spellings if kind.__module__.endswith("monitor") else self._properties
            properties = spelled(kind)
            if kind in (Group, Global):
                properties["monitor"] = self._monitor()
            self._closed(name, properties)
        return {"$ref": f"#/$defs/{name}"}

    def _properties(self, kind: type[Table]) -> Json:
        found = {}
        for field in keys.fields(kind).values():
            described: Json = {"description": field.about.text} if field.about.text else {}
            default = plain_default(field.default)
            if default is not None:
                described["default"] = default
            if field.about.examples:
                described["examples"] = list(field.about.examples)
            for key in (field.key, *field.about.aliases):
                found[key] = {**self._of_type(field.type, field.about.values), **described}
        return found

    def _of_type(self, kind: Any, values: tuple[str, ...] = ()) -> Json:
        kind = keys.without_none(kind)
        origin = get_origin(kind)
        if keys.is_text(kind) or (kind is str and not values):
            return {"$ref": "#/$defs/text"}
        if origin is tuple and get_args(kind)[0] is str and not values:
            return {"$ref": "#/$defs/texts"}
        if origin is tuple:
            one = self._of_type(get_args(kind)[0], values)
            return {"anyOf": [one, {"type": "array", "items": one}]}
        if origin is dict:
            return _named(self._of_type(get_args(kind)[1]))
        if origin in (Union, types.UnionType):
            return {"anyOf": [self._of_type(arm) for arm in get_args(kind)]}
        if isinstance(kind, type) and issubclass(kind, Table):
            return self._reference(kind)
        if values:
            return {"anyOf": [{"enum": [*values, None]}, {"$ref": "#/$defs/reference"}]}
        names = {bool: "boolean", int: "number", float: "number", Duration: "duration"}
        return {"$ref": f"#/$defs/{names[kind]}"}


def _named(schema: Json, text: str = "") -> Json:
    """A table whose keys are names that a person chose."""
    described = {"description": text} if text else {}
    return {"type": ["object", "null"], "additionalProperties": schema, **described}


def _restic_command(section: str) -> str:
    return "forget" if section == "retention" else section


def _flag_schema(info: flags.FlagInfo | None = None) -> Json:
    """A flag by its kind; `host`, `path` and `tag` may be `true` as well, as any text may."""
    if info is None:
        return {"$ref": "#/$defs/texts", "description": "flag of restic"}
    since = f"; restic {info.since} and later" if str(info.since) != "0.9.0" else ""
    until = f"; up to restic {info.until}" if info.until else ""
    described: Json = {"description": f"flag of restic{since}{until}"}
    if info.default:
        described["default"] = info.default
    if info.until:
        described["deprecated"] = True
    return {"$ref": f"#/$defs/{_OF_KIND.get(info.kind, 'text')}", **described}


def plain_default(value: Any) -> Any:
    """A default as JSON; None when it says nothing."""
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, bool | int | str) and value != "":
        return value
    if isinstance(value, tuple) and value and all(isinstance(item, str) for item in value):
        return list(value)
    return None
