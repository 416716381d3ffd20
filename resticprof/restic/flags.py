"""Which flags each restic command knows, by version of restic: a table in `flags.json`."""

from __future__ import annotations

import functools
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import msgspec

from resticprof.restic.versions import Version

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMON = "*"  # the table's name for the flags of every command

_FIRST = Version(0, 9, 4)
_NEXT = Version(0, 10, 0)


class FlagInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One flag of one command."""

    name: str
    kind: Literal["bool", "optional", "string", "value", "list"]
    short: str = ""
    since: Version
    until: Version | None = None  # the last release that had it
    default: str = ""

    @property
    def takes_value(self) -> bool:
        """Whether the next word is its value when there is no `=`."""
        return self.kind not in {"bool", "optional"}


class _CommandInfo(msgspec.Struct, frozen=True):
    since: Version
    flags: tuple[FlagInfo, ...]


class _Flag(msgspec.Struct):
    kind: Literal["bool", "optional", "string", "value", "list"]
    short: str = ""
    since: str = ""
    until: str = ""
    default: str = ""


class _Command(msgspec.Struct):
    since: str
    flags: dict[str, _Flag]


class _File(msgspec.Struct):
    versions: tuple[str, ...]
    commands: dict[str, _Command]


@functools.cache
def _file() -> _File:
    content = Path(__file__).with_name("flags.json").read_bytes()
    return msgspec.json.decode(content, type=_File)


@functools.cache
def _table() -> dict[str, _CommandInfo]:
    return {
        command: _CommandInfo(
            _since(about.since),
            tuple(
                FlagInfo(
                    name=name,
                    kind=flag.kind,
                    short=flag.short,
                    since=_since(flag.since or about.since),
                    until=Version.parse(flag.until),
                    default=flag.default,
                )
                for name, flag in about.flags.items()
            ),
        )
        for command, about in _file().commands.items()
    }


def newest() -> Version:
    """The last release in the table; of what came after it we know nothing."""
    return Version.parse(_file().versions[-1]) or Version()


def _since(text: str) -> Version:
    """The first version to get a flag. As in the reference, 0.9.5 and 0.9.6 get those of 0.9.4."""
    version = Version.parse(text) or Version()
    return _NEXT if _FIRST < version < _NEXT else version


def commands() -> tuple[str, ...]:
    """Every command that some release had; `key-add` is the command `key add`."""
    return tuple(name for name in _table() if name != COMMON)


def is_command(name: str) -> bool:
    """Whether some release of restic has a command of this name."""
    return name != COMMON and name in _table()


def words(command: str) -> tuple[str, ...]:
    """The words of a command: `key-add` gives `key`, `add`."""
    first, dash, second = command.partition("-")
    return (first, second) if dash and is_command(first) else (command,)


@functools.lru_cache(maxsize=64)
def known(command: str, version: Version | None = None) -> Mapping[str, FlagInfo]:
    """The flags that a command of this version accepts, by long name and by short letter.

    What an older release removed is still accepted, as in the reference. A command that is not in
    the table has the flags of all commands.
    """
    about = _table().get(command)
    if about is not None and version is not None and version < about.since:
        about = _table().get(words(command)[0])  # `key add` before there was `key-add`
    common = _table()[COMMON].flags
    found: dict[str, FlagInfo] = {}
    letters: dict[str, FlagInfo] = {}
    for flag in (*common, *about.flags) if about else common:
        if version is None or flag.since <= version:
            found[flag.name] = flag
            if flag.short:
                letters[flag.short] = flag
    return MappingProxyType(letters | found)


@functools.lru_cache(maxsize=4)
def of_any_command(version: Version | None = None) -> frozenset[str]:
    """The long names of all flags that some command of this version accepts."""
    tables = (known(command, version) for command in _table())
    return frozenset(flag.name for table in tables for flag in table.values())


@functools.cache
def _anywhere() -> Mapping[str, FlagInfo]:
    """Every flag of any command, by long name and by letter; the first command that has it."""
    found: dict[str, FlagInfo] = {}
    for about in _table().values():
        for flag in about.flags:
            found.setdefault(flag.name, flag)
            if flag.short:
                found.setdefault(flag.short, flag)
    return MappingProxyType(found)


def find(name: str) -> FlagInfo | None:
    """A flag of any command, by long name or by letter."""
    return _anywhere().get(name)


def names(command: str | None = None) -> tuple[str, ...]:
    """The long names of a command's flags in any version; of all commands without one."""
    flags = _anywhere() if command is None else known(command)
    return tuple(dict.fromkeys(flag.name for flag in flags.values()))


def exists(name: str, command: str | None = None) -> bool:
    """Whether some version of the command, or of any command, has a flag of this long name."""
    flag = find(name) if command is None else known(command).get(name)
    return flag is not None and flag.name == name
