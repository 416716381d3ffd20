"""A throw-away folder in which the program runs as a user would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Outcome:
    """How a run of the program ended."""

    code: int
    out: str
    err: str

    def expect(self, code: int = 0) -> Outcome:
        """This outcome, if its exit status is the one; otherwise everything that was printed."""
        assert self.code == code, f"exit status {self.code}, not {code}\n{self.out}\n{self.err}"
        return self


class Project:
    """Files in `path`, programs in `bin`, and an environment that holds nothing of ours."""

    def __init__(self, root: Path) -> None:
        self.path, self.bin, self.home = root / "project", root / "bin", root / "home"
        self.tmp = root / "tmp"
        for folder in (self.path, self.bin, self.home, self.tmp):
            folder.mkdir(parents=True)
        self.wrapper: tuple[str, ...] = ()  # words in front of the program, such as `unshare`
        self.env = {
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "PYTHONPATH": str(CHECKOUT),
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "XDG_CONFIG_HOME": str(self.home / ".config"),
            "XDG_CONFIG_DIRS": str(root / "etc"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }

    def write(self, name: str, text: str) -> Path:
        """Write a file of the project; folders are made as needed."""
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def program(self, name: str, text: str) -> Path:
        """Write an executable, first on PATH."""
        file = self.bin / name
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)
        return file

    def start(
        self, *words: str, env: dict[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> subprocess.Popen[str]:
        """Start the program, in a process group of its own, and do not wait for its end."""
        return subprocess.Popen(
            [*self.wrapper, sys.executable, "-m", "resticprof", *words],
            cwd=self.path,
            env=self.env | (env or {}),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )

    def run(
        self, *words: str, env: dict[str, str] | None = None, stdin: str = "", timeout: float = 60
    ) -> Outcome:
        """Run the program to its end."""
        with self.start(*words, env=env, stdin=subprocess.PIPE) as process:
            try:
                out, err = process.communicate(stdin, timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)
                out, err = process.communicate()
                raise AssertionError(f"still running after {timeout} s\n{out}\n{err}") from None
        return Outcome(process.returncode, out, err)
