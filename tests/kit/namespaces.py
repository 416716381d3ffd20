"""Mount namespaces: they work as root and mostly for others, but not in a chroot."""

from __future__ import annotations

import functools
import os
import subprocess

UNSHARE = ("unshare", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--mount")
"""Runs the words after it in a mount namespace of its own."""


@functools.cache
def refused() -> str:
    """Why no namespace can be made; empty when it can."""
    done = subprocess.run([*UNSHARE, "true"], check=False, capture_output=True, text=True)
    return (done.stderr.strip() or "failed") if done.returncode else ""
