"""What of a file may be shown, by the keys alone: for texts that were not converted yet."""

from __future__ import annotations

import functools
import itertools
import re
from typing import TYPE_CHECKING

import msgspec

from resticprof.config import keys
from resticprof.config.formats import base
from resticprof.config.tree import Node, is_reference, scalar_text
from resticprof.errors import ConfigError
from resticprof.model import masking
from resticprof.model.config import SECTIONS, Global, Group, Header, Profile, Schedule, Webhook
from resticprof.model.types import MASK, Secret, Text, public, reveal
from resticprof.monitors import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

_REPOSITORIES = frozenset({"repository", "from-repository", "repo", "from-repo", "repo2"})
_MONITOR = re.compile(r"\.monitor\.([\w-]+)")
_KEY = re.compile(r"""^\s*(?:-\s+)?["']?[\w.${}-]+["']?\s*[:=]""")


class Leaf(msgspec.Struct, frozen=True):
    """A single value of a tree, or a reference to one, which is a secret with its own text."""

    path: str
    node: Node
    text: Text


def leaves(node: Node, path: str = "") -> Iterator[Leaf]:
    """All values below a node, in order, those that are secret as secrets."""
    for key, child in node.table.items():
        inner = f"{path}.{child.key or key}" if path else child.key or key
        yield from _below(child, key, node, inner)


def _below(node: Node, key: str, parent: Node, path: str) -> Iterator[Leaf]:
    if is_reference(node):
        ((kind, target),) = node.table.items()
        written = scalar_text(target)
        shown = "…" if kind == "command" else written
        yield Leaf(path, node, Secret(written, public=f"{{ {kind} = {shown} }}"))
    elif node.table:
        yield from leaves(node, path)
    elif isinstance(node.value, list):
        for number, item in enumerate(node.items):
            yield from _below(item, key, parent, f"{path}[{number}]")
    elif node.value not in (None, {}):
        text = _text(key, node, parent)
        if isinstance(text, Secret) and (service := _MONITOR.search(f".{path}")):
            text = _of_service(service[1], key, text)
        yield Leaf(path, node, text)


def _text(key: str, node: Node, parent: Node) -> Text:
    text = _plain(node)
    name = parent.get("name")
    if key == "value" and name is not None:
        return masking.header_value(_plain(name), text)
    if key == "env":  # a mistake: variables belong into a table
        return Secret(text)
    if parent.key.lower() == "env":
        return masking.variable_secret(node.key, text)
    if key in _REPOSITORIES:
        return masking.repository_secret(text)
    if key == "body":
        return masking.body_secret(text)
    return _by_type(key.strip(".").replace("_", "-"), text)


def _of_service(name: str, key: str, text: Secret) -> Text:
    """The path of a ping URL is its password; other addresses are shown."""
    if name.replace("_", "-") not in registry.names():
        return text
    service = registry.load(name)
    field = keys.spellings(service).get(service.MAIN_KEY if key == name else key)
    if field is None or keys.without_none(field.type) is Secret:
        return masking.address_secret(text.reveal())
    return masking.url_secret(text.reveal())


def _by_type(key: str, text: str) -> Text:
    kind = _declared().get(key)
    if kind is Secret:
        return masking.written_url(text) if "://" in text else Secret(text)
    return masking.named_secret("" if kind is str else key, text)


def _plain(node: Node) -> str:
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return scalar_text(node)


@functools.cache
def _declared() -> dict[str, object]:
    """The keys of all tables with their types; of those that differ, the most secret one."""
    services = [registry.load(name) for name in registry.names()]
    tables = (Profile, Global, Group, Schedule, Webhook, Header, *SECTIONS.values(), *services)
    found: dict[str, object] = {}
    for table in tables:
        for key, field in keys.spellings(table).items():
            kind = keys.without_none(field.type)
            if found.get(key) is not Secret:
                found[key] = kind
    bare = {name: found[registry.load(name).MAIN_KEY] for name in registry.names()}
    return {**bare, **found}


# ---- whole texts ----------------------------------------------------------------------------


class Numbered:
    """A text with line numbers and without its secrets; made when it is printed, and not before."""

    def __init__(self, text: str, format_name: str) -> None:
        self._text = text
        self._format = format_name

    def __str__(self) -> str:
        lines = masked(self._text, self._format).splitlines()
        width = 4 if len(lines) > 999 else 3
        return "\n".join(f"{number:>{width}}: {line}" for number, line in enumerate(lines, start=1))


def masked(text: str, format_name: str) -> str:
    """The text of a file without its secrets; of one that cannot be read, only the keys."""
    lines = text.split("\n")
    try:
        tree = base.parse(text, "", format_name)
    except ConfigError:
        return "\n".join(_without_value(line) for line in lines)
    starts = sorted({node.place.line for node in tree.walk()} | {len(lines) + 1})
    following = dict(itertools.pairwise(starts))
    for leaf in leaves(tree):
        if public(leaf.text) != reveal(leaf.text):
            first, end = leaf.node.place.line - 1, following[leaf.node.place.line] - 1
            lines[first:end] = _hidden(lines[first:end], leaf)
    return "\n".join(map(masking.mask_text, lines))


def _hidden(lines: list[str], leaf: Leaf) -> list[str]:
    """The lines of a value without it; without anything behind their keys if it is not verbatim."""
    value = reveal(leaf.text)
    if not any(value in line for line in lines):
        return [_without_value(line) for line in lines]
    shown = "…" if leaf.node.table else public(leaf.text)
    return [line.replace(value, shown) for line in lines]


def _without_value(line: str) -> str:
    key = _KEY.match(line)
    if key is not None:
        return f"{key[0]} {MASK}" if line[key.end() :].strip() else line
    return (
        line if not re.search(r"\w", line) or re.fullmatch(r"\s*\[+[\w.\"-]+\]+\s*", line) else MASK
    )
