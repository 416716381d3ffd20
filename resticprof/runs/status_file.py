"""The status file: the last result of each command of each profile, as JSON for other programs.

The layout is the reference's: `{"profiles": {"home": {"backup": {…}, "retention": {…}}}}`. After a
failure, `last_success` (ours) keeps the time of the last good run.
"""

from __future__ import annotations

import logging
import math
import os
import stat
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from resticprof.errors import Error
from resticprof.model.run import Outcome
from resticprof.system import files, turns

if TYPE_CHECKING:
    from resticprof.model.run import Report, StepReport

Json = dict[str, Any]

log = logging.getLogger("resticprof")

MEMBERS = {
    "backup": "backup",
    "check": "check",
    "copy": "copy",
    "forget": "retention",
    "init": "init",
    "prune": "prune",
    "retention": "retention",
}
"""Command or step to the name it is recorded under; other commands are not recorded."""

COUNTERS = (
    "files_new",
    "files_changed",
    "files_unmodified",
    "dirs_new",
    "dirs_changed",
    "dirs_unmodified",
    "files_total",
    "bytes_added",
    "bytes_added_packed",
    "bytes_total",
)
"""The numbers of a backup. A failed one has zeros, as in the reference; else unknown is absent."""


class LastResult(msgspec.Struct, frozen=True, kw_only=True):
    """How a command of a profile ended the last time."""

    profile: str
    command: str  # as it is recorded: `retention` for forget
    success: bool = False
    time: datetime | None = None
    last_success: datetime | None = None  # an earlier one, after a failure
    error: str = ""
    duration: int = 0  # seconds


def record(path: str | Path, report: Report) -> None:
    """Put a run into the file, whoever else writes to it. Raises `Error`.

    Content that cannot be understood is kept beside the file, with `.corrupt` behind its name.
    """
    if not entries(report):
        return
    with turns.exclusive(path):
        content = merge(_load(path), report)
        text = msgspec.json.encode(content) + b"\n"
        files.write_atomically(path, text, mode=_mode(path))


def merge(old: Json, report: Report) -> Json:
    """The content with this run in it; everything else stays as it is."""
    profiles = old.get("profiles") or {}
    before = profiles.get(report.profile, {})
    new = {
        member: entry | _earlier_success(entry, before.get(member, {}))
        for member, entry in entries(report).items()
    }
    return old | {"profiles": profiles | {report.profile: before | new}}


def _earlier_success(entry: Json, before: Json) -> Json:
    """A failure must not hide when it last went well: that is what pollers ask for."""
    time = before.get("time") if before.get("success") is True else before.get("last_success")
    return {"last_success": time} if time and not entry["success"] else {}


def entries(report: Report) -> dict[str, Json]:
    """What a run leaves, by member: its steps, and a command that did not get as far as restic."""
    if report.dry_run or report.outcome in (None, Outcome.SKIPPED):
        return {}
    found = {
        MEMBERS[step.name]: _of_step(step, report)
        for step in report.steps
        if step.name in MEMBERS and (step.name != "init" or report.command == "init")
    }
    ran = any(step.name == report.command for step in report.steps)
    if report.outcome is Outcome.FAILED and report.command in MEMBERS and not ran:
        found[MEMBERS[report.command]] = _never_ran(report)
    return found


def _of_step(step: StepReport, report: Report) -> Json:
    entry = {
        "success": not step.error,
        "time": step.ended.isoformat() if step.ended else _time(report),
        "error": _text(step.error),
        "stderr": _text(step.stderr),
        "duration": math.ceil(step.seconds),
    }
    return entry | (_counters(step) if step.name == "backup" else {})


def _never_ran(report: Report) -> Json:
    failure = report.failure
    entry = {
        "success": False,
        "time": _time(report),
        "error": _text(failure.message) if failure else "failed",
        "stderr": _text(failure.stderr) if failure else "",
        "duration": 0,
    }
    return entry | (dict.fromkeys(COUNTERS, 0) if report.command == "backup" else {})


def _counters(step: StepReport) -> dict[str, int]:
    numbers = {name: getattr(step.summary, name, None) for name in COUNTERS}
    known = {name: value for name, value in numbers.items() if value is not None}
    return dict.fromkeys(COUNTERS, 0) | known if step.error else known


def _time(report: Report) -> str:
    return report.time.isoformat()


def _text(text: str) -> str:
    """Text that JSON can hold; `?` stands for what a file name had instead of UTF-8."""
    return text.encode(errors="replace").decode()


# ---- the file -----------------------------------------------------------------------------------


def read(path: str | Path) -> tuple[LastResult, ...]:
    """All last results, by profile and command; none when there is no file. Raises `Error`."""
    try:
        profiles = _parsed(_bytes(path)).get("profiles") or {}
    except msgspec.MsgspecError as error:
        raise Error(f"the status file `{path}` cannot be read: {error}") from error
    return tuple(
        _last_result(profile, command, entry)
        for profile, members in sorted(profiles.items())
        for command, entry in sorted(members.items())
    )


def _last_result(profile: str, command: str, entry: Json) -> LastResult:
    try:
        return msgspec.convert(entry | {"profile": profile, "command": command}, LastResult)
    except msgspec.ValidationError as error:
        problem = f"the entry cannot be read: {error}"
        return LastResult(profile=profile, command=command, error=problem)


def _load(path: str | Path) -> Json:
    """What is in the file now; content that is broken is moved out of the way."""
    try:
        return _parsed(_bytes(path))
    except msgspec.MsgspecError as error:
        target = os.path.realpath(path)
        aside = f"{target}.corrupt"
        try:
            Path(target).replace(aside)
        except OSError as problem:
            raise Error(f"cannot move `{target}` aside: {problem.strerror}") from problem
        log.warning("status file `%s` cannot be read (%s); kept as `%s`", path, error, aside)
        return {}


def _parsed(content: bytes) -> Json:
    """The content, if it has the layout of a status file. Raises `msgspec.MsgspecError`."""
    read: Json = msgspec.json.decode(content, type=Json) if content.strip() else {}
    msgspec.convert(read.get("profiles"), dict[str, dict[str, Json]] | None)
    return read


def _bytes(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise Error(f"cannot read the status file `{path}`: {error.strerror}") from error


def _mode(path: str | Path) -> int:
    """The permissions of the file that is replaced."""
    try:
        return stat.S_IMODE(Path(path).stat().st_mode)
    except OSError:
        return 0o644
