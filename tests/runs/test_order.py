"""The order of a run, as it was recorded: a scenario in, hooks, restic, requests and events out.

tests/golden/order/*.toml and *.txt; what is indented happened while the lock file was there.
"""

from __future__ import annotations

import os
import re

import pytest

from resticprof.runs import locate
from tests.kit import namespaces
from tests.kit.project import CHECKOUT
from tests.kit.scene import Scene

GOLDEN = CHECKOUT / "tests" / "golden" / "order"
SCENARIOS = sorted(path.stem for path in GOLDEN.glob("*.toml"))

HELD = "someone on Monday, 01-Jan-24 10:00:00 UTC from elsewhere\n1"


def play(scene, scenario):
    """The outcome of the run that the scenario describes."""
    if "--dry-run" not in scenario.get("words", ()):
        scene.after("run-before backup", "POST /ping/start")  # which nobody waits for otherwise
    for name, status in scenario.get("fails", {}).items():
        scene.fail(name, status)
    for table in ("global", "home.backup"):
        if line := scenario.get(table.rpartition(".")[2]):
            key = line.partition(" ")[0]
            text = re.sub(rf"(?m)^{key} = .*\n", "", scene.profiles.read_text())
            scene.profiles.write_text(text.replace(f"[{table}]\n", f"[{table}]\n{line}\n"))
    if scenario.get("lock") == "held":
        scene.lock_file.write_text(HELD)
    if scenario.get("restic") == "missing":
        (scene.project.bin / "restic").unlink()
        scene.project.wrapper = namespaces.hiding(*locate.PLACES)
        if scene.project.wrapper and namespaces.refused():
            pytest.skip(f"restic cannot be hidden here: {namespaces.refused()}")
    return scene.run(*scenario.get("words", ()))


def record(scene, scenario):
    """What happened, as text."""
    outcome = play(scene, scenario)
    said = [line for line in outcome.err.splitlines() if "dry-run:" in line]
    lines = [scenario["title"], "", *scene.lines, *outcome.out.splitlines(), *said]
    text = "\n".join([*lines, "", f"exit status {outcome.code}", ""])
    text = re.sub(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", "", text)
    text = re.sub(r"rid=\S+", "rid=RUN", text).replace(scene.server.url, "URL")
    return text.replace(str(scene.path), "SCENE").replace(str(scene.project.bin), "BIN")


@pytest.mark.parametrize("name", SCENARIOS)
def test_order_is_as_recorded(tmp_path, name):
    import tomli

    with Scene(tmp_path) as scene:
        text = record(scene, tomli.loads((GOLDEN / f"{name}.toml").read_text()))
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("RESTICPROF_UPDATE_GOLDEN") == "1":
        golden.write_text(text)
    assert text == golden.read_text()


# ---- the table of docs/hooks.md --------------------------------------------------------------

ROW = re.compile(
    r"(?m)^\| \d+ \| (?P<what>.*?) \|(?P<success>.*?)\|(?P<failure>.*?)\|(?P<skipped>.*?)\|"
)
UNSEEN = ("lock file", "status file")  # a recording shows them otherwise, or not at all


def table(outcome):
    """What happens at an outcome, in order: (name in the recordings, mark of the table)."""
    text = (CHECKOUT / "docs" / "hooks.md").read_text()
    for row in ROW.finditer(text):
        if not any(part in row["what"] for part in UNSEEN) and row[outcome].strip():
            yield recorded_name(row["what"], outcome), row[outcome].strip()


def recorded_name(what, outcome):
    """``section `send-before` `` of the table is `GET /send-before` of the recordings."""
    name = re.search("`(.*?)`", what)[1]
    if what.startswith("monitors"):
        ends = {"success": "", "failure": "/fail", "skipped": ""}
        return f"POST /ping{'/start' if name == 'start' else ends[outcome]}"
    if name.startswith("send-"):
        return f"GET /{name}"
    return f"{name} backup" if what.startswith("section") else name


def fits(names, rows):
    """Whether a recording is what the table says: `…` may end early, `(✓)` may be left out."""
    left = list(names)
    work = [name for name, mark in rows if mark == "…"]
    while left and work and left[0] == work[0]:
        del left[0], work[0]
    for name, mark in rows:
        if mark == "…":
            continue
        if left[:1] == [name]:
            del left[0]
        elif mark == "✓":
            return False
    return not left


@pytest.mark.parametrize("name", [name for name in SCENARIOS if "dry-run" not in name])
def test_recording_is_as_the_table_says(name):
    body = (GOLDEN / f"{name}.txt").read_text().split("\n\n")[1]
    # A run that never started and was skipped has its last word in the log of the service.
    names = [line.strip().replace("/ping/log", "/ping") for line in body.splitlines()]
    outcome = "success" if "restic backup" in names else "skipped"
    if "POST /ping/fail" in names:
        outcome = "failure"
    assert fits(names, list(table(outcome)))


# ---- the last line ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fails", "words"),
    [
        ({}, "backup home: OK in"),
        ({"restic backup": 12}, "backup home: FAILED (exit 12: wrong password) after"),
        ({"run-before": 75}, "backup home: SKIPPED ("),
        ({"run-finally": 1, "/send-finally": 500}, "backup home: OK in"),
    ],
)
def test_last_line_says_how_the_run_ended_whatever_is_said_after_restic(tmp_path, fails, words):
    with Scene(tmp_path) as scene:
        scene.change('"trace run-finally"', '"echo cleared up; trace run-finally"')
        outcome = play(scene, {"fails": fails})
    *_, last = outcome.err.splitlines()
    assert words in last
    assert outcome.err.count("backup home: ") == 1
