"""Conditions of a run: when they are not met it is skipped, and everybody can see that."""

from __future__ import annotations

import contextlib
import socket

import pytest

PROFILES = """
version = "1"
[global]
min-memory = {memory}
[default]
repository = "local:/r"
lock = "lock"
status-file = "status.json"
run-before = ["echo hook"]
run-after-fail = ["echo failed"]
"""


@pytest.mark.parametrize("memory", [0, 1])
def test_run_takes_place_where_there_is_enough_memory(project, fake_restic, memory):
    project.write("profiles.toml", PROFILES.format(memory=memory))
    project.run("check").expect(0)
    assert len(fake_restic.calls) == 1


def test_run_without_enough_memory_is_skipped_even_quietly_with_a_word(project, fake_restic):
    project.write("profiles.toml", PROFILES.format(memory=99_999_999))
    outcome = project.run("-q", "check").expect(0)
    assert "check default: SKIPPED (only " in outcome.err
    assert "`min-memory` asks for 99999999" in outcome.err
    assert "hook" not in outcome.err
    assert "failed" not in outcome.err
    assert not fake_restic.calls
    assert not (project.path / "lock").exists()
    assert not (project.path / "status.json").exists()


def test_monitors_are_told_of_a_run_that_was_skipped(project, fake_restic, server):
    text = PROFILES.format(memory=99_999_999)
    text += f'[default.monitor.healthchecks]\nurl = "{server.url}/uuid"\n'
    project.write("profiles.toml", text)
    project.run("check").expect(0)
    assert [request.path for request in server.requests] == ["/uuid/log"]


def test_systemd_that_stops_a_run_is_asked_for_time(project, fake_restic):
    """Otherwise it kills restic after 90 seconds, which leaves a lock in the repository."""
    project.write("profiles.toml", PROFILES.format(memory=0))
    fake_restic.answer("check", delay=20)
    address = project.path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(address))
        systemd.settimeout(20)
        with project.start("check", env={"NOTIFY_SOCKET": str(address)}) as process:
            fake_restic.wait_for_call("check")
            process.terminate()
            process.communicate(timeout=20)
        systemd.setblocking(False)
        told = []
        with contextlib.suppress(BlockingIOError):
            while True:
                told.append(systemd.recv(1000).decode())
    assert told[0] == "READY=1"
    assert told[-1] == "STOPPING=1"
    assert "EXTEND_TIMEOUT_USEC=300000000" in told
