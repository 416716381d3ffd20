"""Backups of standard input: half of the data is never a snapshot."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time

import pytest

PROFILES = """
version = "1"

[home]
repository = "local:{path}/repository"
password-file = "password"

[home.backup]
stdin-filename = "dump.sql"
{key}
"""


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """Empty repositories to start from, by restic's version: making one takes a second or two."""
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def home(project, restic, templates):
    """A project with an empty repository; `backup(key)` runs a backup with a key of the profile."""
    project.write("password", "correct horse battery staple")
    template = templates / str(restic.version)
    repository = project.path / "repository"
    if not template.exists():
        restic.run("init", "--repo", str(template), "--password-file", "password")
    shutil.copytree(template, repository)

    def backup(key, stdin=""):
        project.write("profiles.toml", PROFILES.format(path=project.path, key=key))
        return project.run("-n", "home", "backup", stdin=stdin)

    def snapshots():
        return restic.snapshots(repository, project.path / "password")

    def dump():
        return project.run("-n", "home", "dump", "latest", "/dump.sql").expect(0).out

    project.backup, project.snapshots, project.dump = backup, snapshots, dump
    return project


def test_command_that_fails_saves_no_snapshot(home):
    early = home.backup('stdin-command = "echo no database >&2; exit 7"').expect(1)
    assert "backup on profile 'home': stdin-command: exit status 7" in early.err
    late = home.backup('stdin-command = ["seq 100000", "sleep 0.2; exit 8"]').expect(1)
    assert "backup on profile 'home': stdin-command: exit status 8" in late.err
    assert home.snapshots() == []


def test_signal_ends_a_backup_that_waits_for_input_and_saves_no_snapshot(home):
    home.write("profiles.toml", PROFILES.format(path=home.path, key="stdin = true"))
    process = home.start("-n", "home", "backup", stdin=subprocess.PIPE)
    process.stdin.write("the beginning\n")
    process.stdin.flush()
    locks = home.path / "repository" / "locks"
    end = time.monotonic() + 20
    while not list(locks.iterdir()):
        assert time.monotonic() < end, "restic took no lock"
        time.sleep(0.05)
    time.sleep(0.5)  # it reads its input by now
    begin = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM
    assert time.monotonic() - begin < 10
    process.communicate()
    assert home.snapshots() == []


def test_output_of_commands_and_our_input_are_saved(home):
    home.backup('stdin-command = ["echo one", "echo two"]').expect(0)
    assert home.dump() == "one\ntwo\n"
    home.backup("stdin = true", stdin="three\n").expect(0)
    assert home.dump() == "three\n"
