"""The command line: options, variables, the first word, the default command, our own commands."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time

import pytest

from resticprof import __version__
from tests.kit.lost_output import to_full_disk, without_reader

PROFILES = """
version = "1"

[global]
default-command = "{default}"

[default]
repository = "local:/first"

[home]
repository = "local:/second"

["pro.file"]
repository = "local:/third"

["at@home"]
repository = "local:/fourth"
"""


@pytest.fixture
def profiles(project, fake_restic):
    project.write("profiles.toml", PROFILES.format(default="snapshots"))
    return project


def called(fake_restic):
    """Command and repository of the only call."""
    [call] = fake_restic.calls
    repository = next(word for word in call.argv if word.startswith("--repo="))
    return call.command, repository.removeprefix("--repo=local:/")


@pytest.mark.parametrize(
    ("words", "command", "repository"),
    [
        ((), "snapshots", "first"),
        (("check",), "check", "first"),
        (("home.check",), "check", "second"),
        (("check@home",), "check", "second"),
        ((".check",), "check", "first"),
        (("check@",), "check", "first"),
        (("home.",), "snapshots", "second"),
        (("@home",), "snapshots", "second"),
        (("@",), "snapshots", "first"),
        ((".",), "snapshots", "first"),
        (("pro.file.check",), "check", "third"),
        (("check@at@home",), "check", "fourth"),
        (("-n", "home", "check"), "check", "second"),
        (("--profile", "home"), "snapshots", "second"),
        (("-nhome", "-qcprofiles.toml", "check"), "check", "second"),
        (("-n=home", "-qc=profiles.toml", "check"), "check", "second"),
        (("--ignore-on-battery", "check"), "check", "first"),
        (("--log", "--ignore-on-battery", "check"), "check", "first"),
        (("-n", "home", "a.check"), "a.check", "second"),
    ],
)
def test_first_word_names_profile_and_command(profiles, fake_restic, words, command, repository):
    profiles.run(*words).expect(0)
    assert called(fake_restic) == (command, repository)


def test_name_from_the_environment_gives_way_to_the_first_word(profiles, fake_restic):
    profiles.run("check@home", env={"RESTICPROFILE_NAME": "pro.file"}).expect(0)
    assert called(fake_restic) == ("check", "second")


def test_name_from_the_environment_counts_for_a_plain_command(profiles, fake_restic):
    profiles.run("check", env={"RESTICPROF_NAME": "home"}).expect(0)
    assert called(fake_restic) == ("check", "second")


def test_word_with_an_empty_name_means_the_default_profile_for_our_commands_too(profiles):
    for word in (".show", "show@"):
        outcome = profiles.run(word, env={"RESTICPROF_NAME": "home"}).expect(0)
        assert "local:/first" in outcome.out


def test_options_end_at_the_first_word(profiles, fake_restic):
    profiles.run("check", "--name", "home").expect(0)
    assert called(fake_restic) == ("check", "first")


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (("--quiet=true",), True),
        (("--quiet=false",), False),
        (("-q=T",), True),
        (("-wq=0",), False),
        (("--quiet", "--quiet=F"), False),
        (("-q=f", "-q"), True),
        ((), True),  # by the variable
    ],
)
def test_switch_may_say_which_way(profiles, fake_restic, words, sent):
    profiles.run(*words, "check", env={"RESTICPROF_QUIET": "1"}).expect(0)
    assert ("--quiet" in fake_restic.calls[0].argv) is sent


def test_switch_that_says_neither_is_a_usage_error(profiles, fake_restic):
    outcome = profiles.run("--dry-run=maybe", "check").expect(2)
    assert "'--dry-run': `maybe` is neither true nor false" in outcome.err
    assert not fake_restic.calls


def test_words_for_restic_are_none_of_our_options(profiles, fake_restic):
    profiles.run("check", "--", "-q=false", "--ignore-on-battery").expect(0)
    assert fake_restic.calls[0].argv[-2:] == ("-q=false", "--ignore-on-battery")


def test_unknown_option_is_a_usage_error_and_runs_nothing(profiles, fake_restic):
    outcome = profiles.run("--bogus", "check").expect(2)
    assert "--bogus" in outcome.err
    assert not fake_restic.calls


def test_unknown_profile_is_a_usage_error_that_names_those_that_there_are(profiles):
    outcome = profiles.run("nowhere.check").expect(2)
    assert "`nowhere`" in outcome.err
    assert "pro.file" in outcome.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [("LOCK_WAIT", "soon"), ("NO_LOCK", "maybe"), ("IGNORE_ON_BATTERY", "x"), ("VERBOSE", "2")],
)
def test_variable_that_cannot_be_read_is_told_and_does_not_count(
    profiles, fake_restic, variable, value
):
    name = f"RESTICPROFILE_{variable}"
    outcome = profiles.run("check", env={name: value}).expect(0)
    assert f"{name} is ignored" in outcome.err
    assert called(fake_restic) == ("check", "first")


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"RESTICPROFILE_QUIET": "T"}, "--quiet"),
        ({"RESTICPROFILE_QUIET": ""}, None),
        ({"RESTICPROF_TRACE": "1"}, "--verbose=3"),
        ({"RESTICPROFILE_TRACE": "true", "RESTICPROF_TRACE": "false"}, None),
        ({"RESTICPROFILE_LOCK_WAIT": " 1h "}, "--retry-lock=10m"),
    ],
)
def test_variables_stand_for_options(profiles, fake_restic, env, expected):
    profiles.run("check", env=env).expect(0)
    [call] = fake_restic.calls
    flags = [word for word in call.argv[1:] if not word.startswith("--repo=")]
    assert flags == ([expected] if expected else [])


@pytest.mark.parametrize("words", [("-q", "-v"), ("-v", "-q"), ("-qv",)])
def test_verbose_wins_over_quiet_every_time(profiles, fake_restic, words):
    profiles.run(*words, "check").expect(0)
    [call] = fake_restic.calls
    assert "--verbose=1" in call.argv
    assert "--quiet" not in call.argv


# ---- default command ------------------------------------------------------------------------


def test_default_command_may_be_one_of_ours(project, fake_restic):
    project.write("profiles.toml", PROFILES.format(default="profiles"))
    for words in ((), (".",), ("@home",)):
        assert "pro.file" in project.run(*words).expect(0).out
    assert not fake_restic.calls


def test_default_command_of_ours_is_for_the_profile_that_was_named(project, fake_restic):
    project.write("profiles.toml", PROFILES.format(default="show"))
    assert "local:/second" in project.run("home.").expect(0).out
    assert "local:/second" in project.run("-n", "home").expect(0).out
    assert '"local:/second"' in project.run("@home", "--json").expect(0).out


def test_own_commands_need_no_restic_no_memory_and_no_mains_power(project):
    text = PROFILES.format(default="profiles").replace(
        "[global]", "[global]\nmin-memory = 99999999"
    )
    project.write("profiles.toml", text)
    empty = {"PATH": str(project.bin), "HOME": str(project.home)}
    for words in ([], ["profiles"], ["show"], ["version"], ["help"], ["check-config"]):
        project.run("--ignore-on-battery", *words, env=empty).expect(0)


# ---- help and the end -----------------------------------------------------------------------


def test_version_is_a_command_and_an_option(project):
    told = project.run("version").expect(0).out
    assert told == f"resticprof {__version__}\n"
    assert project.run("--version").expect(0).out == told


def test_help_is_shown_instead_of_a_run_wherever_it_is_asked_for(profiles, fake_restic):
    for words in (["-h"], ["--help"], ["help"], ["show", "--help"]):
        assert "Usage: resticprof" in profiles.run(*words).expect(0).out
    assert "--repo=local:/second" in profiles.run("home.check", "x", "-h").expect(0).out
    assert not [call for call in fake_restic.calls if call.command != "help"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("help", "-v", "--bogus", "schedule"), "Usage: resticprof schedule"),
        (("help", "help", "home.schedule"), "Usage: resticprof schedule"),
        (("help", "monitor", "test"), "Usage: resticprof monitor test"),
        (("help", "monitor", "nothing"), "Usage: resticprof monitor "),
        (("help", "-h"), "Usage: resticprof [OPTIONS]"),
    ],
)
def test_help_has_the_first_command_among_the_words(profiles, words, found):
    assert found in profiles.run(*words).expect(0).out


def test_help_of_a_command_with_two_words_is_its_own(profiles, fake_restic):
    for words in (["help", "key", "add"], ["key", "add", "--help"]):
        profiles.run(*words).expect(0)
        assert fake_restic.calls[-1].argv == ("help", "key", "add")


def test_command_that_nobody_knows_has_no_help(profiles, fake_restic):
    fake_restic.answer("help", err=("Unknown help topic [`nothing`]", "Usage:"))  # and status 0
    outcome = profiles.run("help", "nothing").expect(1)
    assert "neither resticprof nor restic has a command `nothing`" in outcome.err
    assert outcome.out == ""


def test_help_among_the_words_of_another_program_is_for_that(profiles, fake_restic):
    profiles.run("backup", "--stdin-from-command", "--", "tool", "-h").expect(0)
    assert fake_restic.calls[0].command == "backup"


def test_help_leaves_out_what_this_restic_does_not_know(profiles, fake_restic):
    profiles.write(
        "profiles.toml",
        'version = "1"\n[default.backup]\nskip-if-unchanged = true\nno-scan = true\n',
    )
    fake_restic.version("0.16.0")
    shown = profiles.run("backup", "-h").expect(0).out
    assert "--no-scan" in shown
    assert "--skip-if-unchanged" not in shown


def test_wait_is_no_obstacle_where_nobody_sits(profiles):
    profiles.run("--wait", "check").expect(0)


def test_wait_keeps_the_message_of_a_failure_on_the_terminal(profiles):
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "resticprof", "--wait", "nowhere.check"]
    with subprocess.Popen(
        words, cwd=profiles.path, env=profiles.env, stdin=theirs, stderr=subprocess.PIPE
    ) as process:
        said = b""
        while b"press Enter" not in said:
            part = os.read(process.stderr.fileno(), 1024)
            assert part, said
            said += part
        assert b"`nowhere`" in said
        time.sleep(0.1)
        assert process.poll() is None
        os.write(ours, b"\n")
        assert process.wait(20) == 2
    os.close(ours)
    os.close(theirs)


# ---- standard output that takes nothing ---------------------------------------------------------


@pytest.mark.parametrize(
    "words", [["profiles"], ["version"], ["--dry-run", "home.check"], ["-n", "home", "show"]]
)
def test_full_disk_for_the_result_of_our_command_is_an_error_without_a_traceback(profiles, words):
    done = to_full_disk(profiles, *words)
    assert done.returncode == 74
    said = "resticprof: cannot write to standard output: No space left on device\n"
    assert done.stderr.endswith(said)
    assert "Traceback" not in done.stderr


def test_reader_that_has_enough_is_told_nothing(profiles):
    done = without_reader(profiles, "profiles")
    assert (done.returncode, done.stderr) == (141, "")
