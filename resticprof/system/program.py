"""The program that we are, and how it is started again."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def words() -> tuple[str, ...]:
    """How to start us again: the program that was called, symbolic links and all."""
    called = os.path.abspath(sys.argv[0])
    if Path(called).name != "__main__.py" and os.access(called, os.X_OK):
        return (called,)
    return (sys.executable, "-m", "resticprof")
