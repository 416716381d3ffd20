"""The configuration as the rest of the program sees it: global values, names, profiles."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from resticprof.config import load, monitors, profiles, resolve, schedules
from resticprof.config.convert import Converter, failed
from resticprof.config.problems import Problems
from resticprof.config.profiles import Shared
from resticprof.config.tree import describe
from resticprof.errors import ConfigError, Error, Problem, UsageError
from resticprof.model.config import Global, Group, Profile, Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resticprof.config.tree import Node
    from resticprof.model.monitor import Monitor

log = logging.getLogger("resticprof")

FIRST_NAME = "default"  # the profile name that templates see while `global` and groups are read

_TOP_OF_VERSION_2 = ("version", "includes", "global", "groups", "profiles", "mixins")
_NOT_OURS = ("$schema", "remotes")  # without a complaint


class Configuration:
    """One configuration: `global` and the groups are read at once, each profile when it is opened.

    `problems` are what is wrong with the shared part; values that cannot be used have their
    defaults. `unknown` are keys that nobody knows, `advice` is what works, but not as it was meant.
    `env_files` are what templates got from `{{ env }}`, by profile, once it was rendered. Without
    `reveal` no secret reference of this part is followed.
    """

    def __init__(
        self,
        files: load.Files,
        env_files: Mapping[str, str] | None = None,
        *,
        reveal: bool = True,
    ) -> None:
        self.files = files
        self._env_files = {} if env_files is None else env_files
        self.file = files.main
        self._document = files.document(FIRST_NAME)
        self.version = self._document.version
        converter = Converter(files.absolute_directory, reveal=reveal)
        self._check_top(converter)
        self.global_, self._shared = self._read_global(converter)
        self.groups = self._read_groups(converter)
        merging = self._document.merging
        self.problems = (*merging.problems, *converter.problems)
        self.unknown = tuple(converter.unknown)
        self.advice = (*files.advice, *merging.advice, *converter.advice)

    @property
    def tree(self) -> Node:
        """All files as they were written."""
        return self._document.tree

    @property
    def mistakes(self) -> tuple[Problem, ...]:
        """What is wrong with the shared part, so that no profile may be run."""
        return (*self.problems, *(self.unknown if self.global_.strict else ()))

    def require(self) -> Configuration:
        """This configuration, if its shared part is right. Raises `ConfigError`."""
        if self.mistakes:
            raise ConfigError(*self.mistakes)
        return self

    def warn(self) -> None:
        """Tell what is strange about the shared part."""
        for problem in (*self.advice, *(() if self.global_.strict else self.unknown)):
            log.warning("%s", problem)

    def missing(self, name: str) -> Error:
        """The error for a name that nothing has; it may stand in what cannot be read."""
        if self.mistakes:
            return ConfigError(*self.mistakes)
        if self.group(name) is not None:
            return UsageError(f"`{name}` is a group, where only a profile can stand")
        there = dict.fromkeys([*self.names(), *(group.name for group in self.groups.values())])
        known = ", ".join(there) or "none"
        return UsageError(f"no profile or group `{name}` in {self.file}; there are: {known}")

    # ---- what there is ------------------------------------------------------------------

    def names(self) -> list[str]:
        """The profiles, by name; one without any key is not listed."""
        nodes = self._document.profiles
        return sorted(node.key or key for key, node in nodes.items() if node.value)

    def has_profile(self, name: str) -> bool:
        """Whether there is a profile of this name, in any case."""
        return name.lower() in self._document.profiles

    def spelled(self, name: str) -> str:
        """The name of a profile as the file has it: it names locks, so there must be one only."""
        node = self._document.profiles.get(name.lower())
        return node.key if node is not None and node.key else name

    def ancestors(self, name: str) -> tuple[str, ...]:
        """The names of the parents of a profile in lower case, nearest first."""
        return self._document.ancestors(name)

    def group(self, name: str) -> Group | None:
        """The group of this name; a profile of the same name goes first."""
        return self.groups.get(name.lower())

    def node(self, name: str, problems: Problems | None = None) -> Node:
        """The resolved tree of a profile. Raises `UsageError` when there is no such profile."""
        problems = Problems() if problems is None else problems
        name = self.spelled(name)
        document = self.files.document(name)
        if name.lower() not in document.profiles and self.has_profile(name):
            text = "is gone when its templates see its name; no name may depend on `.Profile.Name`"
            raise ConfigError(Problem(text, file=str(self.file), key=name))
        if name.lower() not in document.profiles:
            raise self.missing(name)
        if document is not self._document:
            problems.problems += document.merging.problems
        return document.profile(name, problems)

    def shared_node(self, key: str) -> Node | None:
        """The resolved tree of `global` or `groups`."""
        return self._document.shared(key, Problems())

    # ---- profiles -----------------------------------------------------------------------

    def profile(self, name: str, *, reveal: bool = True) -> Profile:
        """Open a profile. Raises `ConfigError` with all its problems."""
        problems, profile = self.open_profile(name, reveal=reveal)
        if problems:
            raise ConfigError(*problems)
        return profile

    def open_profile(
        self, name: str, *, again: bool = False, reveal: bool = True
    ) -> tuple[tuple[Problem, ...], Profile]:
        """The profile as far as it can be read, and what fails its runs; tells warnings once.

        `again` executes its templates once more, after the working directory has changed.
        """
        if again:
            self.files.forget(self.spelled(name))
        converter, profile = self.read_profile(name, reveal=reveal)
        strict = self.global_.strict
        if not again:
            for problem in (*converter.advice, *(() if strict else converter.unknown)):
                log.warning("%s", problem)
        unknown = converter.unknown if strict else ()
        return (*self.mistakes, *converter.problems, *unknown), profile

    def read_profile(self, name: str, *, reveal: bool = True) -> tuple[Converter, Profile]:
        """Open a profile and keep its problems for the caller.

        Without `reveal` no secret reference is followed: its own text stands for the value.
        """
        name = self.spelled(name)
        absolute = self.files.absolute_directory
        converter = Converter(self.files.directory, absolute=absolute, reveal=reveal)
        node = self.node(name, converter)
        if _changes_directory(node):
            converter.directory = absolute
        found = profiles.profile(converter, node, name, self._shared)
        if env_file := self._env_files.get(name):
            found = msgspec.structs.replace(found, env_file=(*found.env_file, env_file))
        return converter, found

    # ---- reading ------------------------------------------------------------------------

    def _check_top(self, converter: Converter) -> None:
        """What stands at the top of the files, apart from profiles of version 1."""
        table = self._document.tree.table
        written = table.get("version")
        if written is not None and written.value is not None and not resolve.is_version(written):
            text = f"expected 1 or 2; this is read as version {self.version}"
            converter.advise(written, "version", text)
        if self.version == 1:
            for key in ("profiles", "mixins"):
                if key in table and "version" not in table:
                    text = f"`{key}` is known in version 2; add `version: 2` if this is meant"
                    converter.advise(table[key], key, text)
            return
        if self.files.format == "hcl":
            text = "HCL is for version 1 only; use TOML, YAML or JSON"
            converter.problem(table["version"], "version", text)
        for key, node in table.items():
            if key not in (*_TOP_OF_VERSION_2, *_NOT_OURS) and not key.startswith(("x-", ".")):
                hint = "; profiles stand below `profiles` in version 2" if node.table else ""
                converter.unknown_key(node, key, _TOP_OF_VERSION_2, hint)
        for key in ("profiles", "mixins"):
            if key in table and not isinstance(table[key].value, dict):
                text = f"expected a table by name, got {describe(table[key])}"
                converter.problem(table[key], key, text)

    def _read_global(self, converter: Converter) -> tuple[Global, Shared]:
        node = self._document.shared("global", converter)
        if node is None:
            return Global(), Shared()
        monitor, defaults = node.get("monitor"), node.get("schedule-defaults")
        rest = {key: child for key, child in node.table.items() if key != "monitor"}
        if not isinstance(node.value, dict):
            converter.problem(node, "global", f"expected a table, got {describe(node)}")
        found = converter.table(node.with_value(rest), Global, "global")
        if monitor is not None:
            monitors.check_shared(converter, monitor)
        return found, Shared(defaults.table if defaults else {}, monitor)

    def _read_groups(self, converter: Converter) -> dict[str, Group]:
        node = self._document.shared("groups", converter)
        if node is None or node.value is None:
            return {}
        if not isinstance(node.value, dict):
            converter.problem(node, "groups", f"expected a table by name, got {describe(node)}")
        return {key: self._group(converter, child, key) for key, child in node.table.items()}

    def _group(self, converter: Converter, node: Node, key: str) -> Group:
        name = node.key or key
        path = f"groups.{name}"
        if self.has_profile(name):
            converter.advise(node, path, "a profile has the same name, so the group cannot be run")
        if not isinstance(node.value, dict):
            if self.version == 2:
                text = f"expected a table with `profiles`, got {describe(node)}"
                converter.problem(node, path, text)
            node = node.with_value({"profiles": node})
        kept = ("schedules", "monitor")
        rest = node.with_value({key: child for key, child in node.table.items() if key not in kept})
        found = converter.table(rest, Group, path)
        if failed(found):
            return Group(name=name, place=node.place)
        if not found.profiles and not converter.problems:
            converter.advise(node, path, "names no profile, so nothing runs for this group")
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
            where = f"{path}.schedules.{child.key or command}"
            schedule = schedules.schedule(converter, child, {}, defaults, where)
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


def _changes_directory(profile: Node) -> bool:
    """Whether restic runs somewhere else than we do: then paths must not depend on it."""
    backup = profile.get("backup")
    asking = (profile.get("base-dir"), backup.get("source-relative") if backup else None)
    return any(node is not None and node.value for node in asking)
