"""Read what restic prints while it runs: its numbers, and what it could not read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from resticprof.model.run import Summary

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

MOST_UNREADABLE = 100  # names that are kept; all are counted

_ERASE = "\x1b[2K"  # restic clears its progress line on a terminal
_SIZE = r"(-?[\d.]+ ?(?:[KMGTPE]i)?B)"

BACKUP_LINES = (
    (
        r"Files:\s+(\d+) new,\s+(\d+) changed,\s+(\d+) unmodified",
        ("files_new", "files_changed", "files_unmodified"),
    ),
    (
        r"Dirs:\s+(\d+) new,\s+(\d+) changed,\s+(\d+) unmodified",
        ("dirs_new", "dirs_changed", "dirs_unmodified"),
    ),
    (
        rf"(?:Added|Would add) to the repo(?:sitory)?: +{_SIZE}(?: *\({_SIZE} +stored\))?",
        ("bytes_added", "bytes_added_packed"),
    ),
    (rf"processed (\d+) files, {_SIZE} in ", ("files_total", "bytes_total")),
)
"""restic's text since 0.9: `repo` became `repository`, `stored` was added in 0.14."""

PRUNE_LINES = (
    (rf"total prune: +\d+ blobs / {_SIZE}", ("bytes_removed",)),
    (rf"will delete \d+ packs and rewrite \d+ packs, this frees {_SIZE}", ("bytes_removed",)),
)
"""restic's text since 0.12, and before."""


# ---- what `--json` prints ---------------------------------------------------------------------


class ErrorText(msgspec.Struct, frozen=True):
    """The inner part of an error; restic before 0.15 left it empty."""

    message: str = ""


class Message(msgspec.Struct, frozen=True):
    """A line of `--json`. restic leaves out what is 0 or empty."""

    message_type: str
    code: int = 0
    message: str = ""
    error: ErrorText = ErrorText()
    item: str = ""
    during: str = ""


class _Backup(msgspec.Struct, frozen=True):
    files_new: int = 0
    files_changed: int = 0
    files_unmodified: int = 0
    dirs_new: int = 0
    dirs_changed: int = 0
    dirs_unmodified: int = 0
    data_added: int = 0
    data_added_packed: int | None = None  # restic before 0.17 does not know it
    total_files_processed: int = 0
    total_bytes_processed: int = 0
    snapshot_id: str = ""
    dry_run: bool = False


class _Check(msgspec.Struct, frozen=True):
    num_errors: int = 0


class _Group(msgspec.Struct, frozen=True):
    keep: list[msgspec.Raw] | None = None
    remove: list[msgspec.Raw] | None = None


class _PruneBytes(msgspec.Struct, frozen=True):
    remove_total: int | None = None


class _Prune(msgspec.Struct, frozen=True):
    bytes: _PruneBytes = _PruneBytes()


def read_message(line: str) -> Message | None:
    """A line of `--json` that has a message type; `None` for every other line."""
    if not line.startswith("{") or '"message_type"' not in line:
        return None
    return _decoded(line, Message)


def _decoded(line: str, kind: type[_T]) -> _T | None:
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None


# ---- collectors: one for each restic process --------------------------------------------------


class Collector:
    """Reads the lines of one restic process as they come, in JSON or in words.

    The base is for commands that have no numbers; it passes every line on.
    """

    def __init__(self) -> None:
        self._found: dict[str, int | str] = {}
        self._unreadable: list[str] = []
        self._unreadable_count = 0

    def feed(self, line: str) -> bool:  # noqa: ARG002 - for the others
        """Read a line of standard output; `True` when it is a message that no person wants."""
        return False

    def feed_error(self, line: str) -> None:
        """Read a line of standard error."""

    def could_not_read(self, item: str) -> None:
        """Count an item that is missing in the snapshot, where there is one."""

    @property
    def summary(self) -> Summary | None:
        """The numbers so far; `None` when there are none."""
        return msgspec.convert(self._found, Summary) if self._found else None

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The first items that restic could not read; `Summary.errors` counts all of them."""
        return tuple(self._unreadable)

    def _match(self, line: str, patterns: tuple[tuple[str, tuple[str, ...]], ...]) -> None:
        """Take the numbers out of a line for people."""
        for pattern, names in patterns:
            if found := re.match(pattern, line):
                values = zip(names, found.groups(), strict=True)
                self._found |= {name: _number(text) for name, text in values if text}


class _Lines(Collector):
    """A command that prints messages with `--json`, and text without."""

    def feed(self, line: str) -> bool:
        line = line.rpartition(_ERASE)[2].strip("\r\n")
        message = read_message(line)
        if message is None:
            self._text(line)
        elif message.message_type == "summary":
            self._numbers(line)
        return message is not None

    def _text(self, line: str) -> None:
        """Read a line for people."""

    def _numbers(self, line: str) -> None:
        """Read the summary of `--json`."""


class BackupCollector(_Lines):
    """`backup`; without a snapshot id, no snapshot was saved."""

    def could_not_read(self, item: str) -> None:
        self._unreadable_count += 1
        self._found["errors"] = self._unreadable_count
        if len(self._unreadable) < MOST_UNREADABLE:
            self._unreadable.append(item)

    def feed_error(self, line: str) -> None:
        message = read_message(line)
        if message is not None:
            # The scan runs ahead of the backup, and reports the same items.
            if message.message_type == "error" and message.during != "scan":
                self.could_not_read(message.item or message.error.message or message.message)
        elif line.startswith("error: "):
            self.could_not_read(line.removeprefix("error: ").strip())
        elif line.rstrip().endswith(" does not exist, skipping"):
            self.could_not_read(line.rstrip().removesuffix(" does not exist, skipping"))

    def _text(self, line: str) -> None:
        self._match(line, BACKUP_LINES)
        if saved := re.match(r"snapshot ([0-9a-f]{8,}) saved", line):
            self._found["snapshot_id"] = saved[1]
        if "files_total" in self._found:
            self._found["errors"] = self._unreadable_count

    def _numbers(self, line: str) -> None:
        read = _decoded(line, _Backup)
        if read is None:
            return
        packed = read.data_added_packed if read.data_added else 0
        self._found = {
            "files_new": read.files_new,
            "files_changed": read.files_changed,
            "files_unmodified": read.files_unmodified,
            "dirs_new": read.dirs_new,
            "dirs_changed": read.dirs_changed,
            "dirs_unmodified": read.dirs_unmodified,
            "files_total": read.total_files_processed,
            "bytes_added": read.data_added,
            "bytes_total": read.total_bytes_processed,
            "errors": self._unreadable_count,
        }
        if packed is not None:
            self._found["bytes_added_packed"] = packed
        if read.snapshot_id and not read.dry_run:
            self._found["snapshot_id"] = read.snapshot_id


class CheckCollector(_Lines):
    """`check`"""

    def feed_error(self, line: str) -> None:
        message = read_message(line)
        if message is not None and message.message_type == "exit_error" and message.code > 1:
            self._found.clear()  # restic counts a locked repository as one damage

    def _text(self, line: str) -> None:
        if line.startswith("no errors were found"):
            self._found["errors"] = 0

    def _numbers(self, line: str) -> None:
        if read := _decoded(line, _Check):
            self._found["errors"] = read.num_errors


class PruneCollector(_Lines):
    """`prune`"""

    def _text(self, line: str) -> None:
        self._match(line, PRUNE_LINES)

    def _numbers(self, line: str) -> None:
        read = _decoded(line, _Prune)
        if read is not None and read.bytes.remove_total is not None:
            self._found["bytes_removed"] = read.bytes.remove_total


class ForgetCollector(PruneCollector):
    """`forget`, which may prune"""

    def __init__(self) -> None:
        super().__init__()
        self._kept = self._removed = 0

    def _text(self, line: str) -> None:
        super()._text(line)
        if line[:2] in {"[{", "[]"} and (groups := _decoded(line, list[_Group])) is not None:
            self._kept += sum(len(group.keep or ()) for group in groups)
            self._removed += sum(len(group.remove or ()) for group in groups)
        elif found := re.match(r"(keep|remove) (\d+) snapshots:", line):
            self._kept += int(found[2]) if found[1] == "keep" else 0
            self._removed += int(found[2]) if found[1] == "remove" else 0
        else:
            return
        self._found |= {"snapshots_kept": self._kept, "snapshots_removed": self._removed}


_COLLECTORS: dict[str, Callable[[], Collector]] = {
    "backup": BackupCollector,
    "check": CheckCollector,
    "forget": ForgetCollector,
    "prune": PruneCollector,
}


def collector(command: str) -> Collector:
    """A fresh collector for one process of this command."""
    return _COLLECTORS.get(command, Collector)()


def _number(text: str) -> int:
    """A count, or a size such as `282.768 MiB` in bytes."""
    unit = text.lstrip("-.0123456789").strip()
    number = float(text.removesuffix(unit))
    return round(number * 1024 ** " KMGTPE".index(unit[0])) if len(unit) == 3 else int(number)
