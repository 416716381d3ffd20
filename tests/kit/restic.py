"""restic for tests: one that follows a script, and the real ones that can be found."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.kit.project import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.project import Project

SCRIPT = r"""
import fcntl, json, os, signal, sys, time
control, argv = sys.argv[1], sys.argv[2:]
settings = json.load(open(control + "/settings.json"))
if argv[:1] == ["version"]:
    sys.exit(print("restic %s compiled with go1.24.1 on linux/amd64" % settings["version"]))
log = control + "/log.jsonl"
answer = {}

def write(**entry):
    with open(log, "a") as stream:
        stream.write(json.dumps(entry) + "\n")

def heard(number, frame):
    write(signal=number)
    if not answer.get("ignore_signals"):
        os._exit(130 if number == signal.SIGINT else 128 + number)

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, heard)
stdin = sys.stdin.read() if "--stdin" in argv else ""
# Counting and recording are one step: two that start together are the first and the second.
with open(control + "/count.lock", "w") as turn:
    fcntl.flock(turn, fcntl.LOCK_EX)
    past = [json.loads(line) for line in open(log)] if os.path.exists(log) else []
    count = 1 + sum(entry.get("argv", [])[:1] == argv[:1] for entry in past)
    for candidate in settings["answers"]:
        if candidate["command"] in argv[:1] and candidate["nth"] in (None, count):
            answer = candidate
    write(argv=argv, env=dict(os.environ), stdin=stdin, cwd=os.getcwd(), pid=os.getpid())
for line in answer.get("out", []):
    print(line, flush=True)
for line in answer.get("err", []):
    print(line, file=sys.stderr, flush=True)
end = time.monotonic() + answer.get("delay", 0)
while time.monotonic() < end:
    time.sleep(max(0, end - time.monotonic()))
sys.exit(answer.get("code", 0))
"""


@dataclass(frozen=True)
class Call:
    """One start of the scripted restic; `restic version` is not counted."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(repr=False)
    stdin: str
    cwd: str
    pid: int

    @property
    def command(self) -> str:
        """The first word."""
        return self.argv[0] if self.argv else ""


class FakeRestic:
    """A restic that records how it is called and answers as it is told."""

    def __init__(self, project: Project) -> None:
        self._control = project.bin.parent / "fake-restic"
        self._control.mkdir()
        script = self._control / "restic.py"
        script.write_text(SCRIPT, encoding="utf-8")
        words = f"{sys.executable} -S -E {script} {self._control}"
        self.binary = project.program("restic", f'#!/bin/sh\nexec {words} "$@"\n')
        self._settings: dict[str, object] = {"version": "0.18.0", "answers": []}
        self._answers: list[dict[str, object]] = []
        self._save()

    def _save(self) -> None:
        settings = self._settings | {"answers": self._answers}
        (self._control / "settings.json").write_text(json.dumps(settings), encoding="utf-8")

    def version(self, number: str) -> None:
        """What `restic version` says from now on."""
        self._settings["version"] = number
        self._save()

    def answer(
        self,
        command: str,
        *,
        code: int = 0,
        out: tuple[str, ...] = (),
        err: tuple[str, ...] = (),
        delay: float = 0,
        ignore_signals: bool = False,
        nth: int | None = None,
    ) -> None:
        """Answer a command by lines, a delay, an exit status. The last fitting answer counts."""
        self._answers.append(
            {
                "command": command,
                "code": code,
                "out": out,
                "err": err,
                "delay": delay,
                "ignore_signals": ignore_signals,
                "nth": nth,
            }
        )
        self._save()

    def _log(self) -> list[dict[str, object]]:
        log = self._control / "log.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []

    @property
    def calls(self) -> list[Call]:
        """Every call so far, in order."""
        return [
            Call(**{**entry, "argv": tuple(entry["argv"])})
            for entry in self._log()
            if "argv" in entry
        ]

    @property
    def signals(self) -> list[int]:
        """Every signal that a scripted restic has received."""
        return [entry["signal"] for entry in self._log() if "signal" in entry]

    def wait_for_call(self, command: str, timeout: float = 20) -> Call:
        """The first call of a command, as soon as there is one."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for call in self.calls:
                if call.command == command:
                    return call
            time.sleep(0.02)
        raise AssertionError(f"no `restic {command}` within {timeout} s; only {self.calls}")


def found_restics() -> dict[str, str | None]:
    """Version to binary: the one on PATH, and those that tests/restics unpacked."""
    unpacked = sorted((CHECKOUT / ".cache").glob("restic-*/restic"))
    found = {file.parent.name.removeprefix("restic-"): str(file) for file in unpacked}
    if installed := shutil.which("restic"):
        words = subprocess.run([installed, "version"], check=True, capture_output=True, text=True)
        found[".".join(words.stdout.split()[1].split(".")[:2])] = installed
    return found or {"missing": None}


class Restic:
    """A real restic, and a direct way to it for looking at what the program did."""

    def __init__(self, binary: str, project: Project) -> None:
        self._project = project
        (project.bin / "restic").symlink_to(binary)
        words = self.run("version").split()
        self.version = tuple(int(part) for part in words[1].split(".")[:2])

    def run(self, *words: str, **env: str) -> str:
        """The output of a restic command; a failure is an error."""
        done = subprocess.run(
            ["restic", *words],
            cwd=self._project.path,
            env=os.environ | self._project.env | env,
            check=False,
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, f"restic {words}: {done.returncode}\n{done.stderr}"
        return done.stdout

    def snapshots(self, repository: Path, password_file: Path) -> list[dict[str, object]]:
        """What is in a repository."""
        words = ("--repo", str(repository), "--password-file", str(password_file), "--json")
        return json.loads(self.run("snapshots", *words))
