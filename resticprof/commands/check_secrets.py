"""Check that secrets can be had, and that nobody else can read them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.commands.findings import Finding, each
from resticprof.config import secrecy
from resticprof.config.tree import is_reference
from resticprof.errors import Error
from resticprof.model import masking
from resticprof.model.types import public, reveal
from resticprof.system import directories, environment, files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from resticprof.commands.findings import Keys, Subject
    from resticprof.config.configuration import Configuration
    from resticprof.model.config import Profile, Section

_READABLE = "holds a secret and can be read by everybody; chmod 600 it, or refer to the secret"


def references(configuration: Configuration, subject: Subject) -> Iterator[Finding]:
    """Secrets that could not be read now; a command is not run to find out."""
    for leaf in secrecy.leaves(subject.node, subject.name):
        if not is_reference(leaf.node):
            continue
        target = reveal(leaf.text)
        if "env" in leaf.node.table and target not in os.environ:
            text = f"the variable `{target}` of this secret is not set here"
            yield _at(leaf, text, "warning")
        elif "file" in leaf.node.table:
            path = configuration.files.directory / directories.with_home(target)
            if not files.exists(path):
                text = f"the file `{path}` of this secret does not exist"
                yield _at(leaf, text)
            elif files.world_readable(path):
                yield _at(leaf, _open(path), "warning")


def _at(leaf: secrecy.Leaf, text: str, severity: str = "error") -> Finding:
    place = leaf.node.place
    return Finding(place.file, place.line, leaf.path, text, severity)


def in_configuration(configuration: Configuration) -> Iterator[Finding]:
    """Files with secrets that other users of this machine can read."""
    open_files = {file for file in configuration.files.names if files.world_readable(file)}
    for leaf in secrecy.leaves(configuration.tree):
        place = leaf.node.place
        if place.file in open_files and _is_written_secret(leaf):
            open_files.remove(place.file)
            key = leaf.path.removeprefix("profiles.")
            yield Finding(place.file, place.line, key, _READABLE, "warning")


def in_files(subject: Subject, table: Profile | Section, where: Keys = ()) -> Iterator[Finding]:
    """The same for files that the configuration names."""
    for key, holds_secret in _SECRET_FILES.items():
        value = getattr(table, key.replace("-", "_"), None) or table.flags.get(key)
        for place, file in each(value, (*where, key)):
            if isinstance(file, str) and files.world_readable(file) and holds_secret(file):
                yield subject.finding(place, _open(file), "warning")


def _open(file: str | Path) -> str:
    return f"`{file}` can be read by everybody; chmod 600 it"


def _is_repository_secret(file: str) -> bool:
    with contextlib.suppress(OSError):
        text = Path(file).read_bytes().decode(errors="replace")
        return masking.holds_password(masking.repository_secret(text))
    return False


def _has_secret_variables(file: str) -> bool:
    with contextlib.suppress(Error):
        return bool(masking.secret_variables(environment.read_env_file(file)))
    return False


_SECRET_FILES: Mapping[str, Callable[[str], bool]] = {
    "password-file": files.is_file,
    "from-password-file": files.is_file,
    "repository-file": _is_repository_secret,
    "from-repository-file": _is_repository_secret,
    "env-file": _has_secret_variables,
}
"""Keys that name files, and whether there is a secret in such a file."""


def _is_written_secret(leaf: secrecy.Leaf) -> bool:
    """Whether the file itself holds a secret; bodies and commands are hidden, but seldom secret."""
    hidden = public(leaf.text) != reveal(leaf.text)
    elsewhere = is_reference(leaf.node) or "template" in leaf.node.steps
    return hidden and not elsewhere and not leaf.path.endswith((".body", "-command"))
