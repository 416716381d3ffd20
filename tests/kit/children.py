"""Children that note their signals, and what to do to them when."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

from resticprof.model.run import Command

BAD = str(Path(__file__).with_name("bad_process.py"))


def sh(line, **options):
    """A line for the shell."""
    return Command(argv=("sh", "-c", line), **options)


def bad(log, *options):
    """It writes into `log`."""
    return Command(argv=(sys.executable, BAD, str(log), *options))


def noted(log):
    """The signals that it got."""
    return [line for line in log.read_text().splitlines() if not line.startswith("started")]


def gone(log):
    """Whether the process ends; a killed one takes a moment."""
    pid = int(log.read_text().split()[1])
    state = Path(f"/proc/{pid}/stat")
    deadline = time.monotonic() + 2
    while state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z":
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def when(condition, action):
    """Do something in the background as soon as a condition holds."""

    def wait():
        deadline = time.monotonic() + 20
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.01)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def ourselves(number):
    """Send us a signal, when called."""
    return lambda: os.kill(os.getpid(), number)
