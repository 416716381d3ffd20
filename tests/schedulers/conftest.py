"""What tests of schedules can ask for: a recording `systemctl`, and a real user manager."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.kit.project import CHECKOUT
from tests.kit.schedule import Recorder

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = CHECKOUT / "tests" / "systemd" / "user_manager.sh"

Manager = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A `systemctl` that does nothing but write down how it is called."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return Recorder(folder, "systemctl", sys.executable)


@pytest.fixture(scope="session")
def user_manager(tmp_path_factory: pytest.TempPathFactory) -> Manager:
    """`user_manager("sh", "-c", …)` runs a command under a real systemd user manager."""
    for program in ("systemctl", "unshare", "dbus-daemon"):
        if shutil.which(program) is None:
            pytest.skip(f"`{program}` is not installed")
    home = tmp_path_factory.mktemp("home")

    def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONPATH": str(CHECKOUT),
            **variables,
        }
        return subprocess.run(
            [str(SCRIPT), *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    tried = run("true")
    if tried.returncode == 125 or (tried.returncode and "unshare" in tried.stderr):
        pytest.skip(f"no systemd user manager can be started here: {tried.stderr.strip()}")
    return run
