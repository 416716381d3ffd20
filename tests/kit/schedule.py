"""Jobs, accounts and a recording `systemctl` for the tests of schedules."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from resticprof.model.config import Schedule
from resticprof.model.schedule import Job
from resticprof.schedulers.caller import Account, Caller

if TYPE_CHECKING:
    from pathlib import Path

RECORDER = """#!/bin/sh
exec {python} -S -E - "$@" <<'END'
import json, os, sys
folder = {folder!r}
with open(folder + "/calls.jsonl", "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
answers = json.load(open(folder + "/answers.json"))
code, out, err = next(
    (answer for word, answer in answers.items() if word in sys.argv[1:]), (0, "", "")
)
sys.stdout.write(out)
sys.stderr.write(err)
sys.exit(code)
END
"""


class Recorder:
    """A program on PATH that writes down how it is called."""

    def __init__(self, folder: Path, name: str, python: str) -> None:
        self._folder = folder
        self._answers: dict[str, tuple[int, str, str]] = {}
        program = folder / name
        program.write_text(RECORDER.format(python=python, folder=str(folder)), encoding="utf-8")
        program.chmod(0o755)
        self._save()

    def answer(self, word: str, code: int = 0, out: str = "", err: str = "") -> None:
        """What to do when `word` is among the arguments."""
        self._answers[word] = (code, out, err)
        self._save()

    def _save(self) -> None:
        (self._folder / "answers.json").write_text(json.dumps(self._answers), encoding="utf-8")

    def calls(self) -> list[list[str]]:
        """The arguments of all calls since the last time, without those that only ask."""
        log = self._folder / "calls.jsonl"
        if not log.exists():
            return []
        found = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        log.unlink()
        return [call for call in found if "list-units" not in call]


def account(home: str, *, uid: int | None = None, name: str = "root") -> Account:
    """An account; ours when there is no number."""
    return Account(uid=os.geteuid() if uid is None else uid, gid=os.getegid(), name=name, home=home)


def person(home: Path, *, uid: int = 0) -> Caller:
    """Somebody without sudo."""
    found = account(str(home), uid=uid)
    return Caller(account=found, invoker=found)


def job(
    config_file: Path | str = "/etc/resticprof/profiles.toml",
    *at: str,
    command: str = "backup",
    name: str = "home",
    settings: Schedule | None = None,
    permission: str = "user_logged_on",
    **others,
) -> Job:
    """A job with defaults for everything."""
    return Job(
        command=command,
        name=name,
        config_file=str(config_file),
        settings=settings or Schedule(at=at or ("daily",), permission=permission),
        **{"program": ("/usr/bin/resticprof",), "working_directory": "/srv", **others},
    )
