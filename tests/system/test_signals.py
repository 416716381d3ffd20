"""Signals are remembered, and told once."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from resticprof.errors import Interrupted
from resticprof.system.signals import Signals


def test_nothing_is_told_without_a_signal():
    with Signals() as signals:
        signals.check()
        signals.sleep(0.01)
        assert signals.received == 0


def test_a_sleep_ends_with_a_signal():
    with Signals() as signals:
        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
        timer.start()
        begin = time.monotonic()
        with pytest.raises(Interrupted) as caught:
            signals.sleep(30)
        assert time.monotonic() - begin < 20
        assert caught.value.signal == signal.SIGTERM
        timer.join()


def test_a_sleep_lasts_when_the_signal_was_told_before():
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            signals.check()
        begin = time.monotonic()
        signals.sleep(0.2)
        assert time.monotonic() - begin >= 0.2


def test_the_first_signal_is_remembered_and_the_last_is_told():
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted) as caught:
            signals.check()
        assert caught.value.signal == signal.SIGTERM
        assert signals.received == signal.SIGINT


def test_each_view_is_told_by_itself():
    with Signals() as signals:
        branch = signals.branch()
        os.kill(os.getpid(), signal.SIGINT)
        for view in (signals, branch):
            with pytest.raises(Interrupted):
                view.check()
            view.check()
        signals.branch().check()


def test_a_cancelled_view_starts_nothing_and_others_are_not_touched():
    with Signals() as signals:
        branch = signals.branch()
        branch.cancel()
        for _ in range(2):
            with pytest.raises(Interrupted):
                branch.check()
        signals.check()


def test_the_handlers_are_put_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Signals() as signals:
        assert Signals.active() is signals
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert Signals.active() is not signals


def test_a_signal_that_was_ignored_stays_ignored():
    code = """
import os, signal
from resticprof.system.signals import Signals
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with Signals() as signals:
    os.kill(os.getpid(), signal.SIGHUP)
    signals.check()
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
