"""Version numbers of restic, and what changed with some of them."""

from __future__ import annotations

import re

import msgspec


class Version(msgspec.Struct, frozen=True, order=True):
    """A release of restic. An unknown one is `None` wherever it is used, and means the newest."""

    major: int = 0
    minor: int = 0
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> Version | None:
        """Read `0.18.0`, `v0.18` or `0.18.0-dev`; `None` for anything else."""
        found = re.match(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?=$|[^\d.])", text.strip())
        return cls(*(int(number or 0) for number in found.groups())) if found else None

    @classmethod
    def from_output(cls, text: str) -> Version | None:
        """Read what `restic version` prints: `restic 0.14.0 compiled with go1.19.8 on …`."""
        found = re.search(r"\brestic (\d[\d.]*)(?=[\s-])", f"{text}\n")
        return cls.parse(found[1]) if found else None

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


RENAMED = Version(0, 14, 0)
"""`--repo2` and its like became `--from-repo`."""

EXIT_CODES = Version(0, 17, 0)
"""10, 11 and 12 tell why a command failed."""


def older(version: Version | None, than: Version) -> bool:
    """Whether a known version is older."""
    return version is not None and version < than
