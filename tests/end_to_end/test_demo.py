"""The demonstration of the README keeps its promises, quickly."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.kit.project import CHECKOUT


def test_demo_shows_the_main_job_in_under_half_a_minute(project, restic):
    before = sum(os.times()[2:4])
    done = subprocess.run(
        [sys.executable, CHECKOUT / "demo" / "main_job.py"],
        check=False,
        capture_output=True,
        env=project.env,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "POST /fail" in done.stdout
    assert sum(os.times()[2:4]) - before < 30, "seconds of the processor: others may use it, too"
    assert list(project.tmp.iterdir()) == []
