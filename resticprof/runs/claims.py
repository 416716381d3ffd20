"""What a run claims for itself: its repositories, and its lock file.

Runs that claim the same thing must not run side by side.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.errors import SecretError
from resticprof.model.types import reveal
from resticprof.restic import collect
from resticprof.restic.private import FILES
from resticprof.restic.situation import Situation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from resticprof.model.types import Text
    from resticprof.restic.situation import Flags
    from resticprof.runs.plan import Plan

UNKNOWN = ""
"""The claim of a run whose repository is not known: one such run at a time."""

_SCHEME = re.compile(r"(?:azure|b2|gs|rclone|rest|s3|sftp|swift):")


def claims(plan: Plan, variables: Mapping[str, Text]) -> frozenset[str]:
    """All claims of a run, with the environment that its restic gets."""
    folder = plan.profile.base_dir
    situation = Situation(variables=variables, filter=False)
    found = {
        claim
        for step in plan.steps
        for claim in _repositories(collect.collect(plan.profile, step.section, situation), folder)
    } or set(_of_environment(variables, folder))
    if plan.lock:
        found.add(f"lock {os.path.realpath(plan.lock)}")
    return frozenset(found or {UNKNOWN})


def _repositories(flags: Flags, folder: str) -> Iterator[str]:
    for name, file in FILES.items():
        for value in flags.get(name, ()):
            try:
                yield _identity(reveal(value), folder)
            except SecretError:
                yield UNKNOWN  # the run itself will say so
        for value in flags.get(file, ()):
            yield _in_file(reveal(value), folder)


def _of_environment(variables: Mapping[str, Text], folder: str) -> Iterator[str]:
    if repository := reveal(variables.get("RESTIC_REPOSITORY", "")):
        yield _identity(repository, folder)
    elif file := reveal(variables.get("RESTIC_REPOSITORY_FILE", "")):
        yield _in_file(file, folder)


def _in_file(file: str, folder: str) -> str:
    try:
        return _identity(Path(folder, file).read_text(encoding="utf-8").strip(), folder)
    except (OSError, UnicodeDecodeError):
        return UNKNOWN


def _identity(repository: str, folder: str) -> str:
    """One text for all the ways to write the same repository, as far as we can see that."""
    if _SCHEME.match(repository):
        return repository.rstrip("/")
    return os.path.realpath(os.path.join(folder, repository.removeprefix("local:")))
