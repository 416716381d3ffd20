"""Many starts of one profile at the same moment: exactly one runs at a time, and none is lost."""

from __future__ import annotations

import json
from collections import Counter

PROFILES = """
version = "1"
[default]
repository = "local:/r"
lock = "profile.lock"
status-file = "status.json"
run-before = ["mkdir inside", "echo run >> runs"]
run-after-fail = ["echo failed >> failures"]
run-finally = ["rmdir inside"]
"""


def statuses(project, count, *words):
    """How so many starts end, by exit status."""
    project.write("profiles.toml", PROFILES)
    started = [project.start("-q", *words, "check") for _ in range(count)]
    for process in started:
        process.communicate(timeout=600)
    return Counter(process.returncode for process in started)


def lines(project, name):
    file = project.path / name
    return len(file.read_text().splitlines()) if file.exists() else 0


def test_all_run_one_after_the_other_when_they_wait(project, fake_restic):
    assert statuses(project, 200, "--lock-wait", "1h") == {0: 200}
    assert lines(project, "runs") == len(fake_restic.calls) == 200
    assert not (project.path / "profile.lock").exists()
    assert not (project.path / "inside").exists()


def test_who_does_not_wait_is_told_and_tells(project, fake_restic):
    fake_restic.answer("check", delay=0.2)
    found = statuses(project, 40)
    assert found.keys() <= {0, 75}
    assert found.total() == 40
    assert lines(project, "runs") == len(fake_restic.calls) == found[0]
    assert lines(project, "failures") == found[75]
    assert not (project.path / "profile.lock").exists()
    status = json.loads((project.path / "status.json").read_text())
    assert "check" in status["profiles"]["default"]
