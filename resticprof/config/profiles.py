"""A resolved tree becomes a `Profile`: sections, flags for restic, hooks, schedules, monitors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec

from resticprof.config import keys, merge, monitors, schedules
from resticprof.config.convert import Converter, failed
from resticprof.config.problems import at
from resticprof.config.tree import Node, describe, is_reference
from resticprof.model import masking
from resticprof.model.config import FlagValue, Header, Profile, Section, Webhook
from resticprof.model.types import known
from resticprof.restic import flags
from resticprof.system import directories

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.model.types import Text

PATH_FLAGS = frozenset(
    {"cacert", "tls-client-cert", "cache-dir", "password-file", "repository-file"}
)
_REPOSITORY_FLAGS = {"repository": "repo", "from-repository": "from-repo"}
_WEBHOOKS = ("send_before", "send_after", "send_after_fail", "send_finally")


class Shared(msgspec.Struct, frozen=True):
    """What every profile gets from `global`, still as nodes."""

    schedule_defaults: dict[str, Node] = {}
    monitor: Node | None = None


def profile(converter: Converter, node: Node, name: str, shared: Shared) -> Profile:
    """The typed profile; problems and unknown keys stay in the converter."""
    values = converter.values(node, Profile, name)
    sections: dict[str, Section] = {}
    flag_nodes: dict[str, Node] = {}
    for key, child in node.table.items():
        path = f"{name}.{child.key or key}"
        if key in keys.spellings(Profile) or key == "monitor":
            continue
        if keys.section_type(key) and _is_table(child):
            sections[key] = _section(converter, child, key, path, node, shared)
        elif keys.section_type(key) and not flags.exists(key):
            _no_section(converter, child, path)
        elif _is_table(child) and not is_reference(child):
            converter.unknown_key(child, path, [*keys.fields(Profile), *flags.commands()])
        else:
            flag_nodes[key] = child
    values["env"] = _variables(converter, node.get("env"), values.get("env", {}), f"{name}.env")
    return Profile(
        **values,
        name=name,
        place=node.place,
        sections=sections,
        flags=_flags(converter, flag_nodes, name, None),
        secrets=tuple(converter.secrets),
        monitors=monitors.by_command(converter, node, name, shared.monitor),
    )


def _no_section(converter: Converter, node: Node, path: str) -> None:
    """A section that is no table is told like a key that nobody knows; nothing is allowed."""
    if node.value is not None:
        text = f"expected a table with the keys of this command, got {describe(node)}"
        converter.unknown.append(at(node, path, text))


def _variables(
    converter: Converter, node: Node | None, values: dict[str, Text], path: str
) -> dict[str, Text]:
    """The variables under their names as they were spelled, those that hold secrets as such."""
    tables = node.items or [node] if node else []
    children = {key: child for table in tables for key, child in table.table.items()}
    found = {}
    for key, value in values.items():
        child = children[key]
        if not key or "=" in key:
            text = "no variable can have this name; it is left out"
            converter.unknown.append(at(child, f"{path}.{child.key}", text))
            continue
        secret = masking.variable_secret(key, value) if isinstance(value, str) else value
        found[child.key] = secret
    return found


def _is_table(node: Node) -> bool:
    return isinstance(node.value, dict) or (
        bool(node.items) and all(isinstance(item.value, dict) for item in node.items)
    )


def _section(
    converter: Converter, node: Node, name: str, path: str, profile_node: Node, shared: Shared
) -> Section:
    kind = keys.section_type(name) or Section
    rest, written, prefixed = schedules.split(merge.one_table(node))
    defaults = dict(shared.schedule_defaults)
    drop_ins = profile_node.get("systemd-drop-in-files")
    if drop_ins is not None:
        defaults["systemd-drop-in-files"] = drop_ins
    values = converter.values(rest, kind, path)
    for stage in _WEBHOOKS:
        values[stage] = tuple(_protected(hook) for hook in values.get(stage, ()))
    others = {
        key: child
        for key, child in rest.table.items()
        if key not in keys.spellings(kind) and key != "monitor"
    }
    return kind(
        **values,
        place=node.place,
        schedule=schedules.schedule(converter, written, prefixed, defaults, f"{path}.schedule"),
        flags=_flags(converter, others, path, "forget" if name == "retention" else name),
    )


def _protected(hook: Webhook) -> Webhook:
    """The same request with its header values and its body marked as secret, where they are.

    An empty `url` is none.
    """
    headers = tuple(
        Header(name=header.name, value=masking.header_value(header.name, header.value))
        for header in hook.headers
        if header.name
    )
    body = masking.body_secret(hook.body) if isinstance(hook.body, str) else hook.body
    url = hook.url if hook.url is not None and known(hook.url) else None
    return msgspec.structs.replace(hook, url=url, headers=headers, body=body)


# ---- flags ----------------------------------------------------------------------------------


def _flags(
    converter: Converter, nodes: dict[str, Node], path: str, command: str | None
) -> dict[str, FlagValue]:
    """Keys that are not ours, as flags for restic; a key that no restic knows is remembered."""
    kind = Profile if command is None else keys.section_type(command) or Section
    found: dict[str, FlagValue] = {}
    for key, node in nodes.items():
        name = _REPOSITORY_FLAGS.get(key, key)
        where = f"{path}.{node.key or key}"
        if not flags.exists(name, command):
            known = [*keys.fields(kind), *flags.names(command)]
            converter.unknown_key(node, where, known)
            if _is_table(node) and not is_reference(node):
                continue  # the reference sends nothing either
        expand = _expansion(converter, name, node, where)
        value = converter.flag(node, where, expand)
        if value is not None and not failed(value):
            found[name] = value
    return found


def _expansion(converter: Converter, name: str, node: Node, path: str) -> Callable[[str], Text]:
    """How the text of a flag is read: paths and repositories are expanded, secrets are marked."""

    def expanded(how: str) -> Callable[[str], str]:
        return lambda text: converter.expanded(text, how, node, path)

    if name in PATH_FLAGS:
        return expanded("EHR")
    if name in _REPOSITORY_FLAGS.values():
        return lambda text: masking.repository_secret(expanded("EH")(text))
    if name == "path":
        here = directories.current()
        return lambda text: os.path.normpath(os.path.join(here, expanded("EH")(text)))
    return lambda text: masking.named_secret(name, text)
