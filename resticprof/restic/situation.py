"""What restic's command line depends on besides the profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from resticprof.model.types import Text
from resticprof.restic.versions import Version

Flags = dict[str, tuple[Text, ...]]
"""restic's long names to their values, one `--flag=value` each; no value: the flag alone."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """The machine, the restic that was found, and our own command line."""

    version: Version | None = None
    filter: bool = True  # leave out flags that this restic does not know
    hostname: str = ""
    variables: Mapping[str, Text] = {}  # for `$name` in the values of flags
    sources: Callable[[], tuple[str, ...]] = tuple  # of the backup, as they go to restic
    source_directory: str = ""  # absolute: what relative sources belong to
    quiet: bool = False  # -q
    verbose: int = 0  # 1 for -v, 3 for --trace
