"""Signals while nothing moves: waiting for locks, silent servers, stubborn hooks."""

from __future__ import annotations

import signal
import time

import pytest

from resticprof.system import lock
from tests.kit.scene import Scene

LOCKED = """unable to create lock in backend: repository is already locked by PID 7 on box by root
lock was created at 2026-01-02 03:04:05 (1m5s ago)
storage ID 0123abcd
the `unlock` command can be used to remove stale locks
"""
ALARM = ["run-after-fail backup", "run-after-fail"]


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path) as scene:
        yield scene


def started(scene, name):
    """A run that has come to something, which it will not leave by itself."""
    process = scene.start()
    scene.wait_for(name)
    return process


def seconds_to_end(process, *signals, pause=0.3):
    """Send signals, and measure the time from the last one to the end."""
    for number in signals:
        time.sleep(pause)
        process.send_signal(number)
    begin = time.monotonic()
    process.out, process.err = process.communicate(timeout=60)
    return time.monotonic() - begin


def said(process, text, timeout=20):
    """Read what the program says up to a line with the text."""
    end = time.monotonic() + timeout
    for line in process.stderr:
        if text in line:
            return
        assert time.monotonic() < end
    raise AssertionError(f"it ended without `{text}`")


# ---- waiting for locks ----------------------------------------------------------------------


def test_signal_ends_the_wait_for_the_lock_and_the_failure_is_told(scene):
    with lock.hold(scene.lock_file):
        process = scene.start("--lock-wait", "1h", "backup")
        said(process, "waiting up to")
        assert seconds_to_end(process, signal.SIGTERM) < 5
        assert process.returncode == 128 + signal.SIGTERM
        assert scene.log == [
            "GET /send-after-fail",
            *ALARM,
            "POST /ping/fail",
            "on-error",
            "GET /send-finally",
        ]
        assert scene.lock_file.exists(), "the lock of the other one"


def test_signal_ends_the_wait_for_the_repository_and_the_failure_is_told(scene):
    scene.change("initialize = true", "")
    (scene.path / "locked").write_text(LOCKED)
    scene.project.program("restic", scene.restic + f'cat "{scene.path}/locked" >&2\nexit 11\n')
    process = scene.start("--lock-wait", "1h", "backup")
    said(process, "trying again in")
    assert seconds_to_end(process, signal.SIGINT) < 5
    assert process.returncode == 128 + signal.SIGINT
    assert scene.log.count("restic check") == 1
    assert scene.noted(ALARM) == ALARM
    assert not scene.lock_file.exists()


def test_signal_ends_the_run_while_a_stale_lock_is_removed(scene):
    scene.change("initialize = true", "force-inactive-lock = true")
    (scene.path / "locked").write_text(LOCKED.replace("1m5s", "3h0m0s"))
    scene.block("restic unlock")
    locked = f'[ $1 = unlock ] || {{ cat "{scene.path}/locked" >&2; exit 11; }}\n'
    scene.project.program("restic", scene.restic + locked)
    process = scene.start()
    scene.wait_at("restic unlock")
    assert seconds_to_end(process, signal.SIGINT) < 5
    assert process.returncode == 128 + signal.SIGINT
    assert scene.log.count("restic check") == 1
    assert scene.noted(ALARM) == ALARM


def test_signal_ends_the_run_while_restic_is_asked_for_its_version(scene):
    scene.project.program("restic", "#!/bin/sh\ntrace version\n" + scene.restic)
    scene.block("version")
    process = scene.start()
    scene.wait_at("version")
    assert seconds_to_end(process, signal.SIGINT) < 5
    assert process.returncode == 128 + signal.SIGINT
    assert scene.noted(ALARM) == ALARM


def test_signal_ends_the_run_while_a_secret_is_fetched(scene):
    scene.change("[home]\n", '[home]\nenv = { TOKEN = { command = "trace secret" } }\n')
    scene.block("secret")
    process = scene.start()
    scene.wait_at("secret")
    assert seconds_to_end(process, signal.SIGTERM) < 5
    assert process.returncode == 128 + signal.SIGTERM
    assert scene.noted(ALARM) == ALARM
    assert not scene.lock_file.exists()


# ---- silent servers -------------------------------------------------------------------------


@pytest.mark.parametrize("background", [False, True])
def test_signal_does_not_wait_for_several_silent_servers(scene, background):
    """Hooks to different hosts are under way at the same time; none holds up the end."""
    table = f'{{ url = "{scene.server.url}/send-before"'
    other = scene.server.url.replace("127.0.0.1", "localhost")
    more = f'{{ url = "{other}/other", background = {str(background).lower()} }}'
    scene.change(f"send-before = {table} }}", f"send-before = [{table} }}, {more}]")
    scene.block("/send-before")
    scene.block("/other")
    process = scene.start()
    scene.wait_at("/send-before")
    scene.wait_at("/other")
    assert seconds_to_end(process, signal.SIGINT) < 5
    assert process.returncode == 128 + signal.SIGINT
    assert scene.noted(ALARM) == ALARM


def test_second_signal_ends_the_wait_for_a_failure_request(scene):
    scene.block("run-before")
    scene.block("/send-after-fail")
    process = scene.start()
    scene.wait_at("run-before")
    process.send_signal(signal.SIGINT)
    scene.wait_at("/send-after-fail")
    assert seconds_to_end(process, signal.SIGINT) < 5
    assert process.returncode == 128 + signal.SIGINT
    assert scene.noted(ALARM) == ALARM


# ---- stubborn hooks -------------------------------------------------------------------------

STUBBORN = """
trap '' INT
trap 'trace told to stop; exit 9' TERM
trace stubborn
while :; do sleep 0.05; done
"""


def test_second_signal_is_term_for_a_hook_that_ignores_interrupts(scene):
    scene.change('run-before = "trace run-before backup"', f'run-before = """{STUBBORN}"""')
    process = started(scene, "stubborn")
    assert seconds_to_end(process, signal.SIGINT, signal.SIGINT) < 4
    assert process.returncode == 128 + signal.SIGINT
    assert "told to stop" in scene.log
    assert scene.noted(ALARM) == ALARM
    assert not scene.alive()


def test_third_signal_kills_a_hook_that_ignores_everything(scene):
    line = STUBBORN.replace("trap 'trace told to stop; exit 9' TERM", "trap '' TERM")
    scene.change('run-before = "trace run-before backup"', f'run-before = """{line}"""')
    process = started(scene, "stubborn")
    assert seconds_to_end(process, *[signal.SIGTERM] * 3) < 4
    assert process.returncode == 128 + signal.SIGTERM
    assert scene.noted(ALARM) == ALARM
    assert not scene.alive()


def test_restic_is_never_killed_however_often_we_are_asked(scene):
    scene.project.program(
        "restic",
        scene.restic.replace("trap 'exit 130' INT", "trap 'trace INT' INT; trap 'trace TERM' TERM")
        + '[ "$1" != backup ] || for _ in $(seq 40); do sleep 0.05; done\ntrace end\n',
    )
    process = started(scene, "restic backup")
    seconds_to_end(process, *[signal.SIGTERM] * 4)
    assert process.returncode == 128 + signal.SIGTERM
    assert scene.noted(["INT", "TERM"]) == ["INT", *["TERM"] * 3]
    assert "end" in scene.log


def test_hook_time_limit_ends_a_hook_and_what_it_started(scene):
    scene.change('run-before = "trace run-before"', 'run-before = "trace run-before; true"')
    scene.change("initialize = true", 'hook-timeout = "500ms"')
    scene.block("run-before")
    outcome = scene.run().expect(1)
    assert "run-before on profile 'home': stopped after" in outcome.err
    assert scene.noted(ALARM) == ALARM
    assert not scene.alive()


def test_time_limit_of_restic_is_an_interrupt(scene):
    scene.change("check-before = true", 'timeout = "500ms"')
    scene.block("restic backup")
    outcome = scene.run().expect(130)
    assert "backup on profile 'home': stopped after" in outcome.err
    assert scene.noted(ALARM) == ALARM
    assert not scene.alive()
