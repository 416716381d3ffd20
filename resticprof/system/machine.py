"""The machine that we run on: priorities, battery, memory, sleep."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.system import process

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("resticprof")

NICE = {"idle": 19, "background": 15, "low": 10, "normal": 0, "high": -10, "highest": -20}

_SUPPLIES = Path("/sys/class/power_supply")
_CGROUPS = Path("/sys/fs/cgroup")
_IOPRIO_SET = {  # number of the system call; the C library has no function for it
    "x86_64": 251,
    "i386": 289,
    "i686": 289,
    "aarch64": 30,
    "riscv64": 30,
    "loongarch64": 30,
    "armv6l": 314,
    "armv7l": 314,
    "ppc64le": 273,
    "s390x": 282,
}


# ---- priorities -----------------------------------------------------------------------------


def set_priority(nice: int) -> None:
    """The CPU priority of ourselves and of what we start; a failure is a warning."""
    if nice == os.getpriority(os.PRIO_PROCESS, 0):
        return
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    except OSError as error:
        log.warning("priority %d cannot be set: %s", nice, error.strerror)


def set_io_priority(kind: int, level: int) -> None:
    """The IO priority (ioprio_set(2)): class 1 to 3, level 0 to 7; a failure is a warning."""
    import ctypes

    machine = os.uname().machine
    number = _IOPRIO_SET.get(machine)
    if number is None:
        log.warning("ionice: not known how to set it on %s", machine)
        return
    library = ctypes.CDLL(None, use_errno=True)
    if library.syscall(number, 1, 0, (kind << 13) | level) < 0:
        log.warning("ionice class %d cannot be set: %s", kind, os.strerror(ctypes.get_errno()))


# ---- battery and memory ---------------------------------------------------------------------


class Power(msgspec.Struct, frozen=True):
    """Where the power comes from; charge is the average of all batteries in percent."""

    on_battery: bool
    charge: float = 100.0


def power(supplies: Path = _SUPPLIES) -> Power:
    """On battery: at least one is discharging, and none is charging, full or unclear."""
    states, charges = [], []
    for supply in sorted(supplies.glob("*")):
        if _read(supply / "type") != "Battery" or _read(supply / "scope") == "Device":
            continue
        states.append(_read(supply / "status").lower())
        with contextlib.suppress(ValueError):
            charges.append(float(_read(supply / "capacity")))
    draining = [state in ("discharging", "empty") for state in states]
    return Power(
        bool(draining) and all(draining), sum(charges) / len(charges) if charges else 100.0
    )


def free_memory() -> int | None:
    """MiB that can be used without swapping, also by the limit of our cgroup; None: unknown."""
    found = [size for size in (_machine_memory(), _cgroup_memory()) if size is not None]
    return min(found) if found else None


def _machine_memory() -> int | None:
    for line in _read(Path("/proc/meminfo")).splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) // 1024
    return None


def _cgroup_memory() -> int | None:
    """What our cgroup (v2), or one above it, has left; caches that can be dropped count as free."""
    own = _read(Path("/proc/self/cgroup")).rpartition("::")[2].strip("/\n ")
    folder = _CGROUPS / own
    left = [_left(place) for place in (folder, *folder.parents) if place.is_relative_to(_CGROUPS)]
    return min((size for size in left if size is not None), default=None)


def _left(folder: Path) -> int | None:
    limit, used = _read(folder / "memory.max"), _read(folder / "memory.current")
    if not (limit.isdigit() and used.isdigit()):
        return None
    statistics = dict(line.split() for line in _read(folder / "memory.stat").splitlines())
    cache = int(statistics.get("inactive_file", 0))
    return max(0, int(limit) - int(used) + cache) // (1024 * 1024)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


# ---- sleep ----------------------------------------------------------------------------------


@contextlib.contextmanager
def kept_awake(why: str) -> Iterator[None]:
    """Keep the machine from sleeping (systemd-inhibit(1)); a failure is a warning."""
    program = shutil.which("systemd-inhibit")
    if program is None:
        log.warning("prevent-sleep: `systemd-inhibit` is not installed")
        yield
        return
    words = (program, "--what=idle:sleep", "--mode=block", "--who=resticprof", f"--why={why}")
    with process.companion("prevent-sleep", (*words, "cat")):
        yield
