"""INT, TERM and KILL at every step of a run: what is told, and what is left behind."""

from __future__ import annotations

import contextlib
import signal
import time

import pytest

from resticprof.errors import LockedError
from resticprof.system import lock
from tests.kit.scene import ALARM, END, Scene

WORK = (
    "run-before",
    "restic init",
    "/send-before",
    "run-before backup",
    "restic check",
    "restic forget",
    "restic backup",
    "restic forget@2",
    "restic check@2",
    "run-after backup",
    "/send-after",
    "run-after",
)
AFTER_A_FAILURE = (
    "/send-after-fail",
    "run-after-fail backup",
    "run-after-fail",
    "/ping/fail",
    "on-error",
    "run-finally backup",
    "run-finally",
    "/send-finally",
)
AFTER_SUCCESS = ("/ping", "run-finally backup", "run-finally", "/send-finally")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


class Shot:
    """A run that got a signal at a step."""

    def __init__(self, scene, step, number):
        self.scene, self.step, self.number = scene, step, number
        scene.block(step)
        self.process = scene.start()

    def fire(self):
        self.scene.wait_at(self.step)
        time.sleep(0.1)  # the child runs; that it is noted in the lock file takes an instant more
        self.process.send_signal(self.number)
        self.fired = time.monotonic()

    def wait(self):
        self.out, self.err = self.process.communicate(timeout=30)
        self.seconds = time.monotonic() - self.fired
        self.code = self.process.returncode
        return self

    @property
    def log(self):
        """What happened, without the start: services hear of it beside the work, at any time."""
        return [line for line in self.scene.log if line != "POST /ping/start"]

    def count(self, *names):
        return {name: self.scene.log.count(name) for name in names}


@pytest.fixture
def shots(tmp_path):
    """Runs that get INT, TERM and KILL at a step, side by side; in the order of `SIGNALS`."""
    with contextlib.ExitStack() as stack:

        def shoot(step, prepare=lambda scene: None):
            found = []
            for number in SIGNALS:
                scene = stack.enter_context(Scene(tmp_path / number.name))
                prepare(scene)
                found.append(Shot(scene, step, number))
            for shot in found:
                shot.fire()
            return [shot.wait() for shot in found]

        yield shoot


def expect_nothing_left(shot):
    assert not shot.scene.lock_file.exists()
    assert not shot.scene.alive()


def expect_kill_is_survived(shot):
    """Nobody tells anything; the lock is held as long as what we started runs, and no longer."""
    assert shot.code == -signal.SIGKILL
    log = shot.log
    assert (
        log
        == log[: 1 + max(i for i, line in enumerate(log) if shot.step.partition("@")[0] in line)]
    )
    if not shot.step.startswith("/"):
        with pytest.raises(LockedError), lock.hold(shot.scene.lock_file):
            pass
        shot.scene.release(shot.step)
    shot.scene.wait_until_alone()
    with lock.hold(shot.scene.lock_file):
        pass


@pytest.mark.parametrize("step", WORK)
def test_signal_during_the_work_fails_the_run_and_leaves_nothing(shots, step):
    *ended, killed = shots(step)
    for shot in ended:
        assert shot.code == 128 + shot.number, shot.err
        once = [*ALARM, *END]
        assert shot.count(*once) == dict.fromkeys(once, 1)
        assert shot.scene.noted(once) == once
        assert shot.count("POST /ping") == {"POST /ping": 0}
        assert shot.seconds < 5
        expect_nothing_left(shot)
    expect_kill_is_survived(killed)


@pytest.mark.parametrize("step", AFTER_A_FAILURE)
def test_signal_after_a_failure_keeps_nothing_from_being_told(shots, step):
    *ended, killed = shots(step, lambda scene: scene.fail("restic backup", 12))
    for shot in ended:
        assert shot.code == 12, shot.err
        once = [*ALARM, *END]
        if step == "run-after-fail backup":  # it failed: those of the profile are left out
            once.remove("run-after-fail")
        assert shot.log[-len(once) :] == once
        assert shot.seconds < 5
        expect_nothing_left(shot)
    expect_kill_is_survived(killed)


@pytest.mark.parametrize("step", AFTER_SUCCESS)
def test_signal_after_success_shows_in_the_exit_status_alone(shots, step):
    *ended, killed = shots(step)
    for shot in ended:
        assert shot.code == 128 + shot.number, shot.err
        assert "backup home: OK" in shot.err
        assert shot.log[-4:] == ["POST /ping", *END]
        assert not {*ALARM} & {*shot.scene.log}
        assert shot.seconds < 5
        expect_nothing_left(shot)
    expect_kill_is_survived(killed)


def test_lock_of_a_killed_run_is_held_while_restic_works_also_after_a_reaction_to_it(tmp_path):
    """What reacts to restic's words ends before restic does."""
    with Scene(tmp_path) as scene:
        scene.change(
            "[home]\n", "[home]\nstream-error = { pattern = 'oops', run = 'trace reacted' }\n"
        )
        words = '[ "$1" != backup ] || echo oops >&2\n'
        scene.project.program("restic", scene.restic.replace("trace ", f"{words}trace ", 1))
        scene.block("restic backup")
        process = scene.start()
        scene.wait_at("restic backup")
        scene.wait_for("reacted")
        time.sleep(0.3)  # it has ended, too
        process.kill()
        process.communicate()
        with pytest.raises(LockedError), lock.hold(scene.lock_file):
            pass
