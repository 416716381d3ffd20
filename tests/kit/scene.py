"""A run with everything around it: each hook, restic command and request is noted, in one order.

Whatever has a name in the log can be told to fail, and to wait until it is released.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kit.project import Project
from tests.kit.server import Server

if TYPE_CHECKING:
    import subprocess

    from tests.kit.project import Outcome
    from tests.kit.server import Request

LOCKED = "  "  # in front of what happens while the lock file is there

TRACE = """#!/bin/sh
# trace NAME...: note the name, wait as long as it is blocked, end with the status that it has;
# NAME@2 is meant the second time only
cd "$SCENE" || exit 99
name=$*
if [ -e "after/$name" ]; then
  while ! grep -qF "$(cat "after/$name")" log; do sleep 0.02; done
fi
mark=; [ ! -e lock ] || mark='  '
echo "$mark$name" >>log
for this in "$name" "$name@$(grep -cx " *$name" log)"; do
  if [ -e "block/$this" ]; then
    echo $$ >"at/$this"
    while [ -e "block/$this" ]; do sleep 0.05; done
  fi
  [ ! -e "fail/$this" ] || exit "$(cat "fail/$this")"
done
"""

RESTIC = """#!/bin/sh
# restic as far as a run needs it; it ends with 130 when it is interrupted, as the real one does
case $1 in version) echo "restic 0.18.0 compiled with go1.24.1 on linux/amd64"; exit ;; esac
trap 'exit 130' INT
trace "restic $1" || { code=$?; echo "Fatal: $1 says no" >&2; exit "$code"; }
"""

PROFILES = """
version = "1"

[global]
send-timeout = "20s"
min-memory = 0

[home]
repository = "r"
lock = "{scene}/lock"
initialize = true
run-before = "trace run-before"
run-after = "trace run-after"
run-after-fail = "trace run-after-fail"
run-finally = "trace run-finally"
on-error = "trace on-error"

[home.monitor.healthchecks]
url = "{url}/ping"
send-logs = false
retries = 0
timeout = "20s"

[home.retention]
before-backup = true
after-backup = true
keep-last = 1

[home.backup]
source = "/data"
check-before = true
check-after = true
run-before = "trace run-before backup"
run-after = "trace run-after backup"
run-after-fail = "trace run-after-fail backup"
run-finally = "trace run-finally backup"
send-before = {{ url = "{url}/send-before" }}
send-after = {{ url = "{url}/send-after" }}
send-after-fail = {{ url = "{url}/send-after-fail" }}
send-finally = {{ url = "{url}/send-finally" }}
"""

ALARM = [
    "GET /send-after-fail",
    "run-after-fail backup",
    "run-after-fail",
    "POST /ping/fail",
    "on-error",
]
"""What is noted after a failure of a backup, ..."""

END = ["run-finally backup", "run-finally", "GET /send-finally"]
"""... and at the end of any."""


class Scene:
    """A project whose run can be watched, blocked and broken: `with Scene(tmp_path) as scene:`."""

    def __init__(self, root: Path, profiles: str = PROFILES) -> None:
        self.project = Project(root)
        self.server = Server()
        self.server.on_request = self._note_request
        self.path = root / "scene"
        for name in ("after", "at", "block", "fail"):
            (self.path / name).mkdir(parents=True)
        self._log = self.path / "log"
        self._log.touch()
        self._guard = threading.Lock()
        self.lock_file = self.path / "lock"
        self.project.env["SCENE"] = str(self.path)
        self.restic = RESTIC
        self.project.program("trace", TRACE)
        self.project.program("restic", self.restic)
        text = profiles.format(scene=self.path, url=self.server.url)
        self.profiles = self.project.write("profiles.toml", text)

    def __enter__(self):
        self.server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.__exit__()
        for pid in self.alive():
            os.kill(pid, 9)

    # ---- direction ----------------------------------------------------------------------

    def fail(self, name: str, status: int = 1) -> None:
        """A hook or a restic command ends with a status other than 0; a request with an error."""
        if name.startswith("/"):
            self.server.reply(name, status)
        else:
            (self.path / "fail" / name).write_text(str(status))

    def block(self, name: str) -> None:
        """A hook or a restic command waits for `release`; a request gets no answer."""
        if name.startswith("/"):
            self.server.reply(name, delay=60)
        else:
            (self.path / "block" / name).touch()

    def release(self, name: str) -> None:
        """Let a blocked hook or restic go on."""
        (self.path / "block" / name).unlink(missing_ok=True)

    def after(self, name: str, other: str) -> None:
        """A hook waits until something else has been noted."""
        (self.path / "after" / name).write_text(other)

    def change(self, old: str, new: str) -> None:
        """Edit the profiles."""
        text = self.profiles.read_text()
        assert old in text
        self.profiles.write_text(text.replace(old, new))

    # ---- action -------------------------------------------------------------------------

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a backup, or what the words say, and do not wait for its end."""
        return self.project.start("-n", "home", *(words or ("backup",)))

    def run(self, *words: str) -> Outcome:
        """Run a backup, or what the words say, to its end."""
        return self.project.run("-n", "home", *(words or ("backup",)))

    def wait_at(self, name: str, timeout: float = 20) -> None:
        """Return when a blocked thing has begun."""
        end = time.monotonic() + timeout
        while not ((self.path / "at" / name.strip("/")).exists() or name in self._paths()):
            assert time.monotonic() < end, f"no `{name}` within {timeout} s; only {self.log}"
            time.sleep(0.01)

    def wait_for(self, name: str, timeout: float = 20) -> None:
        """Return when something has been noted."""
        end = time.monotonic() + timeout
        while name not in self.log:
            assert time.monotonic() < end, f"no `{name}` within {timeout} s; only {self.log}"
            time.sleep(0.01)

    def _paths(self) -> list[str]:
        return [request.path for request in self.server.requests]

    def _note_request(self, request: Request) -> None:
        with self._guard, self._log.open("a") as file:
            mark = LOCKED if self.lock_file.exists() else ""
            file.write(f"{mark}{request.method} {request.path}\n")

    # ---- what was seen ------------------------------------------------------------------

    @property
    def lines(self) -> list[str]:
        """Everything in its order, indented while the lock file was there."""
        return self._log.read_text().splitlines()

    @property
    def log(self) -> list[str]:
        """The same without the indentation."""
        return [line.strip() for line in self.lines]

    def noted(self, names: list[str]) -> list[str]:
        """Which of these were noted, in their order."""
        return [line for line in self.log if line in names]

    def alive(self) -> list[int]:
        """Every process of this scene that still runs, our program included."""
        mark = f"SCENE={self.path}".encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                if state not in "ZX" and mark in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def wait_until_alone(self, timeout: float = 10) -> None:
        """Return when nothing of this scene runs any more."""
        end = time.monotonic() + timeout
        while left := self.alive():
            assert time.monotonic() < end, f"still alive after {timeout} s: {left}"
            time.sleep(0.02)
