"""The demonstration of the README keeps its promises, quickly."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.kit.project import CHECKOUT


def test_demo_shows_the_main_job_in_under_half_a_minute(project, restic):
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, CHECKOUT / "demo" / "main_job.py"],
        check=False,
        capture_output=True,
        env=project.env,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "POST /fail" in done.stdout
    assert time.monotonic() - started < 30
    assert list(project.tmp.iterdir()) == []
