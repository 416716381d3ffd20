"""One `monitor` table in our own words: other spellings, sugar and bare values are put right."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, get_args, get_origin

import msgspec

from resticprof.config import keys
from resticprof.config.convert import Converter, failed
from resticprof.config.tree import Node, describe, is_reference
from resticprof.errors import did_you_mean
from resticprof.model.monitor import Monitor
from resticprof.model.table import Key, Table
from resticprof.monitors import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

_CREDENTIAL = re.compile(r"^\{credential (\S+) (.+)\}$")
_VARIABLE = re.compile(
    r"(?P<escape>\\)?(?P<braces>\$\{(?P<name>\w+)((?P<or>:?-)(?P<default>[^}]*))?\})"
)


class Setting(msgspec.Struct, frozen=True):
    """One value, and the whole key under which it was written, for messages."""

    node: Node
    path: str
    names: bool = False  # a table of the user's own names (labels), never a reference


Settings = dict[str, Setting]
"""By key, as our own structs spell it."""


class Entry(msgspec.Struct, frozen=True):
    """One instance of a service: what is set, and where the table stands."""

    settings: Settings
    node: Node
    path: str

    @property
    def name(self) -> str:
        """Its `name`, which tells it apart from others of the same service."""
        setting = self.settings.get("name")
        return str(setting.node.value) if setting else ""

    def with_settings(self, settings: Settings) -> Entry:
        """The same with other settings."""
        return Entry(settings, self.node, self.path)


class Level(msgspec.Struct, frozen=True):
    """What one `monitor` table says: keys for all services, and the entries of each service."""

    common: Settings = {}
    services: dict[str, list[Entry]] = {}


def read(converter: Converter, node: Node, path: str) -> Level:
    """Understand one table; what nobody knows is a problem. A bare `false` is `enabled = false`."""
    if isinstance(node.value, bool):
        return Level({"enabled": Setting(node, path)})
    common: Settings = {}
    services: dict[str, list[Entry]] = {}
    for key, child in _tables(converter, node, path):
        service = key.replace("_", "-")
        if service in registry.names():
            services[service] = _entries(converter, child, service, f"{path}.{key}")
        else:
            common |= _settings(converter, [(key, child)], Monitor, path)
    return Level(common, services)


def _entries(converter: Converter, node: Node, service: str, path: str) -> list[Entry]:
    """The entries of one service; a bare value stands for its most important key."""
    items = node.items if isinstance(node.value, list) else [node]
    entries = [
        _entry(converter, item, service, f"{path}[{number}]" if len(items) > 1 else path)
        for number, item in enumerate(items)
    ]
    names = [entry.name for entry in entries if entry.name]
    for name in {name for name in names if names.count(name) > 1}:
        converter.problem(node, path, f"two entries have the name `{name}`")
    return entries


def _entry(converter: Converter, node: Node, service: str, path: str) -> Entry:
    kind = registry.load(service)
    if isinstance(node.value, bool):
        return Entry({"enabled": Setting(node, path)}, node, path)
    if isinstance(node.value, dict) and not is_reference(node):
        return Entry(_settings(converter, list(node.table.items()), kind, path), node, path)
    [(key, value)] = _understood(converter, kind.MAIN_KEY, node, kind, path)
    return Entry({key: Setting(value, path)}, node, path)


def _settings(
    converter: Converter, written: list[tuple[str, Node]], kind: type[Table], path: str
) -> Settings:
    """The keys of one table; of two spellings of one key, that of the profile itself counts."""
    found: Settings = {}
    for spelled, node in written:
        place = f"{path}.{node.key or spelled}"
        for key, value in _understood(converter, spelled.replace("_", "-"), node, kind, place):
            known = found.get(key)
            if known is None or len(value.steps) <= len(known.node.steps):
                found[key] = Setting(value, place, names=_holds_names(kind, key))
    return found


def _holds_names(kind: type[Table], key: str) -> bool:
    return get_origin(keys.without_none(keys.fields(kind)[key].type)) is dict


def _understood(
    converter: Converter, key: str, node: Node, kind: type[Table], path: str
) -> Iterator[tuple[str, Node]]:
    """What one written key means: one key of ours as a rule, two for `tls`, none if unknown."""
    field = keys.spellings(kind).get(key)
    if field is not None:
        yield field.key, _value(converter, node, field, path)
    elif key == "verify-tls" and issubclass(kind, Monitor):
        verify = converter.value(node, bool, Key(), path)
        if not failed(verify):
            yield "skip-tls-verification", node.with_value(not verify)
    elif key == "tls" and issubclass(kind, Monitor):
        for name, child in _tables(converter, node, path):
            part = {"cert-path": "tls-client-cert", "key-path": "tls-client-key"}
            if found := part.get(name.replace("_", "-")):
                yield found, child
            else:
                _unknown(converter, child, f"{path}.{name}", list(part))
    elif (base := _referred(key, kind)) is not None:
        yield base, node.with_value({key.rpartition("-")[2]: node})
    else:
        services = registry.names() if kind is Monitor else ()
        _unknown(converter, node, path, [*keys.fields(kind), *services])


def _referred(key: str, kind: type[Table]) -> str | None:
    """`password-file` and `password-command` stand for a reference in `password`."""
    base, _, source = key.rpartition("-")
    field = keys.spellings(kind).get(base)
    if field is None or source not in ("file", "command"):
        return None
    return field.key if keys.is_text(field.type) else None


def _value(converter: Converter, node: Node, field: keys.Field, path: str) -> Node:
    """The value of one key; a template keeps its variables, and a path is expanded later."""
    if field.about.template or field.about.expand:
        return node
    return _typed(converter, node, field.type, path)


def _typed(converter: Converter, node: Node, kind: Any, path: str) -> Node:
    """The same for what is inside of a value, by its type."""
    kind = keys.without_none(kind)
    if kind is str or keys.is_text(kind):
        return _text(converter, node, path)
    if get_origin(kind) is dict:
        return _mapping(converter, node, path)
    if get_origin(kind) is tuple and isinstance(node.value, list):
        inner = get_args(kind)[0]
        return node.with_value(
            [_typed(converter, item, inner, f"{path}[{n}]") for n, item in enumerate(node.items)]
        )
    table = get_args(kind)[0] if get_origin(kind) is tuple else kind
    if not (isinstance(table, type) and issubclass(table, Table)):
        return node
    written = list(_tables(converter, node, path))
    settings = _settings(converter, written, table, path)
    return node.with_value({key: setting.node for key, setting in settings.items()})


def _mapping(converter: Converter, node: Node, path: str) -> Node:
    """Names that are not ours, such as labels, as they were spelled; their values are texts."""
    named = {child.key or key: child for key, child in _tables(converter, node, path)}
    return node.with_value(
        {name: _text(converter, child, f"{path}.{name}") for name, child in named.items()}
    )


def _tables(converter: Converter, node: Node, path: str) -> Iterator[tuple[str, Node]]:
    """The keys of a table, or of the tables of a list."""
    items = node.items if isinstance(node.value, list) else [node]
    for item in items:
        if isinstance(item.value, dict):
            yield from item.value.items()
        elif item.value is not None:
            converter.problem(node, path, f"expected a table, got {describe(item)}")


def _text(converter: Converter, node: Node, path: str) -> Node:
    """Text with `${NAME}` or `${NAME:-default}` of our environment, or borgmatic's credentials."""
    if not isinstance(node.value, str):
        return node
    if match := _CREDENTIAL.match(node.value):
        source = {"systemd": "credential", "container": "credential", "file": "file"}.get(match[1])
        if source is not None:
            return node.with_value({source: node.with_value(match[2].strip())})
        text = f'credentials of `{match[1]}` are not understood; write {{ command = "…" }}'
        converter.problem(node, path, text)

    def replaced(found: re.Match[str]) -> str:
        if found["escape"]:
            return found["braces"]
        value = os.environ.get(found["name"])
        if found["or"] and (value is None or (found["or"] == ":-" and not value)):
            return found["default"]
        if value is None:
            converter.problem(node, path, f"the variable `{found['name']}` is not set")
        return value or ""

    return node.with_value(_VARIABLE.sub(replaced, node.value))


def _unknown(converter: Converter, node: Node, path: str, known: list[str]) -> None:
    key = path.rpartition(".")[2].replace("_", "-")
    hint = did_you_mean(key, known) or f"; there are {', '.join(known)}"
    converter.problem(node, path, f"unknown key{hint}")
