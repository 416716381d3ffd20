"""What systemd is told: ready, busy, alive; and that the watchdog tells no lies."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from resticprof.system import service
from resticprof.system.service import Use, moved

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def manager(address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket at which systemd listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address.replace("@", "\0"))
        listening.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        yield listening


def told(listening: socket.socket) -> list[str]:
    """Everything that was told up to now."""
    found = []
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(listening.recv(1000).decode())
    return found


@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    name = f"@resticprof-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with manager(name, monkeypatch) as listening:
        service.notify("READY=1", "STATUS=größer")
        service.status("two\nlines")
        assert told(listening) == ["READY=1\nSTATUS=größer", "STATUS=two lines"]


def test_without_systemd_nobody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    service.notify("READY=1")
    for bad in (str(tmp_path / "none"), "/" + "x" * 200):
        monkeypatch.setenv("NOTIFY_SOCKET", bad)
        service.notify("READY=1")


def test_a_systemd_that_does_not_listen_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with manager(str(tmp_path / "notify"), monkeypatch):
        queue = int(Path("/proc/sys/net/unix/max_dgram_qlen").read_text(encoding="ascii"))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
            other.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(queue + 2):
                    other.sendto(b"STATUS=full", str(tmp_path / "notify"))
        begin = time.monotonic()
        service.notify("READY=1")
        assert time.monotonic() - begin < 20


def test_a_run_is_ready_before_anything_can_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with manager(str(tmp_path / "notify"), monkeypatch) as listening:
        with pytest.raises(OSError, match="early"), service.running():
            raise OSError("early")
        assert told(listening) == ["READY=1", "STOPPING=1"]


def test_systemd_says_whether_it_watches_us(monkeypatch: pytest.MonkeyPatch) -> None:
    assert service.watchdog() is None
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert service.watchdog() == 3.0
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert service.watchdog() is None


WATCHED = """
import subprocess, sys, time
from resticprof.system import service
with service.running():
    subprocess.run(["sh", "-c", sys.argv[1]]) if sys.argv[1] else time.sleep(60)
"""
COMPUTES = f"exec {sys.executable} -c 'while True: pass'"
READS = "while :; do head -c 9000 /dev/zero >/dev/null; sleep 0.1; done"


@contextlib.contextmanager
def watched(script: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """A program that systemd watches, and that runs a shell line until we end both."""
    monkeypatch.setenv("WATCHDOG_USEC", "2000000")
    words = [sys.executable, "-c", WATCHED, script]
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize("script", [COMPUTES, READS, ""], ids=["computes", "reads", "waits itself"])
def test_the_watchdog_hears_of_us_while_something_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    lines: list[str] = []
    with manager(str(tmp_path / "notify"), monkeypatch) as listening, watched(script, monkeypatch):
        end = time.monotonic() + 30
        while lines.count("WATCHDOG=1") <= 11:  # the time of the watchdog, and more
            assert time.monotonic() < end, lines
            lines += told(listening)
            time.sleep(0.05)


def test_the_watchdog_hears_nothing_when_nothing_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        manager(str(tmp_path / "notify"), monkeypatch) as listening,
        watched("exec sleep 60", monkeypatch) as process,
    ):
        assert process.stderr is not None
        assert "nothing has moved for" in process.stderr.readline()
        told(listening)
        time.sleep(1)
        assert told(listening) == []


def test_what_a_restic_that_hangs_does_is_no_movement() -> None:
    """Measured with a server that stops to answer: a byte in three seconds, 10 ms in fifteen."""
    tick = 1000 // os.sysconf("SC_CLK_TCK")
    before = {7: Use(ticks=94, read=180_025_302)}
    hangs = {7: Use(ticks=94 + 20 // tick, read=180_025_322)}
    assert not moved(before, hangs, 30)
    assert moved(before, {7: Use(ticks=94, read=180_125_322)}, 30)
    assert moved(before, {7: Use(ticks=94 + 300 // tick, read=180_025_322)}, 30)
    assert moved(before, {8: Use(ticks=0, read=0)}, 30)
    assert moved(before, {}, 30)


def test_what_keeps_the_machine_awake_does_not_count(tmp_path: Path) -> None:
    program = tmp_path / "systemd-inhibit"
    program.symlink_to("/bin/sleep")
    with subprocess.Popen([program, "60"]) as awake, subprocess.Popen(["sleep", "60"]) as child:
        time.sleep(0.2)
        found = service.descendants()
        awake.kill()
        child.kill()
    assert child.pid in found
    assert awake.pid not in found
