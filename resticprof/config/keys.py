"""The keys of each table, read once from its type: name, type, default, description."""

from __future__ import annotations

import functools
import types
import typing
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

import msgspec

from resticprof.model.config import SECTIONS, Profile, Section
from resticprof.model.table import Key, Table
from resticprof.model.types import Secret, Text
from resticprof.restic import flags


class Field(msgspec.Struct, frozen=True):
    """One key of a table."""

    name: str  # of the attribute
    key: str  # in the file, kebab-case
    type: Any
    about: Key
    default: Any
    required: bool

    @property
    def is_list(self) -> bool:
        """Whether several values are accepted."""
        return get_origin(without_none(self.type)) is tuple


@functools.cache
def fields(table: type[Table]) -> dict[str, Field]:
    """The keys that a person may write in this table; what has no description is ours alone."""
    hints = typing.get_type_hints(table, include_extras=True)
    found = {}
    for info in msgspec.structs.fields(table):
        hint = hints[info.name]
        if get_origin(hint) is ClassVar or get_origin(hint) is not Annotated:
            continue
        kind, *notes = get_args(hint)
        about = next(note for note in notes if isinstance(note, Key))
        default = info.default
        if info.default_factory is not msgspec.NODEFAULT:
            default = info.default_factory()
        required = default is msgspec.NODEFAULT
        found[info.encode_name] = Field(
            info.name, info.encode_name, kind, about, None if required else default, required
        )
    return found


@functools.cache
def spellings(table: type[Table]) -> dict[str, Field]:
    """The same by every accepted spelling: the key, its aliases, and `_` for `-`."""
    found = {}
    for field in fields(table).values():
        for key in (field.key, *field.about.aliases):
            found[key] = field
            found[key.replace("-", "_")] = field
    return found


def without_none(kind: Any) -> Any:
    """`X` out of `X | None`; any other type as it is."""
    if get_origin(kind) in (Union, types.UnionType):
        rest = tuple(arm for arm in get_args(kind) if arm is not type(None))
        return rest[0] if len(rest) == 1 else Union[rest]  # noqa: UP007 - made of a tuple
    return kind


def is_text(kind: Any) -> bool:
    """Whether this is the type of text that may be secret."""
    kind = without_none(kind)
    return kind is Secret or kind == Text


SCHEDULE_PREFIX = "schedule-"


def section_type(name: str) -> type[Section] | None:
    """The type of a section; None when no restic command has this name."""
    if name in SECTIONS:
        return SECTIONS[name]
    return Section if flags.is_command(name) else None


def is_list_key(kind: type[Table] | None, key: str) -> bool:
    """Whether a key is declared to hold a list, for the index-wise merge of version 1."""
    if kind is None:
        return False
    field = spellings(kind).get(key)
    if field is not None:
        return field.is_list or key == "schedule"
    return key == "schedule-capture-environment"


def is_flag(kind: type[Table] | None, key: str) -> bool:
    """Whether a key of a profile or a section is not declared, so that its value is for restic."""
    if kind is None or not issubclass(kind, (Profile, Section)):
        return False
    return key not in spellings(kind) and not key.startswith(SCHEDULE_PREFIX)


def table_type(kind: type[Table] | None, key: str) -> type[Table] | None:
    """What the table below a key is, or the tables of its list; None when nothing declares it."""
    field = spellings(kind).get(key) if kind else None
    if field is None:
        return section_type(key) if kind is Profile else None
    inner = without_none(field.type)
    inner = get_args(inner)[0] if field.is_list else inner
    return inner if isinstance(inner, type) and issubclass(inner, Table) else None


def is_table_key(key: str) -> bool:
    """Whether a key of a profile holds a table: a section, or names with their values."""
    field = spellings(Profile).get(key)
    if field is not None:
        return get_origin(field.type) is dict
    return key == "monitor" or section_type(key) is not None
