"""Mount namespaces: they work as root and mostly for others, but not in a chroot."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

UNSHARE = ("unshare", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--mount")
"""Runs the words after it in a mount namespace of its own."""


@functools.cache
def refused() -> str:
    """Why no namespace can be made; empty when it can."""
    done = subprocess.run([*UNSHARE, "true"], check=False, capture_output=True, text=True)
    return (done.stderr.strip() or "failed") if done.returncode else ""


def hiding(*places: str) -> tuple[str, ...]:
    """Runs the words after it where none of these files is."""
    there = [place for place in places if Path(place).exists()]
    if not there:
        return ()
    lines = "".join(f"mount --bind /dev/null {place} && " for place in there)
    return (*UNSHARE, "sh", "-c", f'{lines}exec "$@"', "sh")
