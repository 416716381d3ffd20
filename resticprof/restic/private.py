"""Keep repositories with a password out of the process list: restic reads them from a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resticprof.model import masking
from resticprof.model.types import Secret
from resticprof.restic import flags

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from resticprof.restic.situation import Flags
    from resticprof.restic.versions import Version

FILES = {
    "repo": "repository-file",
    "from-repo": "from-repository-file",
    "repo2": "repository-file2",
}
"""The flag of a repository, and the flag of a file that names it."""


def wanted(variables: Container[str], *, prevent: bool | None) -> bool:
    """Whether to use files at all: `prevent-auto-repository-file`, and restic's environment.

    Without a word on it, a repository in the environment keeps the flag: restic refuses a
    repository and a repository file together.
    """
    if prevent is None:
        return "RESTIC_REPOSITORY" not in variables and "RESTIC_REPOSITORY_FILE" not in variables
    return not prevent


def secret_repositories(found: Flags, version: Version | None = None) -> dict[str, Secret]:
    """The repositories to write to private files, by flag; only where restic can read a file."""
    known = flags.known("copy", version)  # has both repositories
    secrets = {}
    for name, file in FILES.items():
        for value in found.get(name, ()):
            secret = value if isinstance(value, Secret) else masking.repository_secret(value)
            hidden = secret.fetched or masking.holds_password(secret)
            if hidden and file in known and file not in found:
                secrets[name] = secret
    return secrets


def with_files(found: Flags, paths: Mapping[str, str]) -> Flags:
    """The flags with these repositories (`repo` to a path) replaced by their files."""
    kept = {name: values for name, values in found.items() if name not in paths}
    return kept | {FILES[name]: (path,) for name, path in paths.items()}
