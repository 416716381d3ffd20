"""Standard input can be read once: nothing that read it is tried again."""

from __future__ import annotations

from tests.kit.scene import Scene


def test_input_that_was_read_is_not_tried_again(tmp_path):
    with Scene(tmp_path) as scene:
        scene.change("check-before = true", 'stdin = true\nretry = 3\nretry-wait = "10ms"')
        refused = "cat >/dev/null; echo 'dial tcp: connection refused' >&2; exit 1"
        script = scene.restic + f"if [ $1 = backup ]; then {refused}; fi\n"
        scene.project.program("restic", script)
        scene.run().expect(1)
        assert scene.log.count("restic backup") == 1
        scene.change("stdin = true", "")
        scene.run().expect(1)
        assert scene.log.count("restic backup") == 1 + 4
