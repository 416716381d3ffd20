"""Full disks, dead servers, secrets without a value, mistakes of ours: the run goes its way."""

from __future__ import annotations

import json
import os
import shlex
import time

import pytest

from tests.kit.broken import dead
from tests.kit.scene import ALARM, END, Scene


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path) as scene:
        yield scene


# ---- disks ----------------------------------------------------------------------------------


def without_space(scene, kilobytes=8):
    """No file may grow beyond this size, as on a full disk."""
    scene.project.env["PYTHONDONTWRITEBYTECODE"] = "1"  # it would write half of it
    scene.project.wrapper = ("sh", "-c", f'ulimit -f {kilobytes * 2}; exec "$@"', "sh")


def test_full_disk_for_status_file_and_metrics_is_a_warning(scene):
    old = json.dumps({"profiles": {"other": {"backup": {"error": "x" * 20_000}}}})
    status = scene.project.write("status.json", old)
    metrics = scene.project.write("metrics.prom", "somebody_elses 1\n" * 2000)
    keys = f'status-file = "{status}"\nprometheus-save-to-file = "{metrics}"\n'
    scene.change("[home]\n", f"[home]\n{keys}")
    without_space(scene)
    outcome = scene.run().expect(0)
    assert "status-file: " in outcome.err
    assert "prometheus-save-to-file: " in outcome.err
    assert status.read_text() == old, "the old file is whole"
    assert scene.log[-4:] == ["POST /ping", *END]


def test_full_disk_for_the_log_does_not_end_the_run(scene):
    log = scene.project.write("run.log", "x" * 9000)
    without_space(scene)
    scene.run("--log", str(log), "backup").expect(0)
    assert scene.log[-4:] == ["POST /ping", *END]


def test_full_disk_for_the_lock_file_is_told(scene):
    scene.lock_file.parent.joinpath("log").write_text("")
    scene.change(f'lock = "{scene.lock_file}"', 'lock = "/dev/full/lock"')
    scene.run().expect(1)
    assert scene.noted(ALARM) == ALARM


# ---- servers --------------------------------------------------------------------------------


def test_dead_servers_change_nothing_but_the_time(scene):
    with dead() as addresses:
        hooks = ", ".join(f'{{ url = "{address}/hook" }}' for address in addresses)
        scene.change('send-timeout = "20s"', 'send-timeout = "500ms"')
        for stage in ("before", "after", "finally"):
            old = f'send-{stage} = {{ url = "{scene.server.url}/send-{stage}" }}'
            scene.change(old, f"send-{stage} = [{hooks}]")
        begin = time.monotonic()
        outcome = scene.run().expect(0)
    assert outcome.err.count("HTTP hook GET") == 9
    assert time.monotonic() - begin < 10, "different servers are waited for at the same time"


# ---- what restic prints ---------------------------------------------------------------------


def saying(scene, line):
    """restic's backup runs a shell line and ends with 1; the failure hook saves what it sees."""
    script = scene.restic + f"if [ $1 = backup ]; then {line}\nexit 1; fi\n"
    scene.project.program("restic", script)
    scene.change("trace run-after-fail backup", "env -0 >$SCENE/environment")
    outcome = scene.run().expect(1)
    found = (scene.path / "environment").read_bytes().split(b"\0")
    variables = dict(entry.split(b"=", 1) for entry in found if entry)
    return outcome, {name.decode(): value for name, value in variables.items()}


def test_megabyte_of_stderr_reaches_the_failure_hook_as_its_end(scene):
    line = "i=0; while [ $i -lt 20000 ]; do echo 'error: a file that nobody can read at all' >&2; "
    _, variables = saying(scene, line + "i=$((i+1)); done; echo 'Fatal: the last word' >&2")
    error = variables["ERROR_STDERR"].decode()
    assert 60_000 < len(error) <= 64 * 1024
    assert error.endswith("Fatal: the last word\n")
    assert error.startswith("error: a file")


def test_endless_line_is_no_problem(scene):
    _, variables = saying(scene, "head -c 40000000 /dev/zero | tr '\\0' x; printf 'no end' >&2")
    assert variables["ERROR_STDERR"] == b"no end"


def test_bytes_that_no_variable_can_hold_are_left_out(scene):
    _, variables = saying(scene, "printf 'a\\000b\\377c\\n' >&2")
    assert variables["ERROR_STDERR"].decode() == "ab\N{REPLACEMENT CHARACTER}c\n"


def test_command_line_that_no_variable_can_hold_is_cut(scene):
    names = ", ".join(f'"/data/{number:05}"' for number in range(20_000))
    scene.change('source = "/data"', f"source = [{names}]")
    _, variables = saying(scene, "true")
    assert len(variables["ERROR_COMMANDLINE"]) == 64 * 1024


def test_file_name_that_is_not_utf8_does_not_silence_the_failure(scene):
    folder = scene.path / "data"
    folder.mkdir()
    (folder / os.fsdecode(b"bad\xff")).touch()
    scene.change('source = "/data"', f'source = "{folder}/*"')
    body = '{ url = "%s/send-after-fail", method = "POST", body = "${ERROR_COMMANDLINE}" }'
    scene.change(
        f'send-after-fail = {{ url = "{scene.server.url}/send-after-fail" }}',
        f"send-after-fail = {body % scene.server.url}",
    )
    scene.fail("restic backup")
    scene.run().expect(1)
    assert scene.noted(ALARM) == ALARM[1:]
    [request] = [one for one in scene.server.requests if one.path == "/send-after-fail"]
    assert f"{folder}/bad?" in request.text


# ---- secrets without a value ----------------------------------------------------------------


def test_secret_without_a_value_fails_the_run_and_is_left_out_of_the_failure_hooks(scene):
    command = f"echo asked >>{scene.path}/asked; exit 3"
    keys = f'env = {{ TOKEN = {{ command = "{command}" }}, OTHER = "here" }}'
    scene.change("[home]\n", f"[home]\n{keys}\n")
    scene.change('"trace run-after-fail"', '"trace run-after-fail; echo $OTHER >$SCENE/other"')
    outcome = scene.run().expect(78)
    assert [line for line in scene.log if line != "restic init"] == [*ALARM, *END]
    assert (scene.path / "other").read_text() == "here\n"
    assert "that a secret refers to failed: exit status 3" in outcome.err
    assert (scene.path / "asked").read_text() == "asked\n", "it may take a while each time"


# ---- mistakes of ours -----------------------------------------------------------------------

SABOTAGE = """
import importlib.util, sys

def fail(*_, **__):
    raise KeyError("a mistake of ours")

class Saboteur:
    def find_spec(self, name, path=None, target=None):
        if name != {module!r}:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        execute = spec.loader.exec_module

        def execute_and_replace(module):
            execute(module)
            setattr(module, {function!r}, fail)

        spec.loader.exec_module = execute_and_replace
        return spec

sys.meta_path.insert(0, Saboteur())
"""


def sabotage(scene, module, function):
    """Let one of our functions fail in a way that nobody expects."""
    folder = scene.path / "sabotage"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SABOTAGE.format(module=module, function=function))
    scene.project.env["PYTHONPATH"] += f":{folder}"


def test_mistake_of_ours_runs_the_failure_path_and_exits_with_70(scene):
    sabotage(scene, "resticprof.restic.output", "collector")
    outcome = scene.run().expect(70)
    assert scene.noted(ALARM + END) == ALARM + END
    assert "Traceback" in outcome.err
    assert "internal error, please report it: KeyError: 'a mistake of ours'" in outcome.err
    assert not scene.lock_file.exists()


def test_mistake_of_ours_in_the_failure_path_does_not_hide_the_failure(scene):
    sabotage(scene, "resticprof.telling.webhooks", "build")
    scene.fail("restic backup", 12)
    outcome = scene.run().expect(12)
    assert scene.noted(ALARM) == ALARM[1:]
    assert "backup on profile 'home': exit status 12" in outcome.err


def test_mistake_of_ours_after_success_is_told_and_is_no_success(scene):
    sabotage(scene, "resticprof.runs.record", "record")
    outcome = scene.run().expect(70)
    assert scene.log[-4:] == ["POST /ping", *END]
    assert "internal error, please report it" in outcome.err


# ---- the failure path itself ----------------------------------------------------------------


def test_each_failing_hook_of_the_end_is_told_and_all_of_them_run(scene):
    lines = shlex.quote("trace one; exit 3"), shlex.quote("trace two; exit 4")
    scene.change('"trace run-finally backup"', f"[{lines[0]}, {lines[1]}]")
    scene.fail("restic backup", 12)
    scene.fail("run-after-fail", 5)
    scene.fail("on-error", 6)
    scene.fail("run-finally", 7)
    outcome = scene.run().expect(12)
    for text in (
        "run-after-fail on profile 'home': exit status 5",
        "on-error on profile 'home': exit status 6",
        "run-finally backup on profile 'home': exit status 3",
        "run-finally backup on profile 'home': exit status 4",
        "run-finally on profile 'home': exit status 7",
    ):
        assert text in outcome.err
    assert scene.log[-4:] == ["one", "two", "run-finally", "GET /send-finally"]
    assert "backup home: FAILED (exit 12: wrong password)" in outcome.err
