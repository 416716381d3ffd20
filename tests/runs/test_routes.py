"""Where output goes: data to stdout, words to stderr, all to the log, and nothing gets stuck."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from tests.kit.lost_output import to_full_disk, without_reader

PROFILES = """
version = "1"
[default]
repository = "local:/r"
initialize = true
run-before = ["echo hook out; echo hook err >&2"]
[default.backup]
check-before = true
source = ["/etc"]
"""


@pytest.fixture
def profiles(project, fake_restic):
    project.write("profiles.toml", PROFILES)
    fake_restic.answer("init", out=("created",), err=("Fatal: config file already exists",), code=1)
    fake_restic.answer("check", out=("checked",), err=("check words",))
    fake_restic.answer("backup", out=("saved",), err=("backup words",))
    fake_restic.answer("snapshots", out=("[]",))
    fake_restic.answer("dump", out=("data",))
    return project


def log_of(project):
    return (project.path / "log").read_text()


def test_stdout_is_restics_and_nothing_else(profiles):
    outcome = profiles.run("backup").expect(0)
    assert outcome.out == "checked\nsaved\n"
    for said in ("hook out", "hook err", "check words", "backup words", "backup default: OK"):
        assert said in outcome.err


def test_init_that_finds_a_repository_says_nothing(profiles):
    outcome = profiles.run("--log", "log", "--command-output", "all", "backup").expect(0)
    for text in (outcome.out, outcome.err, log_of(profiles)):
        assert "created" not in text
        assert "already exists" not in text


@pytest.mark.parametrize("words", [("snapshots", "--json"), ("dump", "latest", "/x")])
def test_data_is_alone_on_stdout(profiles, words):
    outcome = profiles.run(*words).expect(0)
    assert outcome.out in ("[]\n", "data\n")


def test_words_of_other_steps_do_not_get_between_the_data(profiles, fake_restic):
    fake_restic.answer("backup", out=('{"message_type":"summary","files_new":7}',))
    outcome = profiles.run("backup", "--json").expect(0)
    assert json.loads(outcome.out)["files_new"] == 7
    assert "checked" in outcome.err
    assert "7 new" in outcome.err


def test_json_by_the_configuration_is_data_too(profiles):
    profiles.write("profiles.toml", PROFILES.replace("[default]\n", "[default]\njson = true\n"))
    outcome = profiles.run("backup").expect(0)
    assert outcome.out == "saved\n"


@pytest.mark.parametrize("words", [("snapshots", "--json"), ("dump", "latest", "/x")])
def test_data_goes_to_stdout_where_there_is_a_log(profiles, words):
    outcome = profiles.run("--log", "log", *words).expect(0)
    assert outcome.out in ("[]\n", "data\n")
    assert outcome.out not in log_of(profiles)


@pytest.mark.parametrize(
    ("where", "console", "logged"),
    [
        (None, False, True),
        ("auto", False, True),
        ("log", False, True),
        ("console", True, False),
        ("all", True, True),
        ("log,console", True, True),
    ],
)
def test_command_output_decides_about_words(profiles, where, console, logged):
    option = ["--command-output", where] if where else []
    outcome = profiles.run("--log", "log", *option, "backup").expect(0)
    for said in ("saved", "hook out", "hook err", "backup words"):
        assert (said in outcome.out + outcome.err) is console
        assert (said in log_of(profiles)) is logged
    assert "INFO  backup default: OK" in log_of(profiles)
    assert "backup default: OK" not in outcome.err


@pytest.mark.parametrize(("where", "console"), [("nowhere", False), ("nowhere,console", True)])
def test_place_that_nobody_knows_is_told_and_loses_nothing(profiles, where, console):
    outcome = profiles.run("--log", "log", "--command-output", where, "backup").expect(0)
    assert "command-output `nowhere` is not one of auto, log, console, all" in log_of(profiles)
    assert ("saved" in outcome.out) is console
    assert ("saved" in log_of(profiles)) is not console


def test_stderr_takes_everything(profiles):
    outcome = profiles.run("--stderr", "dump", "latest", "/x").expect(0)
    assert outcome.out == ""
    assert "data\n" in outcome.err


def test_error_before_the_run_is_in_the_log_and_on_stderr(profiles):
    outcome = profiles.run("--log", "log", "nowhere.backup").expect(2)
    assert "`nowhere`" in outcome.err
    assert "ERROR no profile or group `nowhere`" in log_of(profiles)


def test_log_target_that_cannot_be_opened_is_told_once_and_the_run_goes_on(profiles):
    outcome = profiles.run("--log", "/no/such/log", "backup").expect(0)
    assert outcome.err.count("cannot log to `/no/such/log`") == 1
    assert "backup default: OK" in outcome.err


def test_log_of_the_configuration_gives_way_to_the_option(profiles):
    profiles.write("profiles.toml", f'[global]\nlog = "other"\n{PROFILES}')
    profiles.run("--log", "log", "backup").expect(0)
    assert "backup default: OK" in log_of(profiles)
    assert not (profiles.path / "other").exists()
    profiles.run("backup").expect(0)
    assert "backup default: OK" in (profiles.path / "other").read_text()


FLOOD = """#!{python} -SE
import sys
import time
if sys.argv[1] == "version":
    print("restic 0.18.0 compiled")
    raise SystemExit
for number in range(20000):
    sys.stderr.write("error: /some/path/%d: permission denied\\n" % number)
sys.stdout.write("x" * 5_000_000 + "\\n")
sys.stderr.write("y" * 5_000_000)
sys.stdout.write("processed 1 files, 1.000 KiB in 0:00\\nsnapshot 12345678 saved\\n")
"""


def test_flood_of_words_and_endless_lines_neither_block_nor_get_lost(project):
    project.program("restic", FLOOD.format(python=sys.executable))
    keys = 'version = "1"\n[default]\nrepository = "r"\nstatus-file = "status.json"\n'
    hook = '[default.backup]\nrun-finally = ["echo ${#ERROR_STDERR} >&2"]\nsource = ["/etc"]\n'
    project.write("profiles.toml", keys + hook)
    outcome = project.run("backup").expect(0)
    assert len(outcome.out) > 5_000_000
    assert outcome.err.count("permission denied") == 20000
    status = json.loads((project.path / "status.json").read_text())
    assert status["profiles"]["default"]["backup"]["bytes_total"] == 1024


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2), (0, 1, 2)])
def test_closed_stream_is_no_place_for_another_file(profiles, closed):
    profiles.write("profiles.toml", PROFILES.replace("[default]\n", '[default]\nlock = "lock"\n'))
    closing = " ".join(f"{number}>&-" for number in closed)
    line = f"exec {sys.executable} -m resticprof --log log backup {closing}"
    done = subprocess.run(
        ["sh", "-c", line], cwd=profiles.path, env=profiles.env, check=False, capture_output=True
    )
    assert done.returncode == 0
    assert "backup default: OK" in log_of(profiles)


def test_terminal_keeps_restics_progress(profiles, fake_restic):
    """restic shows progress where its own stdout is a terminal."""
    script = '#!/bin/sh\n[ "$1" = version ] && echo "restic 0.18.0 x"\n[ -t 1 ] && echo tty-$1\n'
    profiles.program("restic", script)
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "resticprof", "backup"]
    done = subprocess.run(
        words,
        cwd=profiles.path,
        env=profiles.env,
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=True,
    )
    os.close(theirs)
    assert b"tty-backup" in os.read(ours, 4096)
    os.close(ours)
    assert b"backup default: OK" in done.stderr


def test_secret_is_hidden_wherever_the_output_is_cut(project, fake_restic):
    """A pipe is read in pieces, and some of them end in the middle of a password."""
    project.write(
        "profiles.toml",
        f"""
version = "1"
[default]
repository = "local:/r"
run-before = ["{sys.executable} chatter.py; {sys.executable} chatter.py >&2"]
[default.env]
MY_PASSWORD = "not-to-be-seen"
""",
    )
    project.write("chatter.py", "print('the password is not-to-be-seen\\n' * 20_000)")
    outcome = project.run("check").expect(0)
    assert "not-to-be-seen" not in outcome.err
    assert outcome.err.count("the password is ×××\n") == 40_000


# ---- a stream that takes nothing more ---------------------------------------------------------


@pytest.mark.parametrize("broken", [to_full_disk, without_reader])
@pytest.mark.parametrize("words", [("backup",), ("backup", "--json"), ("--stderr", "backup")])
def test_work_does_not_end_for_words_that_nobody_can_read(profiles, fake_restic, broken, words):
    fake_restic.answer("backup", out=("saved",) * 20_000)
    done = broken(profiles, *words)
    assert done.returncode == 0, done.stderr
    assert "backup default: OK" in done.stderr
    assert done.stderr.count("cannot write to standard output: ") == ("--stderr" not in words)
    assert not fake_restic.signals


def test_work_does_not_end_for_lost_words_of_json_that_is_ours(profiles, fake_restic):
    keys = "[default.backup]\nextended-status = true\n"
    profiles.write("profiles.toml", PROFILES.replace("[default.backup]\n", keys))
    done = to_full_disk(profiles, "backup")
    assert done.returncode == 0, done.stderr


def test_full_disk_for_stderr_ends_nothing(profiles):
    assert to_full_disk(profiles, "backup", stream=2).returncode == 0


@pytest.mark.parametrize(
    ("broken", "code", "reason"),
    [
        (to_full_disk, 74, "No space left on device"),
        (without_reader, 141, "nobody reads it any more"),
    ],
)
def test_listing_that_nobody_can_read_ends_in_peace(profiles, fake_restic, broken, code, reason):
    """restic is interrupted, so that it removes its lock; SIGPIPE would leave it behind."""
    fake_restic.answer("snapshots", out=("[]",), delay=30)
    done = broken(profiles, "snapshots")
    assert done.returncode == code, done.stderr
    assert f"FAILED (cannot write to standard output: {reason})" in done.stderr
    assert fake_restic.signals == [signal.SIGINT]


def test_reader_that_is_slow_gets_everything(profiles, fake_restic):
    """A stream that does not block is what some job runners give to their children."""
    fake_restic.answer("backup", out=("x" * 100,) * 5000)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with subprocess.Popen(
        [sys.executable, "-m", "resticprof", "backup"],
        cwd=profiles.path,
        env=profiles.env,
        stdout=writing,
        stderr=subprocess.DEVNULL,
    ):
        os.close(writing)
        time.sleep(1)
        with open(reading) as stream:
            assert len(stream.read()) == len("checked\n") + 5000 * 101
