"""What is read from a file: tables with described keys."""

from __future__ import annotations

import sys
from typing import Any

import msgspec

if sys.version_info >= (3, 11):
    from typing import dataclass_transform
else:
    from typing_extensions import dataclass_transform


@dataclass_transform(frozen_default=True)
class Table(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """A table of the configuration file: kebab-case keys, unknown keys are problems."""


class Key(msgspec.Struct, frozen=True):
    """What a field cannot say by its type: the second argument of `Annotated`.

    `text` is the description in docs/reference.md and the JSON Schema. `expand` names how a path is
    read, in this order: `E` expands `$VAR` from our own environment, `H` expands `~`, `R` joins a
    relative path to the directory of the configuration. `flag` is the restic flag the key stands
    for. `aliases` are other spellings. `values` are the words that are accepted; where `lenient`,
    the default counts for any other, as existing profiles expect, and is told like an unknown key.
    `template`: its `${NAME}` are the variables of a run, and replaced when that is told.
    """

    text: str = ""
    expand: str = ""
    flag: str = ""
    aliases: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    lenient: bool = False
    examples: tuple[Any, ...] = ()
    inherited: bool = True
    template: bool = False
