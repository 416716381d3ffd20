"""Standard input can be read once: an attempt that read much of it is the last."""

from __future__ import annotations

import pytest

from tests.kit.scene import Scene

REFUSED = """
if [ $1 = backup ]; then
  cat >>"$SCENE/read"
  echo 'dial tcp: connection refused' >&2
  exit 1
fi
"""
LOCKED = """
if [ $1 = backup ] && [ ! -e "$SCENE/locked" ]; then
  touch "$SCENE/locked"
  echo 'lock was created at 2026-01-02 03:04:05 (3h0m0s ago)' >&2
  exit 11
fi
[ $1 != backup ] || cat >"$SCENE/read"
"""


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path) as scene:
        keys = 'stdin = true\nretry = 3\nretry-wait = "10ms"'
        scene.change("check-before = true", keys)
        yield scene


def run(scene, script, data):
    scene.project.program("restic", scene.restic + script)
    return scene.project.run("-n", "home", "backup", stdin=data)


def test_attempt_that_read_much_input_is_the_last(scene):
    run(scene, REFUSED, "x" * 2_000_000).expect(1)
    assert scene.log.count("restic backup") == 1


def test_little_input_is_there_for_each_attempt(scene):
    run(scene, REFUSED, "data\n").expect(1)
    assert (scene.path / "read").read_text() == "data\n" * 4


def test_locked_repository_costs_no_input(scene):
    """restic reads nothing before it has its lock."""
    scene.change("initialize = true", "force-inactive-lock = true")
    data = "x" * 2_000_000
    run(scene, LOCKED, data).expect(0)
    assert "restic unlock" in scene.log
    assert (scene.path / "read").read_text() == data
