"""Output that leads nowhere: its disk is full, or nobody reads it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kit.project import Project


def to_full_disk(
    project: Project, *words: str, stream: int = 1
) -> subprocess.CompletedProcess[str]:
    """Run the program with a stream that leads to a full disk."""
    line = f'exec {sys.executable} -m resticprof "$@" {stream}>/dev/full'
    return subprocess.run(
        ["sh", "-c", line, "sh", *words],
        cwd=project.path,
        env=project.env,
        check=False,
        capture_output=True,
        text=True,
    )


def without_reader(project: Project, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the program with a pipe as standard output that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "resticprof", *words],
        cwd=project.path,
        env=project.env,
        check=False,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    return done
