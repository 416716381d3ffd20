"""Children that wait for input, and how they are stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from resticprof.errors import Error
from resticprof.model.run import Command
from resticprof.system import child, process
from resticprof.system.feed import OurInput
from resticprof.system.process import Streams
from resticprof.system.signals import Signals
from tests.kit.children import sh
from tests.kit.project import CHECKOUT

WAITER = """
import signal, sys
seen = []
signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
print("waiting", flush=True)
data = sys.stdin.read()
print("%d bytes, %d signals" % (len(data), len(seen)), flush=True)
sys.exit(130 if seen else 0)
"""
"""Notices an interrupt, but goes on reading to the end, as newer versions of restic do."""

CHILD = Command(argv=(sys.executable, "-S", "-c", WAITER))


def run(stdin, **options):
    captured = process.CAPTURED
    streams = Streams(stdin=stdin, stdout=captured.stdout, stderr=captured.stderr)
    return process.run(CHILD, streams, patient=True, **options)


@pytest.fixture
def our_input():
    """A pipe in the place of our standard input; what is written into it can be read there."""
    reading, writing = os.pipe()
    before = os.dup(0)
    os.dup2(reading, 0)
    os.close(reading)
    yield writing
    os.dup2(before, 0)
    os.close(before)
    os.close(writing)


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(child, "SEEN", 0.5)
    monkeypatch.setattr(child, "GRACE", 0.5)


def test_time_limit_ends_a_child_that_waits_for_commands(fast):
    result = run((sh("echo one; sleep 60"),), timeout=4)
    assert result.timed_out
    assert result.stdout == "waiting\n4 bytes, 1 signals\n"


def test_time_limit_ends_a_child_that_waits_for_our_input(fast, our_input):
    os.write(our_input, b"one\n")
    result = run(OurInput(), timeout=4)
    assert result.timed_out
    assert result.stdout == "waiting\n4 bytes, 1 signals\n"


def test_failing_command_ends_the_child_only_after_the_interrupt(fast):
    with pytest.raises(Error, match="exit status 3"):
        run((sh("echo one; sleep 0.3; exit 3"),))


def test_child_that_does_not_read_is_not_waited_for(our_input):
    os.write(our_input, b"one\n")
    begin = time.monotonic()
    assert process.run(sh("exit 4"), Streams(stdin=OurInput())).exit_code == 4
    assert time.monotonic() - begin < 40


@pytest.mark.parametrize(("keep", "gone"), [(10, False), (9, True)])
def test_input_that_was_kept_is_there_for_the_next_child(our_input, keep, gone):
    os.write(our_input, b"one\n")
    ours = OurInput(keep)
    assert process.run(sh("read line; exit 4"), Streams(stdin=ours)).exit_code == 4
    os.write(our_input, b"two\n")
    streams = Streams(stdin=ours, stdout=process.CAPTURED.stdout)
    assert process.run(sh("read a; read b; echo $a $b"), streams).stdout == "one two\n"
    os.write(our_input, b"3\n")
    process.run(sh("read a; read b; read c"), streams)
    assert ours.gone is gone


def test_closed_input_is_an_error():
    program = (
        "from resticprof.system.process import Command, OurInput, Streams, run\n"
        "run(Command(argv=('cat',)), Streams(stdin=OurInput()))"
    )
    words = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", program]
    done = subprocess.run(words, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    assert "Error: cannot read standard input: it is closed" in done.stderr


def test_signal_ends_a_child_that_waits_for_our_input(fast, our_input):
    os.write(our_input, b"one\n")
    with Signals() as signals:
        killer = subprocess.Popen(["sh", "-c", f"sleep 1.5; kill -TERM {os.getpid()}"])
        result = run(OurInput(), signals=signals)
    killer.wait()
    assert result.interrupted == signal.SIGTERM
    assert result.stdout == "waiting\n4 bytes, 1 signals\n"
