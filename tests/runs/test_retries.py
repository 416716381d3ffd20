"""Trying again: when a failure can heal, when the repository is locked, and when never."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as some

from resticprof.runs.patience import Attempt, Move, Patience, Rules, next_move

PROFILES = """
version = "1"
[default]
repository = "sftp:nas:/r"
retry = 2
retry-wait = "200ms"
status-file = "status.json"
{more}
run-before = ["echo before"]
run-after = ["echo after"]
run-after-fail = ["echo failed"]
run-finally = ["echo finally"]
[default.backup]
source = ["/etc"]
"""

NO_ROUTE = ("Fatal: unable to open repository: dial tcp 192.0.2.1:22: connect: no route to host",)
LOCKED = (
    "unable to create lock in backend: repository is already locked by PID 7 on nas by me (UID 0)",
    "lock was created at 2026-02-03 04:05:06 ({age} ago)",
    "storage ID 12345678",
    "the `unlock` command can be used to remove stale locks",
)


@pytest.fixture
def profiles(project, fake_restic):
    project.write("profiles.toml", PROFILES.format(more=""))
    return project


def commands(fake_restic):
    return [call.command for call in fake_restic.calls]


def hooks(outcome):
    return re.findall(r"^(before|after|failed|finally)$", outcome.err, re.MULTILINE)


# ---- failures that can heal -----------------------------------------------------------------


def test_run_succeeds_when_the_network_comes_back(profiles, fake_restic):
    for number in (1, 2):
        fake_restic.answer("backup", code=1, err=NO_ROUTE, nth=number)
    outcome = profiles.run("backup").expect(0)
    assert commands(fake_restic) == ["backup"] * 3
    told = "backup: the repository cannot be reached; trying again in 200ms"
    assert f"{told} (1 of 2)" in outcome.err
    assert f"{told} (2 of 2)" in outcome.err
    assert hooks(outcome) == ["before", "after", "finally"]
    assert json.loads((profiles.path / "status.json").read_text())["profiles"]["default"]["backup"][
        "success"
    ]


def test_hooks_hear_of_the_last_failure_only(profiles, fake_restic):
    fake_restic.answer("backup", code=1, err=NO_ROUTE)
    outcome = profiles.run("backup").expect(1)
    assert commands(fake_restic) == ["backup"] * 3
    assert hooks(outcome) == ["before", "failed", "finally"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (12, "Fatal: wrong password or no key found"),
        (1, "Fatal: unknown flag: --bogus"),
        (10, "Fatal: repository does not exist"),
        (1, "Fatal: unable to save snapshot: no space left on device"),
        (3, "Warning: at least one source file could not be read"),
        (130, "signal interrupt received, cleaning up"),
        (1, "Fatal: something else"),
    ],
)
def test_other_failures_are_not_tried_again(profiles, fake_restic, code, words):
    fake_restic.answer("backup", code=code, err=(words,))
    outcome = profiles.run("backup").expect(code)
    assert commands(fake_restic) == ["backup"]
    assert "trying again" not in outcome.err


def test_nothing_is_tried_again_after_a_snapshot_was_saved(profiles, fake_restic):
    fake_restic.answer("backup", code=1, out=("snapshot 1a2b3c4d saved",), err=NO_ROUTE)
    profiles.run("backup").expect(1)
    assert commands(fake_restic) == ["backup"]


def test_saved_snapshot_is_seen_on_a_terminal_too(profiles, fake_restic):
    fake_restic.answer("backup", code=1, out=("snapshot 1a2b3c4d saved",), err=NO_ROUTE)
    line = f"{sys.executable} -m resticprof backup"
    subprocess.run(
        ["script", "-qec", line, "/dev/null"],
        cwd=profiles.path,
        env=profiles.env,
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )
    assert commands(fake_restic) == ["backup"]


def test_retry_is_off_by_default(profiles, fake_restic):
    profiles.write("profiles.toml", PROFILES.format(more="").replace("retry = 2", ""))
    fake_restic.answer("backup", code=1, err=NO_ROUTE)
    profiles.run("backup").expect(1)
    assert commands(fake_restic) == ["backup"]


def test_section_has_its_own_number(profiles, fake_restic):
    profiles.write("profiles.toml", PROFILES.format(more="") + "retry = 1\n[default.check]\n")
    for command in ("backup", "check"):
        fake_restic.answer(command, code=1, err=NO_ROUTE)
        profiles.run(command).expect(1)
    assert commands(fake_restic) == ["backup"] * 2 + ["check"] * 3


def test_signal_ends_the_waiting(profiles, fake_restic):
    text = PROFILES.format(more="").replace("200ms", "1h")
    profiles.write("profiles.toml", text)
    fake_restic.answer("backup", code=1, err=NO_ROUTE)
    with profiles.start("backup") as process:
        for line in process.stderr:
            if "trying again in 1h0m0s" in line:
                break
        process.terminate()
        _, err = process.communicate(timeout=20)
    assert process.returncode == 143
    assert "failed\n" in err
    assert commands(fake_restic) == ["backup"]


# ---- locks of the repository ----------------------------------------------------------------


def locked(age="2m0s"):
    return tuple(line.format(age=age) for line in LOCKED)


@pytest.mark.parametrize(("version", "code"), [("0.16.0", 1), ("0.18.0", 11)])
def test_locked_repository_is_an_error_without_lock_wait(profiles, fake_restic, version, code):
    fake_restic.version(version)
    fake_restic.answer("backup", code=code, err=locked())
    profiles.run("backup").expect(code)
    assert commands(fake_restic) == ["backup"]


def test_exit_status_is_enough_to_know_a_lock(profiles, fake_restic):
    """restic's words may change, or be in another language some day."""
    fake_restic.answer("backup", code=11, err=("words",), nth=1)
    with profiles.start("--lock-wait", "1m", "backup") as process:
        told = next(line for line in process.stderr if "trying again" in line)
        process.terminate()
        process.communicate(timeout=20)
    assert "the repository is locked; trying again in 1m" in told


def test_holder_of_the_lock_is_told(profiles, fake_restic):
    fake_restic.answer("backup", code=11, err=locked())
    with profiles.start("--lock-wait", "10m", "backup") as process:
        told = next(line for line in process.stderr if "trying again" in line)
        process.terminate()
        process.communicate(timeout=20)
    assert "locked by PID 7 on nas by me (UID 0); trying again in 1m" in told
    assert "waiting 9m0s more at most" in told


def test_stale_lock_is_removed_once(profiles, fake_restic):
    profiles.write("profiles.toml", PROFILES.format(more="force-inactive-lock = true"))
    fake_restic.answer("backup", code=11, err=locked("3h0m0s"))
    outcome = profiles.run("backup").expect(11)
    assert commands(fake_restic) == ["backup", "unlock", "backup"]
    assert "removing the lock, which is stale" in outcome.err


def test_lock_that_cannot_be_removed_is_told_and_ends_the_attempts(profiles, fake_restic):
    profiles.write("profiles.toml", PROFILES.format(more="force-inactive-lock = true"))
    fake_restic.answer("backup", code=11, err=locked("3h0m0s"))
    fake_restic.answer("unlock", code=1, err=("Fatal: unable to remove the lock",))
    outcome = profiles.run("--lock-wait", "10m", "backup").expect(11)
    assert commands(fake_restic) == ["backup", "unlock"]
    assert "unlock: exit status 1; not trying again" in outcome.err


def test_stale_lock_is_left_alone_without_force_and_the_key_is_named(profiles, fake_restic):
    fake_restic.answer("backup", code=11, err=locked("3h0m0s"))
    outcome = profiles.run("--lock-wait", "10m", "backup").expect(11)
    assert commands(fake_restic) == ["backup"]
    assert "`force-inactive-lock = true` removes a lock that is so old" in outcome.err


# ---- the decision ---------------------------------------------------------------------------


RULES = some.builds(
    Rules,
    stale_age=some.floats(0, 1e5),
    may_unlock=some.booleans(),
    retry_after=some.floats(0, 1e4),
    retries=some.integers(0, 5),
    retry_wait=some.floats(0, 100),
)


@given(RULES, some.floats(0, 1e5), some.lists(some.one_of(some.none(), some.floats(0, 1e5))))
def test_waiting_for_locks_never_takes_more_than_its_budget(rules, budget, ages):
    patience, unlocked, slept = Patience(budget), 0, 0.0
    for age in ages:
        attempt = Attempt(
            locked=True, lock_age=age, heals=False, retried=0, unlocked=bool(unlocked)
        )
        move, delay = next_move(attempt, rules, patience)
        assert move is not Move.RETRY
        unlocked += move is Move.UNLOCK
        if move is Move.WAIT:
            assert 15 <= delay <= 1800
            patience.spend(delay)
            slept += delay
        elif move is Move.FAIL:
            break
    assert unlocked <= 1
    assert slept <= budget + 1e-6


@given(RULES, some.integers(0, 9))
def test_retries_are_counted_apart_from_locks(rules, retried):
    attempt = Attempt(locked=False, lock_age=None, heals=True, retried=retried, unlocked=False)
    move, delay = next_move(attempt, rules, Patience(0))
    assert (move, delay) == (
        (Move.RETRY, rules.retry_wait) if retried < rules.retries else (Move.FAIL, 0)
    )
