"""What a run has to tell: its state, its first error, its duration."""

from __future__ import annotations

import signal

import pytest

from resticprof.errors import HookError, Interrupted, LockedError, ResticError, SecretError
from resticprof.model.run import Outcome, State, StepReport
from resticprof.runs.plan import Plan
from resticprof.runs.story import Story
from tests.kit.profiles import profile


@pytest.fixture
def story():
    plan = Plan(profile=profile("home"), command="backup")
    return Story(plan, host="box", user="me")


STEP = StepReport(name="backup", exit_code=0, seconds=1)
DENIED = ResticError("no", command_line='"restic"', exit_code=12, stderr="Fatal: no\n")

# ---- state ----------------------------------------------------------------------------------


def test_state_follows_the_run(story):
    assert story.state is State.START
    story.add(STEP)
    assert story.state is State.START
    story.succeed()
    assert story.state is State.FINISH
    story.fail(HookError("run-after failed"))
    assert story.state is State.FAIL


def test_tolerated_warning_is_a_warning(story):
    story.add(STEP, tolerated=True)
    story.succeed()
    assert (story.outcome, story.state, story.exit_code) == (Outcome.WARNING, State.WARN, 0)


def test_warning_that_is_not_tolerated_fails_with_a_state_of_its_own(story):
    story.fail(ResticError("no", exit_code=3))
    assert (story.outcome, story.state, story.exit_code) == (Outcome.FAILED, State.WARN, 3)


def test_hook_that_fails_after_a_tolerated_warning_is_a_failure(story):
    story.add(STEP, tolerated=True)
    story.succeed()
    story.fail(HookError("run-after failed"))
    assert (story.outcome, story.state, story.exit_code) == (Outcome.FAILED, State.FAIL, 1)


def test_skipped_run_is_no_failure(story):
    story.skip("not today")
    assert (story.outcome, story.state, story.exit_code) == (Outcome.SKIPPED, State.FINISH, 0)
    assert story.report().skip_reason == "not today"


# ---- the error ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "code", "child"),
    [
        (DENIED, 12, 12),
        (ResticError("killed", exit_code=-9), 137, -1),
        (ResticError("stopped", exit_code=130, interrupted=signal.SIGTERM), 143, 130),
        (HookError("no", exit_code=7), 1, 7),
        (HookError("no", exit_code=-2, interrupted=signal.SIGINT), 130, -1),
        (Interrupted(signal.SIGHUP), 129, -1),
        (LockedError("held"), 75, -1),
        (SecretError("none"), 78, -1),
        (KeyError("mistake"), 70, -1),
    ],
)
def test_exit_status_of_the_run_and_of_what_failed(story, error, code, child):
    story.fail(error)
    assert story.exit_code == code
    assert story.failure.exit_code == child


def test_failure_holds_what_hooks_are_told(story):
    story.fail(DENIED)
    failure = story.report().failure
    assert (failure.message, failure.command_line, failure.stderr) == (
        "no",
        '"restic"',
        "Fatal: no\n",
    )


def test_lock_is_a_reason_of_its_own(story):
    story.fail(LockedError("held"))
    assert story.failure.reason == "lock"


def test_signal_and_mistakes_are_told_with_the_name_of_the_run(story, caplog):
    story.fail(Interrupted(signal.SIGTERM))
    assert story.failure.message == "backup on profile 'home': interrupted by SIGTERM"
    story.fail(KeyError("mistake"))
    assert story.failure.message == (
        "backup on profile 'home': internal error, please report it: KeyError: 'mistake'"
    )
    assert caplog.records[0].exc_info is None
    assert caplog.records[1].exc_info


def test_texts_can_be_put_into_variables_and_requests(story):
    story.fail(HookError("a\0b", command_line='"/data/\udcff"', stderr="c\0"))
    failure = story.failure
    assert (failure.message, failure.command_line, failure.stderr) == ("ab", '"/data/?"', "c")


def test_texts_for_others_hold_no_control_sequences_of_a_terminal(story):
    """restic 0.14 clears its progress line when it is interrupted, terminal or not."""
    said = "\x1b[2Ksignal interrupt received\n\x1b[31mFatal\x1b[0m: no\n"
    story.add(StepReport(name="backup", exit_code=130, seconds=1, stderr=said))
    story.result(None, (), said)
    story.fail(HookError("no", command_line="restic", stderr=said))
    plain = "signal interrupt received\nFatal: no\n"
    assert (story.failure.stderr, story.steps[0].stderr, story.stdout) == (plain, plain, plain)


# ---- later errors ---------------------------------------------------------------------------


def test_later_error_is_told_and_changes_nothing(story, caplog):
    story.fail(DENIED)
    with story.spared():
        raise HookError("run-finally failed")
    assert "run-finally failed" in caplog.text
    assert story.exit_code == 12
    assert story.failure.message == "no"


def test_later_mistake_of_ours_never_looks_like_success(story, caplog):
    story.succeed()
    with story.spared():
        raise KeyError("mistake")
    assert "Traceback" in caplog.text
    assert (story.exit_code, story.outcome) == (70, Outcome.SUCCESS)


# ---- time -----------------------------------------------------------------------------------


def test_run_has_a_duration_as_soon_as_it_has_an_outcome(story):
    assert story.report().ended is None
    story.succeed()
    first = story.report().ended
    assert first is not None
    assert story.report().ended > first, "it is still under way"
    story.end()
    assert story.report().ended == story.report().ended == story.ended


# ---- secrets --------------------------------------------------------------------------------
