"""The processes of this machine, as proc(5) shows them."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One process that runs."""

    name: str  # of the program; at most 15 characters
    parent: int
    group: int
    ticks: int  # of processor time that it used
    began: int  # ticks after the start of the machine; tells it from a later one of its number


def running() -> dict[int, Row]:
    """Each process that runs, by its id."""
    found = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, rest = file.read_text(errors="replace").rpartition(")")
            fields = rest.split()
            if fields[0] not in "ZX":
                parent, group, user, system, began = (
                    int(fields[place]) for place in (1, 2, 11, 12, 19)
                )
                name = head.partition("(")[2]
                found[int(file.parent.name)] = Row(name, parent, group, user + system, began)
    return found


def bytes_read(pid: int) -> int:
    """What a process has read so far, from files and sockets; 0 when it may not be known."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines():
            if line.startswith("rchar:"):
                return int(line.partition(":")[2])
    return 0
