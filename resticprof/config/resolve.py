"""A profile with all it inherits, its mixins and implied values: trees in, trees out. Pure.

Every value keeps the place where it was written, and gains a step for each way it travelled.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from resticprof.config import keys, merge, mixins
from resticprof.config.problems import Problems
from resticprof.config.tree import Node, scalar_text
from resticprof.errors import did_you_mean
from resticprof.model.config import Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

RESERVED = frozenset({"global", "groups", "includes", "version", "$schema", "mixins", "remotes"})
"""The keys at the top of a file of version 1 that are no profiles."""

MOST_ANCESTORS = 50

STAND_IN = "resticprof-stands-in-for-the-name"
"""What templates get as the name of the profile, where one tree serves all profiles."""


class Document:
    """All files as one tree, taken apart once; `merging` tells how bringing them together went.

    `stand_in` is the text in whose place each profile has its name.
    """

    def __init__(self, tree: Node, merging: Problems | None = None, stand_in: str = "") -> None:
        self.merging = merging or Problems()
        self.version = version(tree)
        self.mixins: Mapping[str, Node] = {}  # the declared ones; version 1 has none
        self.tree = tree if self.version == 1 else self._with_mixins(tree)
        self._stand_in = stand_in

    @functools.cached_property
    def profiles(self) -> Mapping[str, Node]:
        """The profiles as they are written, by name in lower case."""
        if self.version == 1:
            return {key: node for key, node in self.tree.table.items() if key not in RESERVED}
        node = self.tree.get("profiles")
        return node.table if node else {}

    def _with_mixins(self, tree: Node) -> Node:
        """The tree with the mixins that are used at its top, and at that of `profiles`."""
        node = tree.get("mixins")
        declared = node.table if node else {}
        mixins.check(declared, self.merging)
        self.mixins = {
            key: child for key, child in declared.items() if isinstance(child.value, dict)
        }
        tree = mixins.apply_here(tree, self.mixins, "", self.merging)
        profiles = tree.get("profiles")
        if profiles is None:
            return tree
        profiles = mixins.apply_here(profiles, self.mixins, "profiles", self.merging)
        return tree.with_value({**tree.table, "profiles": profiles})

    def shared(self, key: str, problems: Problems) -> Node | None:
        """`global` or `groups`, with the mixins used there."""
        node = self.tree.get(key)
        if node is None or self.version == 1:
            return node
        return merge.settled(mixins.apply(node, self.mixins, key, problems))

    def profile(self, name: str, problems: Problems) -> Node:
        """One profile with everything it inherits, its mixins and implied values.

        The name must be one of `profiles`. What cannot be resolved is reported and left out.
        """
        node = self._inherited(name.lower(), (), problems)
        if self._stand_in:
            node = node.with_texts(lambda text: text.replace(self._stand_in, name))
        return _implied(node, self.version)

    def ancestors(self, name: str) -> tuple[str, ...]:
        """The names of the parents, nearest first, as far as they exist."""
        found: list[str] = []
        node = self.profiles.get(name.lower())
        while node is not None and (parent := _parent(node)) is not None:
            key = scalar_text(parent).lower()
            if key in found or key not in self.profiles:
                break
            found.append(key)
            node = self.profiles[key]
        return tuple(found)

    def _inherited(self, name: str, chain: tuple[str, ...], problems: Problems) -> Node:
        own = self.profiles[name]
        if own.value is None:
            return own.with_value({})
        if not isinstance(own.value, dict):
            problems.problem(own, name, "a profile is a table of keys")
            return own.with_value({})
        chain = (*chain, name)
        parent = _parent(own)
        if parent is not None and self._is_possible(parent, chain, problems):
            parent_name = scalar_text(parent)
            base = self._inherited(parent_name.lower(), chain, problems)
            base = _heritage(base).with_step(f"inherited from {parent_name}")
            own = (merge.by_index if self.version == 1 else merge.replacing)(base, own)
        if self.version == 1:
            return own
        return merge.settled(mixins.apply(merge.settled(own), self.mixins, name, problems))

    def _is_possible(self, parent: Node, chain: tuple[str, ...], problems: Problems) -> bool:
        """Whether the last profile of the chain can have this parent; if not, it is reported."""
        if isinstance(parent.value, dict | list):
            return False  # told when it is converted
        wanted = scalar_text(parent)
        path = " → ".join((*chain, wanted))
        text = ""
        if wanted.lower() in chain:
            text = f"goes in a circle ({path})"
        elif wanted.lower() not in self.profiles:
            meant = did_you_mean(wanted.lower(), self.profiles)
            text = f"there is no profile `{wanted}` to inherit from{meant} ({path})"
        elif len(chain) > MOST_ANCESTORS:
            text = f"is the end of a chain of more than {MOST_ANCESTORS} profiles"
        if text:
            problems.problem(parent, f"{chain[-1]}.inherit", text)
        return not text


def version(tree: Node) -> int:
    """1 or 2; a missing, empty or strange version is 1."""
    return _version(tree.get("version")) or 1


def is_version(node: Node) -> bool:
    """Whether this says 1 or 2, and not something that is merely taken for it."""
    return _number(node) in (1, 2)


def _version(node: Node | None) -> int | None:
    """1 or 2; None when nothing is said."""
    if node is None or not str(node.value).strip():
        return None
    return 2 if _number(node) >= 2 else 1


def _number(node: Node) -> float:
    try:
        return float(str(node.value))
    except ValueError:
        return 0


def merge_files(trees: list[Node], problems: Problems) -> Node:
    """The main file and its includes as one tree; later files win. All have one version."""
    number = version(trees[0])
    merged, *others = (_with_tables(tree, number) for tree in trees)
    for other in others:
        said = _version(other.get("version"))
        if said is not None and said != number:
            text = f"is {said}, but the main file is of version {number}"
            problems.problem(other.get("version") or other, "version", text)
        else:
            merged = merge.included(merged, other, problems)
    return merged


def _with_tables(tree: Node, number: int) -> Node:
    """The file with one table for each profile and section, however many blocks they have."""
    top = {key: merge.one_table(node) for key, node in tree.table.items()}
    if number == 1:
        return tree.with_value({key: _with_sections(node) for key, node in top.items()})
    profiles = top.get("profiles")
    if profiles is not None and profiles.table:
        table = {key: _with_sections(merge.one_table(node)) for key, node in profiles.table.items()}
        top["profiles"] = profiles.with_value(table)
    return tree.with_value(top)


def _with_sections(profile: Node) -> Node:
    if not isinstance(profile.value, dict):
        return profile
    return profile.with_value(
        {
            key: merge.one_table(node) if keys.is_table_key(key) else node
            for key, node in profile.value.items()
        }
    )


def _parent(node: Node) -> Node | None:
    parent = node.get("inherit")
    return parent if parent is not None and parent.value else None


def _heritage(base: Node) -> Node:
    """What a child gets of its parent: everything but what speaks of the parent itself."""
    own = {key for key, field in keys.fields(Profile).items() if not field.about.inherited}
    return base.with_value({key: node for key, node in base.table.items() if key not in own})


# ---- implied values -------------------------------------------------------------------------


def _implied(node: Node, number: int) -> Node:
    """What the configuration means without saying it: how a retention follows its backup."""
    backup, retention = node.get("backup"), node.get("retention")
    sections: dict[str, Node] = {}
    if backup is not None and isinstance(backup.value, dict) and number == 2:
        sections["backup"] = _with_default(backup, "host")
    if retention is not None and isinstance(retention.value, dict):
        sections["retention"] = _implied_retention(node, backup, retention, number)
    return node.with_value({**node.table, **sections}) if sections else node


def _implied_retention(node: Node, backup: Node | None, retention: Node, number: int) -> Node:
    filled = retention
    if backup is not None:
        filled = _with_default(filled, "path")
    if number == 1:
        return filled
    if backup is not None and backup.get("tag"):
        filled = _with_default(filled, "tag")
    host = backup.get("host") if backup is not None else None
    if host is not None and not filled.get("host"):
        filled = filled.with_value({**filled.table, "host": host.with_step("that of the backup")})
    elif not node.get("host"):
        filled = _with_default(filled, "host")
    keeps = any(key.startswith("keep-") for key in retention.table)
    if keeps and not (filled.get("before-backup") or filled.get("after-backup")):
        filled = _with_default(filled, "after-backup")
    return filled


def _with_default(node: Node, key: str) -> Node:
    """`true` for a key that is not there."""
    if key in node.table:
        return node
    default = Node(value=True, place=node.place, key=key, steps=("default",))
    return node.with_value({**node.table, key: default})
