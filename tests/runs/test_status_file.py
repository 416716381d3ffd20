"""The status file: what is in it, and that nothing gets lost."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import msgspec
import pytest

from resticprof.errors import Error
from resticprof.model.run import Failure, Outcome, Report, StepReport, Summary
from resticprof.runs import status_file
from tests.kit.project import CHECKOUT

START = datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1)))

NUMBERS = {
    "files_new": 205,
    "files_changed": 3,
    "files_unmodified": 17,
    "dirs_new": 26,
    "dirs_changed": 1,
    "dirs_unmodified": 2,
    "files_total": 225,
    "bytes_added": 282,
    "bytes_added_packed": 140,
    "bytes_total": 6800,
}
ZEROS = dict.fromkeys(NUMBERS, 0)


def step(name, **changes):
    return StepReport(**{"name": name, "exit_code": 0, "seconds": 1.2} | changes)


def report(*steps, command="backup", outcome=Outcome.SUCCESS, **changes):
    return Report(
        run_id="5c2f6b0e-6a0f-4f0e-9d51-0c1f5a0b7e11",
        **{"profile": "home", "ended": START + timedelta(seconds=9)} | changes,
        command=command,
        host="box",
        started=START,
        outcome=outcome,
        steps=steps,
    )


def entry(**changes):
    plain = {
        "success": True,
        "time": "2026-02-03T04:05:15+01:00",
        "error": "",
        "stderr": "",
        "duration": 2,
    }
    return plain | changes


def members(*reports):
    content = {}
    for one in reports:
        content = status_file.merge(content, one)
    return content["profiles"]["home"]


# ---- the layout ---------------------------------------------------------------------------------


def test_backup_retention_and_check_have_entries():
    done = report(
        step("retention"),
        step("backup", summary=Summary(**NUMBERS, snapshot_id="a")),
        step("check"),
    )
    assert members(done) == {
        "backup": entry(**NUMBERS),
        "retention": entry(),
        "check": entry(),
    }


def test_each_entry_has_the_time_of_its_own_end():
    ended = START + timedelta(seconds=3)
    found = members(report(step("backup", ended=ended), step("check")))
    assert found["backup"]["time"] == "2026-02-03T04:05:09+01:00"
    assert found["check"]["time"] == "2026-02-03T04:05:15+01:00"


def test_failed_backup_has_zeros():
    failed = step("backup", exit_code=1, error="exit status 1", stderr="Fatal: one\ntwo\n")
    assert members(report(failed, outcome=Outcome.FAILED))["backup"] == entry(
        success=False, error="exit status 1", stderr="Fatal: one\ntwo\n", **ZEROS
    )


def test_warning_keeps_its_numbers():
    warned = step("backup", exit_code=3, summary=Summary(**NUMBERS), error="exit status 3")
    found = members(report(warned, outcome=Outcome.FAILED))["backup"]
    assert found == entry(success=False, error="exit status 3", **NUMBERS)


def test_unknown_numbers_of_a_successful_backup_are_absent():
    assert members(report(step("backup")))["backup"] == entry()


def test_forget_is_recorded_as_retention():
    assert members(report(step("forget"), command="forget")) == {"retention": entry()}


@pytest.mark.parametrize("command", ["check", "copy", "prune", "init"])
def test_command_is_recorded(command):
    assert members(report(step(command), command=command)) == {command: entry()}


@pytest.mark.parametrize("command", ["snapshots", "unlock", "restore"])
def test_other_command_is_not_recorded(command):
    assert status_file.entries(report(step(command), command=command)) == {}


def test_init_that_was_tried_before_a_backup_is_not_recorded():
    found = members(report(step("init", exit_code=1, error="exit status 1"), step("backup")))
    assert found.keys() == {"backup"}


@pytest.mark.parametrize("command", ["backup", "check", "forget"])
def test_run_that_failed_before_restic_is_recorded(command):
    failure = Failure(message="the lock is taken", reason="lock")
    failed = report(command=command, outcome=Outcome.FAILED, failure=failure)
    [found] = members(failed).values()
    zeros = ZEROS if command == "backup" else {}
    assert found == entry(success=False, error="the lock is taken", duration=0, **zeros)


def test_backup_is_recorded_as_failed_when_the_check_before_it_fails():
    check = step("check", exit_code=1, error="exit status 1")
    failure = Failure(message="backup check on profile 'home': exit status 1")
    found = members(report(check, outcome=Outcome.FAILED, failure=failure))
    assert found["check"]["error"] == "exit status 1"
    assert (found["backup"]["success"], found["backup"]["error"]) == (False, failure.message)


@pytest.mark.parametrize(
    "changes", [{"dry_run": True}, {"outcome": Outcome.SKIPPED}, {"outcome": None}]
)
def test_run_without_a_result_leaves_nothing(changes):
    assert status_file.entries(report(step("backup"), **changes)) == {}


def test_other_entries_stay():
    old = {"profiles": {"other": {"check": {"success": True}}, "home": {"prune": {}}}, "more": 1}
    found = status_file.merge(old, report(step("backup")))
    assert found == {
        "profiles": {
            "other": {"check": {"success": True}},
            "home": {"prune": {}, "backup": entry()},
        },
        "more": 1,
    }
    assert old["profiles"]["home"] == {"prune": {}}


# ---- the file -----------------------------------------------------------------------------------


def test_file_is_one_line(tmp_path):
    path = tmp_path / "status.json"
    status_file.record(path, report(step("backup")))
    assert path.read_text().count("\n") == 1
    assert json.loads(path.read_text()) == {"profiles": {"home": {"backup": entry()}}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_stay(tmp_path):
    path = tmp_path / "status.json"
    path.touch(0o600)
    status_file.record(path, report(step("backup")))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_run_without_a_result_does_not_touch_the_file(tmp_path):
    status_file.record(tmp_path / "status.json", report(step("ls"), command="ls"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"profiles": 7}', '{"profiles": {"a": 7}}', "\xff"]
)
def test_broken_file_is_kept_aside(tmp_path, caplog, content):
    path = tmp_path / "status.json"
    path.write_text(content, encoding="latin-1")
    status_file.record(path, report(step("backup")))
    assert json.loads(path.read_text())["profiles"].keys() == {"home"}
    assert (tmp_path / "status.json.corrupt").read_text(encoding="latin-1") == content
    assert "status.json.corrupt" in caplog.text


def test_broken_file_behind_a_link_is_kept_beside_it(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "file").write_text("{")
    link = tmp_path / "status.json"
    link.symlink_to(tmp_path / "real" / "file")
    status_file.record(link, report(step("backup")))
    assert link.is_symlink()
    assert (tmp_path / "real" / "file.corrupt").read_text() == "{"
    assert len(status_file.read(link)) == 1


def test_file_name_that_is_not_unicode_is_no_obstacle(tmp_path):
    path = tmp_path / "status.json"
    status_file.record(path, report(step("backup", error="exit status 1", stderr="\udcff")))
    assert json.loads(path.read_text())["profiles"]["home"]["backup"]["stderr"] == "?"


def test_place_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(Error, match=r"nowhere/status\.json"):
        status_file.record(tmp_path / "nowhere" / "status.json", report(step("backup")))


WRITER = """
import sys
from datetime import datetime, timezone
from resticprof.runs import status_file
from resticprof.model.run import Outcome, Report, StepReport
now = datetime.now(timezone.utc)
for number in range(5):
    status_file.record(sys.argv[1], Report(
        run_id="", profile=f"{sys.argv[2]}-{number}", command="check", host="", started=now,
        ended=now, outcome=Outcome.SUCCESS,
        steps=(StepReport(name="check", exit_code=0, seconds=1),)))
"""


def test_concurrent_writers_lose_nothing(tmp_path):
    path = tmp_path / "status.json"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, path, str(number)], cwd=CHECKOUT)
        for number in range(10)
    ]
    assert [writer.wait() for writer in writers] == [0] * 10
    assert len(status_file.read(path)) == 50


def test_a_failure_keeps_the_time_of_the_last_success(tmp_path):
    path = tmp_path / "status.json"
    failed = report(
        step("backup", exit_code=1, error="exit status 1"),
        outcome=Outcome.FAILED,
        ended=START + timedelta(days=1),
    )
    status_file.record(path, failed)
    assert status_file.read(path)[0].last_success is None
    good = report(step("backup"))
    for one in (good, failed, failed):
        status_file.record(path, one)
    [found] = status_file.read(path)
    assert (found.success, found.last_success) == (False, good.ended)
    status_file.record(path, good)
    assert "last_success" not in path.read_text()


# ---- reading ------------------------------------------------------------------------------------


def test_last_results_are_read(tmp_path):
    path = tmp_path / "status.json"
    failed = step("check", exit_code=1, error="exit status 1")
    status_file.record(path, report(step("backup"), profile="b"))
    status_file.record(path, report(failed, command="check", outcome=Outcome.FAILED, profile="a"))
    time = START + timedelta(seconds=9)
    assert status_file.read(path) == (
        status_file.LastResult(
            profile="a", command="check", time=time, error="exit status 1", duration=2
        ),
        status_file.LastResult(profile="b", command="backup", success=True, time=time, duration=2),
    )


def test_time_of_the_reference_is_read(tmp_path):
    path = tmp_path / "status.json"
    path.write_text(
        '{"profiles":{"a":{"b":{"success":true,"time":"2024-01-01T00:00:00.123456789Z"}}}}'
    )
    [found] = status_file.read(path)
    assert msgspec.json.encode(found.time.replace(microsecond=0)) == b'"2024-01-01T00:00:00Z"'


def test_broken_entry_is_named(tmp_path):
    path = tmp_path / "status.json"
    path.write_text('{"profiles":{"a":{"b":{"success":"maybe"}}}}')
    [found] = status_file.read(path)
    assert "cannot be read" in found.error


def test_missing_file_has_no_results(tmp_path):
    assert status_file.read(tmp_path / "status.json") == ()


@pytest.mark.parametrize("content", ["{", '{"profiles": 7}'])
def test_broken_file_is_an_error(tmp_path, content):
    path = tmp_path / "status.json"
    path.write_text(content)
    with pytest.raises(Error, match=r"status\.json"):
        status_file.read(path)


def test_directory_is_an_error(tmp_path):
    with pytest.raises(Error, match="cannot read"):
        status_file.read(tmp_path)
