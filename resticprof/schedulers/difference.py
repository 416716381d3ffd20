"""What separates a job that is installed from the one that is wanted, for people to read. Pure."""

from __future__ import annotations

import difflib
import re

from resticprof.model.schedule import Change, Installation, Part
from resticprof.model.types import MASK

_NOWHERE = "/dev/null"
_HARMLESS = frozenset({"HOME", "SUDO_USER", "RESTICPROFILE_SCHEDULE_ID"})
_UNIT_VARIABLE = re.compile(
    r"""(?m)^([ \t]*Environment[ \t]*=[ \t]*["']?)([A-Za-z_]\w*)=((?:.*\\\n)*.*?)(["']?)$"""
)
_CREDENTIAL = re.compile(r"(?m)^([ \t]*SetCredential\w*[ \t]*=[^:\n]*):(?:.*\\\n)*.*$")
_FILE_VARIABLE = re.compile(r'(?s)()([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*")(\n)')


def change(before: Installation | None, after: Installation | None) -> Change:
    """What has to happen, with a unified diff."""
    if before and after and _same(before, after):
        return Change(action="keep", before=before, after=after)
    diff = _diff(before, after)
    if after is None:
        return Change(action="remove", before=before, diff=diff)
    return Change(action="change" if before else "create", before=before, after=after, diff=diff)


def _same(before: Installation, after: Installation) -> bool:
    old, new = _by_path(before), _by_path(after)
    return (
        before.enabled
        and not before.idle
        and old.keys() == new.keys()
        and all(_same_part(old[path], new[path]) for path in old)
    )


def _same_part(old: Part, new: Part) -> bool:
    """What we may not read counts as the same."""
    return old.text is None or (old.text == new.text and old.mode == new.mode)


def _by_path(installation: Installation | None) -> dict[str, Part]:
    return {part.path: part for part in installation.parts} if installation else {}


def _diff(before: Installation | None, after: Installation | None) -> str:
    old, new = _by_path(before), _by_path(after)
    pieces = [_part_diff(old.get(path), new.get(path)) for path in dict.fromkeys([*new, *old])]
    if before and after and not before.enabled:
        pieces.append(f"# {before.title} is installed, but not enabled\n")
    elif before and after and before.idle:
        pieces.append(f"# {before.title} is installed, but its timer does not run\n")
    return "".join(pieces)


def _part_diff(old: Part | None, new: Part | None) -> str:
    if old and new and _same_part(old, new):
        return ""
    names = (old.path if old else _NOWHERE, new.path if new else _NOWHERE)
    old_lines = shown(old).splitlines(keepends=True) if old else []
    new_lines = shown(new).splitlines(keepends=True) if new else []
    found = list(difflib.unified_diff(old_lines, new_lines, *names))
    if not found:
        found = [f"--- {names[0]}\n", f"+++ {names[1]}\n"]
        if old and new and old.mode != new.mode:
            found.append(f"# mode {old.mode:o} becomes {new.mode:o}\n")
        if old and new and old.text != new.text:
            found.append("# a value that is not shown changes\n")
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in found)


def shown(part: Part) -> str:
    """The text without what is secret: variables of units and environment files."""
    text = part.text or ""
    if part.secret:
        readable = not _FILE_VARIABLE.sub("", text)
        return _FILE_VARIABLE.sub(_masked, text) if readable else f"{MASK}\n"
    return _CREDENTIAL.sub(rf"\1:{MASK}", _UNIT_VARIABLE.sub(_masked, text))


def _masked(match: re.Match[str]) -> str:
    """Behind a blank there may be another variable."""
    front, name, value, end = match.groups()
    harmless = name in _HARMLESS and not re.search(r"\s", value)
    return match[0] if harmless else f"{front}{name}={value and MASK}{end}"
