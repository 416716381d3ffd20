"""`monitor` tables: three levels merged into the services that each command reports to."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from resticprof.config import keys
from resticprof.config.convert import Converter, failed, is_reference
from resticprof.model.monitor import Monitor
from resticprof.model.types import Secret
from resticprof.monitors import registry

if TYPE_CHECKING:
    from resticprof.config.tree import Node

COMMANDS = ("backup", "copy", "check", "forget", "prune")
"""The commands that monitors report by default; others only when their section asks for it."""

_CREDENTIAL = re.compile(r"^\{credential (systemd|container|file) (.+)\}$")


def by_command(
    converter: Converter, profile: Node, name: str, shared: Node | None
) -> dict[str, tuple[Monitor, ...]]:
    """The monitors of every command of a profile, by command."""
    found = {}
    own = profile.get("monitor")
    sections = [key for key, child in profile.table.items() if child.get("monitor")]
    if not (shared or own or sections):
        return {}
    for command in dict.fromkeys((*COMMANDS, *sections)):
        section = profile.get(command)
        special = section.get("monitor") if section else None
        levels = [level for level in (shared, own, special) if level is not None]
        if command not in COMMANDS:
            levels = levels if special else []
        found[command] = effective(converter, levels, f"{name}.monitor")
    return {command: monitors for command, monitors in found.items() if monitors}


def effective(converter: Converter, levels: list[Node], path: str) -> tuple[Monitor, ...]:
    """Merge the levels, later ones win, and build the services that are left."""
    common: dict[str, Node] = {}
    services: dict[str, list[Node]] = {}
    for level in levels:
        for key, node in _normal(level).table.items():
            if key in keys.spellings(Monitor) or key == "verify-tls":
                common[key] = node
            elif key in registry.names():
                services[key] = _merged_entries(services.get(key, []), _entries(node, key))
            else:
                _unknown_service(converter, node, f"{path}.{key}", key)
    built = [
        _build(converter, service, entry, common, f"{path}.{service}")
        for service, entries in services.items()
        for entry in entries
    ]
    return tuple(monitor for monitor in built if monitor is not None)


def _unknown_service(converter: Converter, node: Node, path: str, key: str) -> None:
    known = [*registry.names(), *keys.fields(Monitor)]
    near = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(registry.names())}"
    converter.problem(node, path, f"unknown monitoring service or key; {hint}")


def _normal(node: Node) -> Node:
    """Keys with `-` for `_`, at every depth except inside labels."""
    if not isinstance(node.value, dict):
        if isinstance(node.value, list):
            return node.with_value([_normal(item) for item in node.value])
        return node
    return node.with_value(
        {
            key.replace("_", "-"): child if key == "labels" else _normal(child)
            for key, child in node.value.items()
        }
    )


def _entries(node: Node, service: str) -> list[Node]:
    """The entries of one service as tables; a bare value stands for its most important key."""
    items = node.items if isinstance(node.value, list) else [node]
    return [_entry(item, service) for item in items]


def _entry(node: Node, service: str) -> Node:
    if isinstance(node.value, bool):
        return node.with_value({"enabled": node})
    if isinstance(node.value, dict) and not is_reference(node):
        return node
    return node.with_value({registry.load(service).MAIN_KEY: node})


def _merged_entries(old: list[Node], new: list[Node]) -> list[Node]:
    """By `name` where there is one, by position otherwise."""
    merged = list(old)
    for position, entry in enumerate(new):
        name = entry.get("name")
        same = [
            index
            for index, candidate in enumerate(merged)
            if (_name(candidate) == str(name.value) if name else index == position)
        ]
        if same:
            merged[same[0]] = _merged(merged[same[0]], entry)
        else:
            merged.append(entry)
    return merged


def _name(node: Node) -> str:
    name = node.get("name")
    return str(name.value) if name else ""


def _merged(old: Node, new: Node) -> Node:
    """Tables merge key by key; lists, scalars and references replace."""
    if is_reference(old) or is_reference(new) or not (old.table and isinstance(new.value, dict)):
        return new
    table = dict(old.table)
    for key, node in new.table.items():
        table[key] = _merged(table[key], node) if key in table else node
    return new.with_value(table)


def _build(
    converter: Converter, service: str, entry: Node, common: dict[str, Node], path: str
) -> Any:
    kind = registry.load(service)
    table = _aliases({**common, **entry.table}, kind)
    enabled = table.get("enabled")
    if enabled is not None and enabled.value in (False, "false"):
        return None
    for key, node in list(table.items()):
        if key not in keys.spellings(kind):
            if key in entry.table:
                _unknown_key(converter, node, f"{path}.{key}", kind)
            del table[key]
    before = len(converter.problems)
    monitor = converter.table(entry.with_value(table), kind, path)
    if failed(monitor) or len(converter.problems) > before:
        return None
    for text in monitor.check():
        converter.problem(entry, path, text)
    for text in monitor.advice():
        converter.advise(entry, path, text)
    return monitor


def _unknown_key(converter: Converter, node: Node, path: str, kind: type[Monitor]) -> None:
    near = difflib.get_close_matches(path.rpartition(".")[2], list(keys.spellings(kind)), 1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    converter.problem(node, path, f"unknown key{hint}")


def _aliases(table: dict[str, Node], kind: type[Monitor]) -> dict[str, Node]:
    """Other spellings that are more than another word for a key."""
    found: dict[str, Node] = {}
    for key, node in table.items():
        if key == "verify-tls":
            found["skip-tls-verification"] = node.with_value(node.value in (False, "false", 0))
        elif key == "tls" and node.table:
            for part in ("cert", "key"):
                if child := node.get(f"{part}-path"):
                    found[f"tls-client-{part}"] = child
        elif (base := _reference_suffix(key, kind)) is not None:
            source = "file" if key.endswith("-file") else "command"
            found[base] = node.with_value({source: node})
        else:
            found[key] = _credential(node)
    return found


def _reference_suffix(key: str, kind: type[Monitor]) -> str | None:
    """`password-file` and `password-command` stand for a reference in `password`."""
    base, dash, suffix = key.rpartition("-")
    known = keys.spellings(kind)
    field = known.get(base)
    if dash and suffix in ("file", "command") and key not in known and field is not None:
        return base if keys.without_none(field.type) is Secret else None
    return None


def _credential(node: Node) -> Node:
    """borgmatic's `{credential systemd NAME}` text as a reference."""
    match = _CREDENTIAL.match(node.value) if isinstance(node.value, str) else None
    if match is None:
        return node
    source = "file" if match[1] == "file" else "credential"
    return node.with_value({source: node.with_value(match[2].strip())})
