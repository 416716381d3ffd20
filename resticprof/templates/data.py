"""What templates are given, and under which names they see it.

One object serves both languages. A field is written in Go's spelling (`.ProfileName`,
`.Report.Summary.BytesAdded`) or in Python's (`profile_name`, `report.summary.bytes_added`): the
words of its name joined, each with a capital letter, and some (`ID`, `OS`, …) wholly in capitals.
Go's language wants the first spelling; Jinja2 takes either.
"""

from __future__ import annotations

import enum
from datetime import datetime
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

import msgspec

from resticprof.model.run import Report
from resticprof.model.types import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

_CAPITALS = {"id": "ID", "os": "OS", "cpu": "CPU", "io": "IO"}


class TextMap(dict[str, str]):
    """Texts by name, where `index` finds an empty text for a name that is missing, as in Go."""


class BaseData(msgspec.Struct, frozen=True, kw_only=True):
    """What every template can use. Paths are absolute; `os` and `arch` are Go's names."""

    now: datetime  # aware; in `gotime.LocalZone()` it knows about summer time
    startup_dir: str = ""
    current_dir: str = ""
    temp_dir: str = ""
    binary_dir: str = ""
    os: str = ""
    arch: str = ""
    hostname: str = ""
    env: TextMap = TextMap()


class NameData(msgspec.Struct, frozen=True, kw_only=True):
    """Something of which a template knows the name only."""

    name: str = ""


class ConfigData(BaseData, frozen=True, kw_only=True):
    """For configuration files; `schedule.name` is always empty, as in the reference."""

    profile: NameData
    schedule: NameData = NameData()
    config_dir: str = ""


class ErrorData(msgspec.Struct, frozen=True, kw_only=True):
    """What failed; texts, so that all of them are blank when nothing did."""

    message: str = ""
    command_line: str = ""
    exit_code: str = ""
    stderr: str = ""


class HookData(BaseData, frozen=True, kw_only=True):
    """For the bodies of HTTP hooks; `stdout` is always empty in the reference."""

    profile_name: str
    profile_command: str
    error: ErrorData = ErrorData()
    stdout: str = ""
    report: Report | None = None


def field(structure: msgspec.Struct, name: str) -> object:
    """A field or property by either spelling; raises `KeyError`."""
    return plain(getattr(structure, spellings(type(structure))[name]))


@cache
def spellings(kind: type[msgspec.Struct]) -> Mapping[str, str]:
    """Both spellings of each field and property to its name in Python, in order."""
    properties = (name for name in dir(kind) if isinstance(getattr(kind, name), property))
    names = (*kind.__struct_fields__, *properties)
    return {name: name for name in names} | {go_spelling(name): name for name in names}


def go_spelling(name: str) -> str:
    """`profile_name` is `ProfileName`, `run_id` is `RunID`."""
    return "".join(_CAPITALS.get(word, word.capitalize()) for word in name.split("_"))


def plain(value: object) -> object:
    """A value of ours as templates know it: secrets masked, choices as the word they stand for."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, Secret | PurePath):
        return str(value)
    return value
