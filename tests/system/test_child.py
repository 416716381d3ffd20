"""Real children: how they are stopped, by signals and time limits, with and without a terminal."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from resticprof.errors import Interrupted
from resticprof.system import child, process
from resticprof.system.process import Streams
from resticprof.system.signals import Signals
from resticprof.system.streams import Stream
from tests.kit.children import BAD, bad, gone, noted, ourselves, sh, when


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGABRT])
def test_restic_gets_one_interrupt_whatever_we_got(tmp_path, number, fast):
    log = tmp_path / "log"
    with Signals() as signals:
        thread = when(log.exists, ourselves(number))
        result = process.run(bad(log, "--cleanup", "1"), patient=True)
        thread.join()
        assert signals.received == number
    assert noted(log) == ["INT"]
    assert (result.exit_code, result.interrupted) == (130, number)


def test_restic_in_a_wrapper_script_is_interrupted_and_waited_for(tmp_path, fast):
    log, backend = tmp_path / "log", tmp_path / "backend"
    own_group = "import os, sys; os.setpgid(0, 0); os.execv(sys.executable, sys.argv)"
    line = (
        f"{sys.executable} -c '{own_group}' {BAD} {backend} & "
        f"while [ ! -e {backend} ]; do sleep 0.02; done; "
        f"{sys.executable} {BAD} {log} --cleanup 1; :"
    )
    with Signals():
        thread = when(log.exists, ourselves(signal.SIGTERM))
        result = process.run(sh(line), patient=True)
        thread.join()
    assert result.interrupted == signal.SIGTERM
    assert noted(log) == ["INT"]
    assert gone(log)
    assert noted(backend) == []
    os.kill(int(backend.read_text().split()[1]), signal.SIGKILL)


def test_a_second_signal_is_a_term_for_restic_and_no_more(tmp_path, fast):
    log = tmp_path / "log"
    with Signals():
        threads = [
            when(log.exists, ourselves(signal.SIGTERM)),
            when(lambda: log.exists() and "INT" in log.read_text(), ourselves(signal.SIGTERM)),
        ]
        process.run(bad(log, "--ignore", "INT", "--cleanup", "1"), patient=True)
        for thread in threads:
            thread.join()
    assert noted(log) == ["INT", "TERM"]


def test_a_hook_that_ignores_signals_is_killed_in_stages(tmp_path, fast):
    log = tmp_path / "log"
    with Signals():
        thread = when(log.exists, ourselves(signal.SIGTERM))
        result = process.run(bad(log, "--ignore", "INT", "TERM"))
        thread.join()
    assert noted(log) == ["INT", "TERM"]
    assert result.exit_code == -signal.SIGKILL
    assert process.cause(result) == "signal: killed"


def test_further_signals_skip_stages(tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setattr(child, "GRACE", 60)
    with Signals():
        threads = [
            when(log.exists, ourselves(signal.SIGINT)),
            when(lambda: log.exists() and "INT" in log.read_text(), ourselves(signal.SIGINT)),
            when(lambda: log.exists() and "TERM" in log.read_text(), ourselves(signal.SIGINT)),
        ]
        result = process.run(bad(log, "--ignore", "INT", "TERM"))
        for thread in threads:
            thread.join()
    assert noted(log) == ["INT", "TERM"]
    assert result.exit_code == -signal.SIGKILL


def test_a_time_limit_stops_a_hook_and_what_it_started(tmp_path, fast):
    log = tmp_path / "log"
    result = process.run(
        sh(f"{sys.executable} {BAD} {log} --ignore INT TERM --child; :"), timeout=4
    )
    assert result.timed_out
    assert result.interrupted == 0
    assert process.cause(result).endswith("its time limit")
    assert gone(log)
    assert gone(tmp_path / "log.child")


def test_a_time_limit_only_interrupts_restic(tmp_path, fast):
    log = tmp_path / "log"
    result = process.run(bad(log, "--cleanup", "1"), timeout=3, patient=True)
    assert noted(log) == ["INT"]
    assert result.timed_out
    assert result.exit_code == 130


def test_restic_that_does_not_hear_the_interrupt_gets_a_term(tmp_path, monkeypatch):
    log = tmp_path / "log"
    monkeypatch.setattr(child, "PATIENCE", 0.5)
    process.run(bad(log, "--ignore", "INT"), timeout=3, patient=True)
    assert noted(log) == ["INT", "TERM"]


def test_a_child_within_its_time_is_left_alone():
    assert not process.run(sh("sleep 0.2"), timeout=5).timed_out


def test_a_signal_that_a_child_survives_is_still_to_be_told(tmp_path):
    log = tmp_path / "log"
    with Signals() as signals:
        thread = when(log.exists, ourselves(signal.SIGINT))
        result = process.run(bad(log, "--exit", "0"))
        thread.join()
        assert (result.exit_code, result.interrupted) == (0, 0)
        with pytest.raises(Interrupted):
            process.run(sh("echo not started"))
        assert process.run(sh("exit 7")).exit_code == 7
        assert signals.received == signal.SIGINT


def test_a_view_that_begins_later_is_left_in_peace(tmp_path):
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert process.run(sh("exit 7"), signals=signals.branch()).exit_code == 7
        with pytest.raises(Interrupted):
            signals.check()


def test_a_signal_during_a_reaction_to_output_reaches_the_child_once(tmp_path, fast):
    log, mark = tmp_path / "log", tmp_path / "mark"

    def react(line):
        process.run(sh(f"touch {mark}; exec sleep 60"))  # until the signal
        process.run(sh("true"))

    with Signals():
        thread = when(lambda: mark.exists() and log.exists(), ourselves(signal.SIGTERM))
        command = sh(f"echo line; exec {sys.executable} {BAD} {log} --cleanup 0.5")
        streams = Streams(stdout=Stream(echo=False, lines=react))
        result = process.run(command, streams, patient=True)
        thread.join()
    assert noted(log) == ["INT"]
    assert result.interrupted == signal.SIGTERM


def test_a_signal_between_children_is_told_once_and_failure_hooks_start():
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted) as caught:
            process.run(sh("exit 0"))
        assert caught.value.exit_code == 143
        assert process.run(sh("exit 7")).exit_code == 7
        assert signals.received == signal.SIGTERM


def test_a_child_in_a_thread_is_stopped_too(tmp_path, fast):
    log = tmp_path / "log"
    results = []
    with Signals() as signals:
        branch = signals.branch()
        worker = threading.Thread(
            target=lambda: results.append(process.run(bad(log), signals=branch))
        )
        worker.start()
        while not log.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        worker.join()
        with pytest.raises(Interrupted):
            signals.check()
    assert results[0].interrupted == signal.SIGINT


# ---- on a terminal --------------------------------------------------------------------------

ON_A_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from resticprof.model.run import Command
from resticprof.system import child, process
from resticprof.system.signals import Signals
child.DOUBT = 0.5
with Signals():
    process.run(Command(argv=("sh", "-c", "test -t 1 && echo terminal")))
    result = process.run(Command(argv=(sys.executable, *sys.argv[1:])), patient=True)
    print(result.exit_code, result.interrupted)
"""


def on_a_terminal(log, act, *options):
    master, slave = os.openpty()
    command = [sys.executable, "-c", ON_A_TERMINAL, BAD, str(log), *options]
    child = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    thread = when(log.exists, lambda: act(master, child.pid))
    said = b""
    try:
        while data := os.read(master, 1000):
            said += data
    except OSError:
        pass  # EIO: the other side is gone
    assert child.wait() == 0
    thread.join()
    os.close(master)
    return said.decode().split()


def test_ctrl_c_reaches_the_child_once(tmp_path):
    log = tmp_path / "log"
    said = on_a_terminal(log, lambda master, pid: os.write(master, b"\x03"))
    assert noted(log) == ["INT"]
    assert said == ["terminal", "^C130", "2"]


def test_an_interrupt_for_us_alone_reaches_the_child_later(tmp_path):
    log = tmp_path / "log"
    said = on_a_terminal(log, lambda master, pid: os.kill(pid, signal.SIGINT))
    assert noted(log) == ["INT"]
    assert said == ["terminal", "130", "2"]


def test_a_term_on_a_terminal_is_passed_on_at_once(tmp_path):
    log = tmp_path / "log"
    said = on_a_terminal(log, lambda master, pid: os.kill(pid, signal.SIGTERM))
    assert noted(log) == ["INT"]
    assert said == ["terminal", "130", "15"]
