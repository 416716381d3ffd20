"""Check that the files and the sources are there that a configuration names."""

from __future__ import annotations

import glob
import os
from typing import TYPE_CHECKING

from resticprof.commands.findings import each
from resticprof.config import keys
from resticprof.config.profiles import PATH_FLAGS
from resticprof.errors import Error
from resticprof.model.config import Backup
from resticprof.system import files, patterns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.commands.findings import Finding, Keys, Subject
    from resticprof.model.config import Profile, Section
    from resticprof.model.table import Table

_MADE_BY_THE_RUN = frozenset({"log", "lock", "cache-dir"})
"""Paths that need not exist; every other key that is read relative to the configuration must."""


def of_table(subject: Subject, table: Table, where: Keys = ()) -> Iterator[Finding]:
    """Files that a table names and that are not there."""
    for field in keys.fields(type(table)).values():
        if "R" not in field.about.expand or field.key in _MADE_BY_THE_RUN:
            continue
        severity = "warning" if field.key == "env-file" else "error"
        for place, path in each(getattr(table, field.name), (*where, field.key)):
            if path and not _exists(subject, place, path):
                yield subject.finding(place, f"`{path}` does not exist", severity)
            elif path and field.key != "base-dir" and files.is_directory(path):
                yield subject.finding(place, f"`{path}` is a directory", severity)


def of_flags(subject: Subject, section: Section, command: str) -> Iterator[Finding]:
    """The same for flags of restic that name files."""
    for name in sorted(PATH_FLAGS - _MADE_BY_THE_RUN):
        value = section.flags.get(name)
        if isinstance(value, str) and value and not _exists(subject, (command, name), value):
            yield subject.finding((command, name), f"`{value}` does not exist")


def sources(subject: Subject, profile: Profile) -> Iterator[Finding]:
    """Sources that are not there: a backup would silently be smaller than meant."""
    backup = profile.sections.get("backup")
    if not isinstance(backup, Backup):
        return
    for number, source in enumerate(backup.source):
        where: Keys = ("backup", "source", number)
        path = os.path.join(profile.base_dir, backup.source_base, source)
        if not source:
            yield subject.finding(where, "a source is empty; a variable in it may not be set")
        elif glob.has_magic(path):
            yield from _pattern(subject, where, path)
        elif not _exists(subject, where, path):
            yield subject.finding(where, f"`{path}` does not exist")


def _pattern(subject: Subject, where: Keys, path: str) -> Iterator[Finding]:
    try:
        found = patterns.paths(path)
    except Error as error:
        yield subject.finding(where, str(error))
        return
    if not found:
        yield subject.finding(where, f"`{path}` matches nothing")


def _exists(subject: Subject, where: Keys, path: str) -> bool:
    return path == "-" or subject.is_reference(where) or files.exists(path)
