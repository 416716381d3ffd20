"""The configuration as the rest of the program sees it: global values, names, profiles."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.config import load, monitors, profiles, resolve, schedules
from resticprof.config.convert import Converter, failed
from resticprof.config.profiles import Shared
from resticprof.errors import ConfigError, Problem, UsageError
from resticprof.model.config import Global, Group, Profile, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resticprof.config.tree import Node
    from resticprof.model.monitor import Monitor

log = logging.getLogger("resticprof")

FIRST_NAME = "default"  # the profile name that templates see while `global` and groups are read


class Configuration:
    """One configuration: `global` and the groups are read at once, each profile when it is opened.

    `warnings` holds the unknown keys that were met. Under `global.strict` they are errors.
    """

    def __init__(self, files: load.Files, env_files: Mapping[str, str] | None = None) -> None:
        self.files = files
        self._env_files = (
            {} if env_files is None else env_files
        )  # `{{ env }}`, filled when a profile is rendered
        self.file = files.main
        self._absolute = Path(os.path.abspath(files.directory))  # now: a `base-dir` comes later
        self.warnings: list[Problem] = []
        tree = files.tree(FIRST_NAME)
        self.version = resolve.version(tree)
        if self.version == 2 and self.file.suffix == ".hcl":
            raise resolve.problem(tree, "version", "HCL is for version 1 only; use TOML or YAML")
        self._first = tree
        self.global_, self._shared = self._read_global(tree)
        self.groups = self._read_groups(tree)

    # ---- what there is ------------------------------------------------------------------

    def names(self) -> list[str]:
        """The profiles, by name; one without any key is not listed."""
        nodes = resolve.profile_nodes(self._first)
        return sorted(node.key or key for key, node in nodes.items() if node.value)

    def has_profile(self, name: str) -> bool:
        """Whether there is a profile of this name, in any case."""
        return name.lower() in resolve.profile_nodes(self._first)

    def group(self, name: str) -> Group | None:
        """The group of this name; a profile of the same name goes first."""
        return self.groups.get(name.lower())

    def node(self, name: str) -> Node:
        """The resolved tree of a profile. Raises `UsageError` when there is no such profile."""
        found = resolve.profile(self.files.tree(name), name)
        if found is None:
            there = ", ".join([*self.names(), *(group.name for group in self.groups.values())])
            raise UsageError(
                f"no profile or group `{name}` in {self.file}; there are: {there or 'none'}"
            )
        return found

    def profile(self, name: str) -> Profile:
        """Open a profile. Raises `ConfigError` with all its problems."""
        problems, profile = self.open_profile(name)
        if problems:
            raise ConfigError(*problems)
        return profile

    def open_profile(
        self, name: str, *, again: bool = False
    ) -> tuple[tuple[Problem, ...], Profile]:
        """The profile as far as it can be read, and what is wrong with it; tells warnings once.

        `again` executes its templates once more, after the working directory has changed.
        """
        if again:
            self.files.forget(name)
        converter, profile = self.read_profile(name)
        strict = self.global_.strict
        if not again:
            for problem in (*converter.advice, *(() if strict else converter.unknown)):
                log.warning("%s", problem)
        return (*converter.problems, *(converter.unknown if strict else ())), profile

    def read_profile(self, name: str) -> tuple[Converter, Profile]:
        """Open a profile and keep its problems for the caller."""
        node = self.node(name)
        converter = Converter(self._directory(node))
        found = profiles.profile(converter, node, name, self._shared)
        if name in self._env_files:
            found = msgspec.structs.replace(
                found, env_file=(*found.env_file, self._env_files[name])
            )
        return converter, found

    # ---- reading ------------------------------------------------------------------------

    def _directory(self, node: Node) -> Path:
        """The directory of the configuration; absolute when the run changes its own directory."""
        return self._absolute if node.get("base-dir") else self.files.directory

    def _read_global(self, tree: Node) -> tuple[Global, Shared]:
        node = resolve.shared_part(tree, "global")
        if node is None:
            return Global(), Shared()
        converter = Converter(self._absolute)
        monitor, defaults = node.get("monitor"), node.get("schedule-defaults")
        rest = {key: child for key, child in node.table.items() if key != "monitor"}
        if not isinstance(node.value, dict):
            converter.problem(node, "global", "expected a table")
        found = converter.table(node.with_value(rest), Global, "global")
        if monitor is not None:
            monitors.check_shared(converter, monitor)
        self._settle(converter, strict=not failed(found) and found.strict)
        return found, Shared(defaults.table if defaults else {}, monitor)

    def _read_groups(self, tree: Node) -> dict[str, Group]:
        node = resolve.shared_part(tree, "groups")
        if node is None or not isinstance(node.value, dict):
            return {}
        converter = Converter(self.files.directory)
        groups = {key: self._group(converter, child, key) for key, child in node.table.items()}
        self._settle(converter, strict=self.global_.strict)
        return groups

    def _group(self, converter: Converter, node: Node, key: str) -> Group:
        name = node.key or key
        path = f"groups.{name}"
        if self.version == 1 and not isinstance(node.value, dict):
            node = node.with_value({"profiles": node})
        kept = ("schedules", "monitor")
        rest = node.with_value({key: child for key, child in node.table.items() if key not in kept})
        found = converter.table(rest, Group, path)
        if failed(found):
            return Group(name=name, place=node.place)
        return Group(
            name=name,
            place=node.place,
            description=found.description,
            profiles=found.profiles,
            continue_on_error=found.continue_on_error,
            parallel=found.parallel,
            schedules=self._group_schedules(converter, node, path),
            monitors=self._group_monitors(converter, node, path),
        )

    def _group_schedules(self, converter: Converter, node: Node, path: str) -> dict[str, Schedule]:
        schedules_node = node.get("schedules")
        defaults = self._shared.schedule_defaults
        found = {}
        for command, child in (schedules_node.table if schedules_node else {}).items():
            schedule = schedules.schedule(
                converter, child, {}, defaults, f"{path}.schedules.{command}"
            )
            if schedule is not None:
                found[command] = schedule
        return found

    def _group_monitors(
        self, converter: Converter, node: Node, path: str
    ) -> dict[str, tuple[Monitor, ...]]:
        monitor = node.get("monitor")
        if monitor is None:
            return {}
        return monitors.of_group(converter, monitor, f"{path}.monitor", self._shared.monitor)

    def _settle(self, converter: Converter, *, strict: bool) -> None:
        """Errors end here; unknown keys become warnings, or errors under `global.strict`."""
        problems = [*converter.problems, *(converter.unknown if strict else ())]
        if problems:
            raise ConfigError(*problems)
        self.warnings += converter.unknown
