"""Collect the flags that a profile gives to a restic command."""

from __future__ import annotations

import functools
import os
import typing
from typing import TYPE_CHECKING

from resticprof.model import expansion, masking
from resticprof.model.config import Backup, Copy, Section
from resticprof.model.table import Key
from resticprof.model.types import Secret, Text, public, reveal
from resticprof.restic import flags, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from resticprof.model.config import FlagValue, Profile
    from resticprof.model.table import Table
    from resticprof.restic.situation import Flags, Situation

EMPTY_MEANS_SOMETHING = frozenset({"tag", "keep-tag", "group-by"})
"""`--tag=` selects what has no tag, `--group-by=` groups nothing; elsewhere "" says nothing."""

PATTERNS = frozenset({"exclude", "iexclude"})
"""A `$` in these may belong to a file name; variables were replaced when the file was read."""

SECOND = {
    "repo": "from-repo",
    "repository-file": "from-repository-file",
    "password-file": "from-password-file",
    "password-command": "from-password-command",
    "key-hint": "from-key-hint",
    "insecure-no-password": "from-insecure-no-password",
}
"""The flags of a repository, and their names for the source of `copy`."""

BEFORE_0_14 = {
    "from-repo": "repo2",
    "from-repository-file": "repository-file2",
    "from-password-file": "password-file2",
    "from-password-command": "password-command2",
    "from-key-hint": "key-hint2",
}
"""restic before 0.14 has a second repository instead of a source."""


def collect(profile: Profile, section: str, situation: Situation) -> Flags:
    """The flags of a section's command; `retention` gives those of a `forget`."""
    if section == "copy":
        return copy_flags(profile, situation)
    found = _common(profile, section, situation)
    command = flags.words(section)[0]
    if command != section and command in profile.sections:  # `key`, of a `key add`
        both = profile.sections[command].flags
        _add(found, _concerning(section, both, situation), profile, situation)
    own = profile.sections.get(section, Section())
    found |= _declared(own)
    if isinstance(own, Backup) and own.stdin_command:
        found["stdin"] = ()
    _add(found, own.flags, profile, situation)
    return _finished(found, situation)


def copy_flags(profile: Profile, situation: Situation) -> Flags:
    """The flags of `copy`.

    With `repository` or `repository-file` the section is the destination and the profile the
    source; otherwise the profile is the destination.
    """
    section = _copy(profile)
    found = _common(profile, "copy", situation)
    if not _names_destination(section):
        found |= _declared(section)
    elif versions.older(situation.version, versions.RENAMED):
        found |= _renamed(_of_destination(section), SECOND)  # then to repo2 by `_finished`
    else:
        found = _renamed(found, SECOND) | _of_destination(section)
    _add(found, section.flags, profile, situation)
    return _finished(found, situation)


def second_init_flags(profile: Profile, situation: Situation) -> Flags:
    """The flags of the `init` that creates the destination of `copy`."""
    section = _copy(profile)
    common = _common(profile, "init", situation)
    if _names_destination(section):
        found = {name: values for name, values in common.items() if name not in SECOND}
        own = {name: value for name, value in section.flags.items() if flags.exists(name, "init")}
        _add(found, own, profile, situation)
        found |= _of_destination(section)
        source = _renamed({name: common[name] for name in common if name in SECOND}, SECOND)
    else:
        found, source = common, _of_source(section)
        own = {name: value for name, value in section.flags.items() if name in SECOND.values()}
        _add(source, own, profile, situation)
    if section.initialize_copy_chunker_params is not False:
        found |= {"copy-chunker-params": (), **source}
    return _finished(found, situation)


def positional(profile: Profile, section: str, situation: Situation) -> tuple[Text, ...]:
    """The words behind the flags: sources of a backup, snapshots of a copy."""
    if section == "copy":
        return tuple(_expanded(name, situation.variables) for name in _copy(profile).snapshot)
    if section == "backup" and not (profile.backup.stdin or profile.backup.stdin_command):
        return situation.sources()
    return ()


def _copy(profile: Profile) -> Copy:
    section = profile.sections.get("copy")
    return section if isinstance(section, Copy) else Copy()


def _names_destination(section: Copy) -> bool:
    return bool(section.repository or section.repository_file)


def _of_destination(section: Copy) -> Flags:
    return {name: values for name, values in _declared(section).items() if name in SECOND}


def _of_source(section: Copy) -> Flags:
    return {name: values for name, values in _declared(section).items() if name not in SECOND}


def _renamed(found: Flags, names: Mapping[str, str]) -> Flags:
    return {names.get(name, name): values for name, values in found.items()}


def _common(profile: Profile, section: str, situation: Situation) -> Flags:
    """The flags that the profile has for every command, as far as they concern this one."""
    found = _declared(profile)
    command = "forget" if section == "retention" else section
    _add(found, _concerning(command, profile.flags, situation), profile, situation)
    return found


def _concerning(
    command: str, configured: Mapping[str, FlagValue], situation: Situation
) -> Mapping[str, FlagValue]:
    """Of flags for several commands those that this one knows, or none of this restic does."""
    here = flags.known(command, situation.version)
    elsewhere = flags.of_any_command(situation.version)
    return {
        name: value
        for name, value in configured.items()
        if not situation.filter or name in here or name not in elsewhere
    }


def _finished(found: Flags, situation: Situation) -> Flags:
    """Old names where they are due, variables replaced, our own `-q` and `-v` on top."""
    if versions.older(situation.version, versions.RENAMED):
        found = _renamed(found, BEFORE_0_14)
    if situation.verbose:
        found["verbose"] = (str(situation.verbose),)
        found.pop("quiet", None)  # restic refuses both
    elif situation.quiet:
        found["quiet"] = ()
        found.pop("verbose", None)
    return {
        name: values
        if name in PATTERNS
        else tuple(_expanded(value, situation.variables) for value in values)
        for name, values in found.items()
    }


# ---- values ---------------------------------------------------------------------------------


@functools.cache
def _flag_names(kind: type[Table]) -> Mapping[str, str]:
    """Attribute to flag, for the keys that stand for a flag."""
    hints = typing.get_type_hints(kind, include_extras=True)
    return {
        attribute: note.flag
        for attribute, hint in hints.items()
        for note in getattr(hint, "__metadata__", ())
        if isinstance(note, Key) and note.flag
    }


def _declared(table: Table) -> Flags:
    """The flags of the keys with a type of their own; nothing, `false` and 0 say nothing."""
    found: Flags = {}
    for attribute, name in _flag_names(type(table)).items():
        value = getattr(table, attribute)
        if value is True:
            found[name] = ()
        elif isinstance(value, tuple):
            found |= {name: texts} if (texts := _texts(name, value)) else {}
        elif value:
            found[name] = (value if isinstance(value, Secret) else str(value),)
    return found


def _add(
    found: Flags, configured: Mapping[str, FlagValue], profile: Profile, situation: Situation
) -> None:
    """Put flags over those that are there: `False` cancels, an empty value changes nothing."""
    for name, value in configured.items():
        if isinstance(value, bool):
            values = _of_true(name, profile, situation) if value else None
            if values is None:
                found.pop(name, None)
            else:
                found[name] = values
        elif texts := _texts(name, value if isinstance(value, tuple) else (value,)):
            found[name] = texts


def _texts(name: str, values: Iterable[Text]) -> tuple[Text, ...]:
    """The values worth sending; an empty one must not become a flag that eats the next word."""
    return tuple(value for value in values if value != "" or name in EMPTY_MEANS_SOMETHING)


def _of_true(name: str, profile: Profile, situation: Situation) -> tuple[Text, ...] | None:
    """What `true` means: the flag alone, but for host, path and tag what the backup has."""
    if name == "host":
        return (situation.hostname or "none",)
    if name == "path":
        return tuple(_absolute(source, situation) for source in situation.sources()) or None
    if name == "tag":
        tags = profile.backup.flags.get("tag")
        texts = () if tags is None or isinstance(tags, bool) else tags
        return _joined(texts if isinstance(texts, tuple) else (texts,))
    return ()


def _absolute(source: str, situation: Situation) -> str:
    path = os.path.normpath(os.path.join(situation.source_directory, source))
    return path.replace("//", "/", 1)  # Python leaves two slashes at the beginning, restic one


def _joined(tags: tuple[Text, ...]) -> tuple[Text, ...] | None:
    """`a,b` as one value: snapshots that have all of these tags."""
    tags = tuple(tag for tag in tags if reveal(tag))
    if not tags:
        return None
    return (_secret(lambda shown: ",".join(shown(tag) for tag in tags)),)


def _secret(text: Callable[[Callable[[Text], str]], str]) -> Text:
    """Text made of parts that may be secret: `text(reveal)` as a value, `text(public)` shown."""
    value, shown = text(reveal), text(public)
    return value if value == shown else Secret(value, public=shown)


def _expanded(value: Text, variables: Mapping[str, Text]) -> Text:
    """Replace `$name`; without any variable that is known, the text stays untouched.

    What a secret reference gives is taken as it is.
    """
    if isinstance(value, str):
        return _replaced(value, variables)
    if value.fetched:
        return value
    text = value.reveal()
    expanded = _replaced(text, variables)
    if expanded == text:
        return value
    masked = value.public != masking.mask_passwords(text)
    shown = value.public if masked else masking.mask_passwords(public(expanded))
    return Secret(reveal(expanded), public=shown)


def _replaced(text: str, variables: Mapping[str, Text]) -> Text:
    if "$" not in text:
        return text
    used: set[str] = set()

    def looked_up(name: str, shown: Callable[[Text], str]) -> str:
        if name not in variables:
            return f"${{{name}}}"
        used.add(name)
        return shown(variables[name]).strip()

    expanded = _secret(lambda shown: expansion.expand(text, lambda name: looked_up(name, shown)))
    return expanded if used else text
