"""The table of restic's flags."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from resticprof.restic import flags
from resticprof.restic.versions import Version


def test_flag_is_known_since_its_release():
    assert "skip-if-unchanged" not in flags.known("backup", Version(0, 16, 5))
    assert "skip-if-unchanged" in flags.known("backup", Version(0, 17, 0))


def test_removed_flag_stays_allowed():
    assert "last" in flags.known("snapshots", Version(0, 18, 0))


def test_unknown_version_has_every_flag():
    assert {"skip-if-unchanged", "hostname"} <= flags.known("backup").keys()


def test_table_ends_at_a_release_that_it_was_made_for():
    assert Version(0, 19) <= flags.newest()
    everything = [flag for command in flags.commands() for flag in flags.known(command).values()]
    assert all(flag.since <= flags.newest() for flag in everything)


def test_flags_of_all_commands_belong_to_each():
    assert flags.known("backup", Version(0, 14))["repo"] is flags.known("check")["repo"]


def test_unknown_command_has_the_common_flags_only():
    assert flags.known("nonsense") == flags.known("cat")


def test_letter_is_the_one_of_the_command():
    assert flags.known("backup")["H"].name == "host"
    assert flags.known("forget")["H"].name == "keep-hourly"


def test_second_word_has_the_flags_of_the_first_before_it_existed():
    assert "new-password-file" in flags.known("key-add", Version(0, 14))
    assert "new-insecure-no-password" not in flags.known("key-add", Version(0, 14))
    assert "host" not in flags.known("key-list", Version(0, 18))


def test_release_between_0_9_4_and_0_10_has_the_flags_of_0_9_4():
    assert "iexclude" not in flags.known("backup", Version(0, 9, 6))
    assert "iexclude" in flags.known("backup", Version(0, 10))


def test_command_of_two_words():
    assert flags.words("key-add") == ("key", "add")
    assert flags.words("rebuild-index") == ("rebuild-index",)
    assert flags.is_command("repair-snapshots")
    assert not flags.is_command(flags.COMMON)
    assert flags.COMMON not in flags.commands()


@pytest.mark.parametrize(
    ("name", "command", "there"),
    [
        ("exclude", "backup", True),
        ("repo", "check", True),
        ("exclude", "check", False),
        ("exclude", None, True),
        ("e", "backup", False),
        ("exlude", None, False),
    ],
)
def test_flag_exists(name, command, there):
    assert flags.exists(name, command) is there


def test_bool_takes_no_value():
    known = flags.known("backup")
    assert not known["stdin"].takes_value
    assert not known["verbose"].takes_value
    assert known["tag"].takes_value


@pytest.mark.needs("restic")
@pytest.mark.parametrize("command", ["backup", "forget", "check", "copy", "init", "prune", "mount"])
def test_table_says_what_restic_itself_says(command):
    restic = shutil.which("restic")
    said = subprocess.run([restic, "version"], check=True, capture_output=True, text=True).stdout
    help_text = subprocess.run(
        [restic, "help", command], check=True, capture_output=True, text=True
    ).stdout
    version = Version.from_output(said)
    theirs = set(re.findall(r"^ +(?:-\w, )?--([\w-]+)", help_text, re.MULTILINE))
    known = flags.known(command, version)
    ours = {flag.name for flag in known.values() if flag.until is None or version <= flag.until}
    assert theirs == ours
