"""The order of a run, as it was recorded: a scenario in, hooks, restic, requests and events out.

tests/golden/order/*.toml and *.txt; what is indented happened while the lock file was there.
"""

from __future__ import annotations

import os
import re

import pytest

from resticprof.commands import locate
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
