"""Real children: how they are started, and their streams."""

import os
import signal
import subprocess
import sys
import time
from unittest.mock import ANY

import pytest

from resticprof.errors import CommandError, Interrupted
from resticprof.model.run import Command
from resticprof.system import process, streams
from resticprof.system.process import CAPTURED, Streams
from resticprof.system.signals import Signals
from resticprof.system.streams import Stream
from tests.kit.children import BAD, bad, gone, noted, ourselves, sh, when

QUIET = Stream(echo=False)


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
