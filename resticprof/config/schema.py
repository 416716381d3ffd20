"""The JSON Schema of the configuration, from the typed model and the flags table."""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from resticprof.config import keys
from resticprof.model.config import Global, Group, Profile, Schedule, Section
from resticprof.model.monitor import Monitor
from resticprof.model.table import Table
from resticprof.model.types import Duration, Secret, Text
from resticprof.monitors import registry
from resticprof.restic import flags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.restic.versions import Version

Json = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
DURATION = r"^-?(\d+(\.\d*)?|\.\d+)?((\d+(\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h))*$"

REFERENCE: Json = {
    "type": "object",
    "description": "where a secret comes from",
    "properties": {
        "env": {"type": "string", "description": "a variable of the environment"},
        "file": {"type": "string", "description": "a file, without the newline at its end"},
        "command": {"type": "string", "description": "the output of a shell line"},
        "credential": {
            "type": "string",
            "description": "a systemd credential, or below /run/secrets",
        },
    },
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
}
SCALAR: Json = {"type": ["string", "number", "boolean"]}
TEXT: Json = {"anyOf": [SCALAR, {"$ref": "#/$defs/reference"}]}


class Schema:
    """The schema of one version of the configuration, for one version of restic or for all."""

    def __init__(self, version: Literal[1, 2], restic: Version | None = None) -> None:
        self._version = version
        self._restic = restic
        self._definitions: dict[str, Json] = {"reference": REFERENCE}

    def build(self) -> Json:
        """The whole schema."""
        common: Json = {
            "$schema": {"type": "string"},
            "version": {"description": "version of the configuration: 1 or 2"},
            "global": self._reference(Global),
            "includes": _one_or_many({"type": "string"}),
            "groups": self._groups(),
        }
        profile = self._profile()
        schema: Json = {
            "$schema": DRAFT,
            "title": f"resticprof configuration, version {self._version}",
            "type": "object",
        }
        if self._version == 1:
            schema["properties"] = {**common, "version": {"enum": ["1", 1]}}
            schema["additionalProperties"] = profile
        else:
            schema["properties"] = {
                **common,
                "version": {"enum": ["2", 2]},
                "profiles": {"type": "object", "additionalProperties": profile},
                "mixins": {"type": "object", "additionalProperties": {"type": "object"}},
            }
            schema["required"] = ["version"]
            schema["additionalProperties"] = False
        schema["$defs"] = dict(sorted(self._definitions.items()))
        return schema

    # ---- parts --------------------------------------------------------------------------

    def _groups(self) -> Json:
        if self._version == 1:
            return {"type": "object", "additionalProperties": _one_or_many({"type": "string"})}
        return {"type": "object", "additionalProperties": self._reference(Group)}

    def _profile(self) -> Json:
        properties = self._properties(Profile)
        properties["monitor"] = self._monitor()
        for command in ("retention", *flags.commands()):
            known = self._known("forget" if command == "retention" else command)
            if known:
                properties[command] = {"anyOf": [self._section(command), *_flag_of(command)]}
        for name in flags.names():
            properties.setdefault(name, {"$ref": "#/$defs/flag"})
        self._definitions["flag"] = _flag_schema()
        return self._closed("profile", properties)

    def _section(self, command: str) -> Json:
        kind = keys.section_type(command) or Section
        properties = self._properties(kind)
        for key, value in self._properties(Schedule).items():
            properties.setdefault(f"schedule-{key}", value)
        schedule = self._reference(Schedule)
        properties["schedule"] = {"anyOf": [_one_or_many({"type": "string"}), schedule]}
        properties["monitor"] = self._monitor()
        for name, info in self._known("forget" if command == "retention" else command).items():
            properties.setdefault(name, _flag_schema(info))
        properties.setdefault("repository", TEXT)
        return self._closed(f"section-{command}", properties)

    def _known(self, command: str) -> dict[str, flags.FlagInfo]:
        if self._restic is None:
            return {info.name: info for info in flags.known(command).values()}
        return {
            info.name: info
            for info in flags.known(command, self._restic).values()
            if info.until is None or info.until >= self._restic
        }

    def _monitor(self) -> Json:
        if "monitor" not in self._definitions:
            properties = self._properties(Monitor)
            for name in registry.names():
                service = self._reference(registry.load(name))
                properties[name] = {"anyOf": [SCALAR, service, {"type": "array", "items": service}]}
            properties["verify-tls"] = {"type": "boolean"}
            self._closed("monitor", properties)
        return {"$ref": "#/$defs/monitor"}

    def _closed(self, name: str, properties: Json) -> Json:
        """A table that takes these keys; in version 2 also their marked forms and `use`."""
        schema: Json = {"type": "object", "properties": dict(sorted(properties.items()))}
        if self._version == 2:
            schema["properties"]["use"] = {"description": "mixins to merge over this table"}
            schema["patternProperties"] = {r"(\.\.\.$|^\.\.\.|__(APPEND|PREPEND)$)": {}}
        schema["additionalProperties"] = False
        self._definitions[name] = schema
        return {"$ref": f"#/$defs/{name}"}

    def _reference(self, kind: type[Table]) -> Json:
        name = kind.__name__.lower()
        if name not in self._definitions:
            self._definitions[name] = {}  # tables may hold themselves
            properties = self._properties(kind)
            if kind is Group:
                properties["monitor"] = self._monitor()
            if kind is Global:
                properties["monitor"] = self._monitor()
            self._closed(name, properties)
        return {"$ref": f"#/$defs/{name}"}

    def _properties(self, kind: type[Table]) -> Json:
        found = {}
        for field in keys.fields(kind).values():
            schema = self._of_type(field.type, field.about.values)
            described: Json = {"description": field.about.text} if field.about.text else {}
            default = plain_default(field.default)
            if default is not None:
                described["default"] = default
            if field.about.examples:
                described["examples"] = list(field.about.examples)
            for key in (field.key, *field.about.aliases):
                found[key] = {**schema, **described}
        return found

    def _of_type(self, kind: Any, values: tuple[str, ...] = ()) -> Json:
        kind = keys.without_none(kind)
        if kind == Text or kind is Secret:
            return TEXT
        origin = get_origin(kind)
        if origin is tuple:
            return _one_or_many(self._of_type(get_args(kind)[0], values))
        if origin is dict:
            return {"type": "object", "additionalProperties": self._of_type(get_args(kind)[1])}
        if origin in (Union, types.UnionType):
            return {"anyOf": [self._of_type(arm) for arm in get_args(kind)]}
        if isinstance(kind, type) and issubclass(kind, Table):
            return self._reference(kind)
        if kind is Duration:
            return {"type": ["string", "number"], "pattern": DURATION}
        if kind is bool:
            return {"enum": [True, False, "true", "false", 0, 1, "0", "1"]}
        if kind in (int, float):
            return {"type": ["number", "string", "boolean"], "pattern": r"^-?[0-9.]*$"}
        if values:
            return {"enum": list(values)}
        return SCALAR


def _one_or_many(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "array", "items": {"anyOf": [schema, {"type": "null"}]}}]}


def _flag_of(command: str) -> Iterator[Json]:
    """`tag`, `key` and their like are sections when they are tables, and flags otherwise."""
    if flags.exists(command):
        yield {"$ref": "#/$defs/flag"}


def _flag_schema(info: flags.FlagInfo | None = None) -> Json:
    schema = {"anyOf": [*TEXT["anyOf"], {"type": "array", "items": TEXT}, {"type": "null"}]}
    if info is None:
        return {**schema, "description": "flag of restic"}
    since = f"; restic {info.since} and later" if str(info.since) != "0.9.0" else ""
    until = f"; up to restic {info.until}" if info.until else ""
    return {**schema, "description": f"flag of restic{since}{until}"}


def plain_default(value: Any) -> Any:
    """A default as JSON; None when it says nothing."""
    if isinstance(value, Duration):
        return str(value)
    if isinstance(value, bool | int | str) and value != "":
        return value
    if isinstance(value, tuple) and value and all(isinstance(item, str) for item in value):
        return list(value)
    return None
