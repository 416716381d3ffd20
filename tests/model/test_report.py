"""Runs in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from resticprof.model import report as words
from resticprof.model.run import Failure, Outcome, State, StepReport, Summary
from tests.kit.events import RUN_ID, STARTED, event, report

WENT_WELL = (
    "backup home: OK in 1m16s, 12 new / 3 changed / 5120 unmodified, "
    "+14.2 MiB (9.8 MiB stored) of 3.4 GiB, snapshot 4bba301e"
)


def failed(**changes):
    return report(State.FAIL, **changes)


def test_summary_of_a_success_has_the_numbers():
    assert words.summary_sentence(report(State.FINISH)) == WENT_WELL


def test_summary_of_a_start_promises_nothing():
    assert words.summary_sentence(report(State.START)) == "backup home: started"


def test_summary_of_a_warning_counts_what_could_not_be_read():
    text = words.summary_sentence(report(State.WARN))
    assert text.startswith("backup home: WARNING (2 items could not be read) in 1m16s, 12 new")


def test_summary_of_a_warning_prefers_the_count_of_restic():
    text = words.summary_sentence(report(State.WARN, summary=Summary(errors=1)))
    assert text == "backup home: WARNING (1 item could not be read) in 1m16s"


def test_summary_of_a_warning_that_nobody_counted():
    text = words.summary_sentence(report(State.WARN, unreadable=(), summary=None))
    assert text == "backup home: WARNING (some files could not be read) in 1m16s"


def test_summary_of_a_failure_explains_the_status_of_restic():
    text = words.summary_sentence(failed(ended=STARTED + timedelta(seconds=3)))
    assert text == "backup home: FAILED (exit 12: wrong password) after 3s"


def test_summary_of_a_failure_without_a_known_status():
    steps = (StepReport(name="backup", exit_code=1, seconds=3),)
    failure = Failure(message="backup on profile 'home': exit status 1", exit_code=1)
    text = words.summary_sentence(failed(steps=steps, failure=failure))
    assert text == "backup home: FAILED (exit 1) after 1m16s"


def test_status_3_is_about_files_in_a_backup_only():
    steps = (StepReport(name="retention", exit_code=3, seconds=3, meaning="not all was removed"),)
    failure = Failure(message="backup retention on profile 'home': exit status 3", exit_code=3)
    text = words.summary_sentence(failed(steps=steps, failure=failure))
    assert text == "backup home: FAILED (retention: exit 3: not all was removed) after 1m16s"


@pytest.mark.parametrize(
    ("code", "error"), [(-9, "signal: killed"), (130, "stopped after 2h0m0s, its time limit")]
)
def test_summary_of_a_restic_that_was_ended_says_by_what(code, error):
    steps = (StepReport(name="backup", exit_code=code, seconds=3, error=error),)
    failure = Failure(message=f"backup on profile 'home': {error}", exit_code=max(code, -1))
    text = words.summary_sentence(failed(steps=steps, failure=failure))
    assert text == f"backup home: FAILED ({error}) after 1m16s"


def test_summary_of_a_failure_after_the_backup_names_the_step_and_the_snapshot():
    steps = (
        StepReport(name="backup", exit_code=0, seconds=3),
        StepReport(name="retention", exit_code=11, seconds=3, error="exit status 11"),
    )
    failure = Failure(message="backup retention on profile 'home': …", exit_code=11)
    summary = Summary(snapshot_id="1a2b3c4d5e6f")
    text = words.summary_sentence(failed(steps=steps, failure=failure, summary=summary))
    assert text == (
        "backup home: FAILED (retention: exit 11: repository is locked) after 1m16s, "
        "snapshot 1a2b3c4d was saved"
    )


def test_summary_of_a_failing_hook_does_not_explain_it_as_restic():
    steps = (StepReport(name="backup", exit_code=0, seconds=3),)
    failure = Failure(message="run-after backup on profile 'home': exit status 12", exit_code=12)
    text = words.summary_sentence(failed(steps=steps, failure=failure))
    assert "(run-after backup on profile 'home': exit status 12)" in text


def test_summary_of_a_run_without_lock():
    failure = Failure(message="held by /secret/path", reason="lock")
    text = words.summary_sentence(failed(steps=(), failure=failure, exit_code=75))
    assert text == "backup home: FAILED (another run holds the lock) after 1m16s"


def test_summary_of_a_failure_that_nobody_described():
    text = words.summary_sentence(failed(steps=(), failure=None, exit_code=70))
    assert "FAILED (exit 70)" in text


def test_summary_of_a_skipped_run():
    changes = {"outcome": Outcome.SKIPPED, "skip_reason": "run-before said no"}
    assert words.summary_sentence(report(State.LOG, **changes)) == (
        "backup home: SKIPPED (run-before said no)"
    )


def test_summary_repeats_nothing_that_restic_wrote():
    assert "Fatal" not in words.summary_sentence(failed())


@pytest.mark.parametrize(
    ("command", "summary", "end"),
    [
        ("forget", Summary(snapshots_kept=7, snapshots_removed=3), "3 snapshots removed / 7 kept"),
        ("prune", Summary(bytes_removed=1024**3), "1.0 GiB freed"),
        ("check", Summary(errors=0), "no errors"),
        ("check", Summary(errors=1), "1 error"),
        ("backup", Summary(files_new=1, bytes_added=10), "1 new, +10 B"),
    ],
)
def test_summary_of_other_commands(command, summary, end):
    text = words.summary_sentence(report(State.FINISH, command=command, summary=summary))
    assert text == f"{command} home: OK in 1m16s, {end}"


def test_summary_of_a_group_names_the_group():
    text = words.summary_sentence(report(State.START, profile="", group="all"))
    assert text == "backup all: started"


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024**2 - 1, "1.0 MiB"),
        (14_890_000, "14.2 MiB"),
        (5 * 1024**4, "5.0 TiB"),
        (3 * 1024**5, "3.0 PiB"),
    ],
)
def test_sizes_are_in_binary_units(count, text):
    assert words.size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.31, "300ms"), (3.21, "3.2s"), (76.4, "1m16s"), (3600, "1h0m0s")],
)
def test_durations_are_as_exact_as_useful(seconds, text):
    assert words.duration(seconds) == text


def test_error_block_tells_what_failed():
    assert words.error_block(failed()).splitlines() == [
        "backup on profile 'home': exit status 12",
        'command: "restic" "backup" "/home"',
        "exit status: 12",
        "repository 4bba301e opened",
        "Fatal: wrong password or no key found",
    ]


def test_error_block_is_empty_without_an_error():
    assert words.error_block(report(State.FINISH)) == ""


def test_error_block_is_bounded():
    stderr = "\n".join(f"{number}: " + "x" * 10_000 for number in range(1000))
    failure = Failure(message="m", command_line="y" * 10_000, exit_code=1, stderr=stderr)
    block = words.error_block(failed(failure=failure))
    assert len(block) < 5000
    assert "..." in block.splitlines()
    assert "999: " in block


def test_variables_of_a_success():
    known = words.variables(event(State.FINISH))
    assert known["PROFILE_NAME"] == "home"
    assert known["PROFILE_COMMAND"] == "backup"
    assert known["STATE"] == "finish"
    assert known["RUN_ID"] == RUN_ID
    assert known["HOSTNAME"] == "nas"
    assert known["DURATION"] == "1m16s"
    assert known["DURATION_SECONDS"] == "76"
    assert known["SUMMARY"] == WENT_WELL
    assert known["FILES_NEW"] == "12"
    assert known["FILES_PROCESSED"] == "5135"
    assert known["DATA_ADDED"] == "14890000"
    assert known["SNAPSHOT_ID"] == "4bba301e7f3c"
    assert known["WARNING_COUNT"] == "0"
    assert known["LOG"].splitlines()[0] == "profile 'home': starting 'backup'"
    assert "environment: nothing new" not in known["LOG"]


def test_variables_of_an_error_have_the_names_of_the_reference():
    known = words.variables(event(State.FAIL))
    assert known["ERROR"] == known["ERROR_MESSAGE"] == "backup on profile 'home': exit status 12"
    assert known["ERROR_COMMANDLINE"] == '"restic" "backup" "/home"'
    assert known["ERROR_EXIT_CODE"] == "12"
    assert "Fatal" in known["ERROR_STDERR"]


def test_an_error_without_a_command_has_no_exit_status():
    known = words.variables(event(State.FAIL, failure=Failure(message="no")))
    assert {name for name in known if name.startswith("ERROR")} == {"ERROR", "ERROR_MESSAGE"}


def test_an_unknown_number_is_absent_not_zero():
    known = words.variables(event(State.FAIL))
    assert not {"FILES_NEW", "DATA_ADDED", "BYTES_PROCESSED", "WARNING_COUNT"} & known.keys()
    assert "DURATION" not in words.variables(event(State.START))
    assert "ERROR" not in words.variables(event(State.FINISH))


def test_unknown_variables_become_nothing():
    text = words.interpolate("$A-${B}-${NONE}-$$A", {"A": "1", "B": "2"})
    assert text == "1-2--$A"


def test_summary_of_a_test_says_so():
    assert words.variables(event(State.FAIL, test=True))["SUMMARY"].startswith("[test] backup")


def test_report_for_others_is_scrubbed():
    step = StepReport(name="backup", exit_code=1, seconds=1, error="hunter2", stderr="hunter2")
    failure = Failure(message="hunter2", command_line="hunter2", stderr="hunter2")
    told = failed(failure=failure, steps=(step,), unreadable=("/hunter2",))
    assert "hunter2" in str(told)
    assert "hunter2" not in str(words.scrubbed(told, lambda text: text.replace("hunter2", "×××")))
