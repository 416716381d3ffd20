"""Real children: their streams, their end, and how they are stopped."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from unittest.mock import ANY

import pytest

from resticprof.errors import CommandError, Interrupted
from resticprof.model.run import Command
from resticprof.system import child, process, streams
from resticprof.system.process import CAPTURED, Streams
from resticprof.system.signals import Signals
from resticprof.system.streams import Stream

BAD = str(Path(__file__).with_name("bad_process.py"))
QUIET = Stream(echo=False)


def sh(line, **options):
    return Command(argv=("sh", "-c", line), **options)


def bad(log, *options):
    return Command(argv=(sys.executable, BAD, str(log), *options))


def noted(log):
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
    return lambda: os.kill(os.getpid(), number)


@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(child, "GRACE", 0.3)
    monkeypatch.setattr(child, "LINGER", 0.3)


# ---- output ---------------------------------------------------------------------------------


def test_output_and_exit_status_come_back():
    result = process.run(sh("echo out; echo err >&2; exit 5"), CAPTURED)
    assert (result.stdout, result.stderr, result.exit_code) == ("out\n", "err\n", 5)
    assert process.cause(result) == "exit status 5"
    assert result.seconds > 0


def test_output_goes_to_ours_without_a_receiver(capfd):
    result = process.run(sh("echo out; echo err >&2"))
    assert capfd.readouterr() == ("out\n", "err\n")
    assert (result.stdout, result.stderr) == ("", "")


def test_output_can_be_passed_on_kept_and_told_at_once(capfd):
    told = []
    both = Stream(lines=told.append, keep=True)
    result = process.run(sh("printf 'one\\ntwo'"), Streams(stdout=both))
    assert capfd.readouterr().out == "one\ntwo"
    assert told == ["one", "two"]
    assert result.stdout == "one\ntwo"


def test_a_megabyte_of_stderr_does_not_block_the_child():
    line = "head -c 1000000 /dev/zero | tr '\\0' e >&2; echo done"
    result = process.run(sh(line), CAPTURED)
    assert result.stdout == "done\n"
    assert result.stderr == "e" * streams.KEPT


def test_a_long_line_is_told_whole():
    told = []
    process.run(
        sh("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end"),
        Streams(stdout=Stream(echo=False, lines=told.append)),
    )
    assert [len(line) for line in told] == [3000000, 3]


def test_a_line_without_end_is_told_in_pieces(monkeypatch):
    monkeypatch.setattr(streams, "LONGEST", 100_000)
    told = []
    process.run(
        sh("head -c 1000000 /dev/zero | tr '\\0' x"),
        Streams(stdout=Stream(echo=False, lines=told.append)),
    )
    assert sum(map(len, told)) == 1000000
    assert 100_000 < max(map(len, told)) < 200_000


def test_a_line_is_told_before_the_child_ends(tmp_path):
    told = []

    def answer(line):
        told.append(line)
        (tmp_path / "go").write_text("")

    process.run(
        sh("echo first; while [ ! -e go ]; do sleep 0.02; done; echo second", cwd=str(tmp_path)),
        Streams(stdout=Stream(echo=False, lines=answer)),
        timeout=10,
    )
    assert told == ["first", "second"]


def test_bytes_that_are_no_text_are_replaced():
    told = []
    process.run(
        sh("printf 'a\\377b\\r\\n\\303\\274\\n'"),
        Streams(stdout=Stream(echo=False, lines=told.append)),
    )
    assert told == ["a\N{REPLACEMENT CHARACTER}b", "ü"]


def test_a_character_may_be_written_in_two_parts():
    told = []
    process.run(
        sh("printf '\\303'; sleep 0.1; printf '\\274\\n'"),
        Streams(stdout=Stream(echo=False, lines=told.append)),
    )
    assert told == ["ü"]


def test_a_failing_receiver_stops_the_child(tmp_path, fast):
    def fail(line):
        raise RuntimeError(line)

    log = tmp_path / "log"
    with pytest.raises(RuntimeError, match="boom"):
        process.run(
            sh(f"echo boom; exec {sys.executable} {BAD} {log} --ignore INT TERM"),
            Streams(stdout=Stream(echo=False, lines=fail)),
        )
    assert not log.exists() or gone(log)


def test_what_a_child_leaves_in_the_background_is_not_waited_for(fast):
    begin = time.monotonic()
    result = process.run(sh("echo before; sleep 30 & echo after"), CAPTURED)
    assert result.stdout == "before\nafter\n"
    assert time.monotonic() - begin < 20


def test_what_comes_soon_after_the_end_is_heard():
    result = process.run(sh("(sleep 0.3; echo late) & echo early"), CAPTURED)
    assert result.stdout == "early\nlate\n"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ([b"one\n", b"two\n"], "one\ntwo\n"),
        ([b"12345\n", b"1234567\n"], "1234567\n"),
        ([b"x" * 50], "x" * 10),
        ([b"x" * 50, b"\ny\n"], "y\n"),
        ([b"123456789\n"], "123456789\n"),
        ([b"abc\n", b"123456789\n"], "123456789\n"),
        ([b"%d\n" % number for number in range(100)], "97\n98\n99\n"),
    ],
)
def test_a_tail_keeps_whole_lines(written, kept):
    tail = streams.Tail(10)
    for data in written:
        tail(data)
    assert tail.text == kept


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ([b"one\ntw", b"o\n"], [b"one\n", b"two\n"]),
        ([b" 10 %\r 2", b"0 %\r", b"rest"], [b" 10 %\r", b" 20 %\r", b"rest"]),
        ([b"one\r", b"\ntwo"], [b"one\r", b"\n", b"two"]),
        ([b"a" * 40_000 + b" sec", b"ret" + b"b" * 40_000], [b"a" * 40_000 + b" ", ANY]),
        ([b"a" * 40_000, b"b" * 40_000], [b"a" * 40_000 + b"b" * 40_000]),
    ],
)
def test_words_come_in_whole_lines(written, told):
    found = []
    words = streams.Words(found.append)
    for data in written:
        words(data)
    words.finish()
    assert found == told
    assert b"".join(found) == b"".join(written)


def test_a_question_without_an_end_is_shown_while_the_child_waits_for_the_answer(tmp_path):
    asked = []

    def answer(data):
        asked.append(data)
        (tmp_path / "answer").touch()

    child = "printf 'go on? '; while ! [ -e answer ]; do sleep 0.05; done; echo yes"
    process.run(
        sh(child, cwd=str(tmp_path)), Streams(stdout=Stream(echo=False, words=answer)), timeout=60
    )
    assert asked == [b"go on? ", b"yes\n"]


# ---- starting -------------------------------------------------------------------------------


def test_a_missing_program_is_a_result(capfd):
    result = process.run(Command(argv=("no-such-program", "x")))
    assert result.exit_code == 127
    assert result.stderr == "cannot start `no-such-program`: no such program\n"
    assert capfd.readouterr().err == result.stderr


def test_a_file_that_cannot_be_executed_is_a_result(tmp_path):
    (tmp_path / "data").write_text("")
    result = process.run(Command(argv=(str(tmp_path / "data"),)), CAPTURED)
    assert result.exit_code == 126
    assert "Permission denied" in result.stderr


def test_a_missing_working_directory_is_named():
    result = process.run(sh("true", cwd="/no/such/place"), CAPTURED)
    assert result.exit_code == 126
    assert "cannot enter directory `/no/such/place`" in result.stderr


def test_too_large_an_environment_is_a_clear_result():
    result = process.run(sh("true", env={"LARGE": "x" * 3_000_000}), CAPTURED)
    assert result.exit_code == 126
    assert "arguments and environment are too large (30000" in result.stderr


def test_a_null_character_is_a_result():
    result = process.run(Command(argv=("echo", "a\0b")), CAPTURED)
    assert (result.exit_code, "null" in result.stderr) == (126, True)


def test_a_secret_argument_is_not_in_the_message():
    command = Command(argv=("/none/secret",), public=("/none/×××",))
    assert "secret" not in process.run(command, CAPTURED).stderr


def test_environment_and_directory_are_those_of_the_command(tmp_path):
    command = sh("echo $A; pwd", env={"A": "b", "PATH": os.environ["PATH"]}, cwd=str(tmp_path))
    assert process.run(command, CAPTURED).stdout == f"b\n{tmp_path}\n"


def test_the_process_id_is_told():
    told = []
    result = process.run(sh("echo $$"), CAPTURED, on_start=told.append)
    assert result.stdout == f"{told[0]}\n"


# ---- input ----------------------------------------------------------------------------------


def test_there_is_no_input_by_default():
    assert process.run(sh("cat; echo end"), CAPTURED).stdout == "end\n"


def test_text_can_be_the_input():
    data = b"line\n" * 100_000
    result = process.run(sh("wc -c"), Streams(stdin=data, stdout=Stream(echo=False, keep=True)))
    assert result.stdout.strip() == "500000"


def test_input_that_nobody_reads_is_no_problem():
    assert process.run(sh("true"), Streams(stdin=b"x" * 1_000_000)).exit_code == 0


def test_our_input_can_be_handed_on():
    code = """
from resticprof.model.run import Command
from resticprof.system import process
process.run(Command(argv=("cat",)))
process.run(Command(argv=("cat",)), process.Streams(stdin=process.OurInput()))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, input=b"ours\n", capture_output=True
    )
    assert done.stdout == b"ours\n"


def feed(*lines):
    return Streams(stdin=tuple(map(sh, lines)), stdout=Stream(echo=False, keep=True))


def test_commands_feed_the_child_in_order():
    result = process.run(sh("cat"), feed("echo one", "printf two", "true", "echo three"))
    assert result.stdout == "one\ntwothree\n"


def test_large_input_flows_through():
    result = process.run(sh("wc -c"), feed("head -c 5000000 /dev/zero"))
    assert result.stdout.strip() == "5000000"


def test_commands_without_output_are_empty_input():
    assert process.run(sh("cat; echo end"), feed("true")).stdout == "end\n"


def test_the_child_is_not_started_when_its_input_fails_at_once(tmp_path):
    mark = tmp_path / "started"
    with pytest.raises(CommandError, match="exit status 3") as caught:
        process.run(sh(f"touch {mark}"), feed("echo no >&2; exit 3", "echo more"))
    assert caught.value.child_exit_code == 3
    assert caught.value.stderr == "no\n"
    assert not mark.exists()


def test_the_child_is_interrupted_when_its_input_fails_later(tmp_path):
    log = tmp_path / "log"
    line = f"echo first; while [ ! -e {log} ]; do sleep 0.02; done; exit 4"
    with pytest.raises(CommandError, match="exit status 4"):
        process.run(bad(log), feed(line), patient=True)
    assert noted(log) == ["INT"]


def test_the_child_sees_no_end_of_input_when_its_input_fails(tmp_path):
    mark = tmp_path / "complete"
    with pytest.raises(CommandError):
        process.run(
            sh(f"trap 'exit 130' INT; cat; touch {mark}"), feed("echo half; sleep 0.3; exit 4")
        )
    assert not mark.exists()


def test_the_failure_of_the_child_counts_when_it_does_not_read(fast):
    begin = time.monotonic()
    result = process.run(sh("exit 12"), feed("while true; do echo data; done", "sleep 60"))
    assert result.exit_code == 12
    result = process.run(sh("exit 12"), feed("echo data; sleep 60"))
    assert result.exit_code == 12
    assert time.monotonic() - begin < 40


def test_a_missing_child_stops_its_input(fast):
    result = process.run(Command(argv=("no-such-program",)), feed("echo data; sleep 60"))
    assert result.exit_code == 127


def test_a_signal_ends_input_and_child(tmp_path, fast):
    log = tmp_path / "log"
    with Signals() as signals:
        thread = when(log.exists, ourselves(signal.SIGTERM))
        result = process.run(bad(log), feed("echo data; sleep 60"), patient=True)
        thread.join()
        assert result.interrupted == signal.SIGTERM
        signals.check()
    assert noted(log) == ["INT"]


def test_a_signal_before_the_first_byte_starts_nothing(tmp_path, fast):
    mark = tmp_path / "mark"
    line = f"touch {mark}; exec sleep 60"
    with Signals() as signals:
        thread = when(mark.exists, ourselves(signal.SIGINT))
        with pytest.raises(Interrupted):
            process.run(sh("echo never"), feed(line))
        thread.join()
        signals.check()


# ---- stopping -------------------------------------------------------------------------------


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
