"""Why restic failed: by its exit status, and by its words where the status says too little.

restic has statuses of its own for a missing repository, a lock and a wrong password since 0.17;
before, and for everything else, its English text is read. That is done here and nowhere else.
"""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING

import msgspec

from resticprof.model.types import Duration
from resticprof.restic import versions
from resticprof.restic.output import read_message

if TYPE_CHECKING:
    from resticprof.model.run import Summary
    from resticprof.restic.versions import Version


class Cause(enum.Enum):
    """Why restic did not end with success; the value says it to a person."""

    WARNING = "some of the data could not be read or removed"
    NO_REPOSITORY = "there is no repository"
    LOCKED = "the repository is locked"
    WRONG_PASSWORD = "the password is wrong"  # noqa: S105 - not a password
    INTERRUPTED = "restic was interrupted"
    REFUSED = "the repository refuses access"
    UNREACHABLE = "the repository cannot be reached"
    EXISTS = "the repository exists already"
    FULL = "there is no space left"
    DAMAGED = "the repository is damaged"
    NO_RULE = "no rule says what to keep"
    USAGE = "restic does not understand its command line"
    OTHER = "restic failed"

    @property
    def heals(self) -> bool:
        """Whether the same command may succeed in a while, without anybody's help."""
        return self is Cause.UNREACHABLE


_STATUSES = {10: Cause.NO_REPOSITORY, 11: Cause.LOCKED, 12: Cause.WRONG_PASSWORD}

_UNREACHABLE = (
    r"dial tcp|no such host|could not resolve host|name resolution|server misbehaving"
    r"|connection (refused|reset|timed out)|network is unreachable|no route to host|host is down"
    r"|broken pipe|i/o timeout|TLS handshake timeout|operation timed out|deadline exceeded"
    r"|Client\.Timeout|closed connection|connection (was )?closed|ssh: connect to host"
    r"|\b5\d\d [A-Z]|HTTP response \(5\d\d\)|response unexpected: 5\d\d|429 Too Many"
    r"|SlowDown|InternalError|ServiceUnavailable|RequestTimeout"
)

_REFUSED = (
    r"permission denied|host key verification failed|401 Unauthorized|403 Forbidden"
    r"|access ?denied|InvalidAccessKeyId|SignatureDoesNotMatch"
)

_WORDS = (
    (Cause.WRONG_PASSWORD, r"wrong password or no key found"),
    (
        Cause.EXISTS,
        r"config file already exists|repository master key and config already initialized",
    ),
    (Cause.NO_RULE, r"no policy was specified"),
    (Cause.USAGE, r"unknown (shorthand )?flag|unknown command|invalid argument .* for .* flag"),
    (Cause.FULL, r"no space left on device|disk quota exceeded|507 Insufficient Storage"),
    (Cause.REFUSED, _REFUSED),
    (Cause.UNREACHABLE, _UNREACHABLE),
    (
        Cause.NO_REPOSITORY,
        r"repository does not exist|Is there a repository at the following location",
    ),
    (Cause.DAMAGED, r"repository contains errors|repository is damaged|packs? from index missing"),
    (Cause.INTERRUPTED, r"context canceled"),
)
"""Tried in this order: a server that cannot be reached also looks like a missing repository."""


def cause(exit_code: int, stderr: str, version: Version | None = None) -> Cause:
    """Why restic ended with this status, which is not 0."""
    if exit_code in _STATUSES and not versions.older(version, versions.EXIT_CODES):
        return _STATUSES[exit_code]
    if exit_code == 3:
        return Cause.WARNING
    if exit_code == 130 or exit_code < 0:
        return Cause.INTERRUPTED
    if lock_failure(exit_code, stderr, version):
        return Cause.LOCKED
    text = _final(_plain(stderr))
    return next(
        (found for found, pattern in _WORDS if re.search(pattern, text, re.IGNORECASE)),
        Cause.OTHER,
    )


def can_heal(exit_code: int, stderr: str, version: Version | None, summary: Summary | None) -> bool:
    """Whether to try again later; never after a snapshot was saved."""
    saved = summary is not None and summary.snapshot_id is not None
    return not saved and cause(exit_code, stderr, version).heals


def explanation(stderr: str) -> str:
    """restic's own reason in one line, without `Fatal:`; its last words when there is none."""
    lines = [line for line in _plain(stderr).splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("Fatal: ", "unable to create lock"))]
    line = (fatal or lines[-1:] or [""])[0]
    return re.sub(r"Fatal: ", "", line).strip()


class LockInfo(msgspec.Struct, frozen=True):
    """Who has locked the repository, and for how long; what restic does not say is empty."""

    holder: str = ""
    age_seconds: float | None = None


def lock_failure(exit_code: int, stderr: str, version: Version | None = None) -> LockInfo | None:
    """The lock that made restic fail; `None` when it failed for another reason."""
    text = _plain(stderr)
    holder = re.search(r"unable to create lock.*already locked.*? by (.+)", text)
    age = re.search(r"lock was created at .*\((\S+) ago\)", text)
    advice = re.search(r"the .unlock. command can be used to remove stale locks", text)
    by_status = exit_code == 11 and not versions.older(version, versions.EXIT_CODES)
    if not by_status and sum(map(bool, (holder, age, advice))) < 2:
        return None
    return LockInfo(holder[1].strip() if holder else "", _seconds(age[1]) if age else None)


def waited(stderr: str) -> float:
    """How long restic itself waited for a lock at most, in seconds (`--retry-lock`)."""
    found = re.search(r"repo already locked, waiting up to (\S+) for the lock", _plain(stderr))
    return (_seconds(found[1]) or 0.0) if found else 0.0


def _seconds(text: str) -> float | None:
    try:
        return float(Duration.parse(text))
    except ValueError:
        return None


def _plain(stderr: str) -> str:
    """The text of standard error, also where `--json` wrapped it."""
    if '"message_type"' not in stderr:
        return stderr
    lines = []
    for line in stderr.splitlines():
        message = read_message(line)
        lines.append(line if message is None else message.message or message.error.message)
    return "\n".join(lines)


def _final(text: str) -> str:
    """From the fatal error on, with what ssh said before; earlier errors may have been overcome."""
    start = text.find("Fatal: ")
    if start < 0:
        return text[-4000:]
    ssh = [line for line in text[:start].splitlines() if line.startswith("subprocess ssh: ")]
    return "\n".join([*ssh, text[start:]])
