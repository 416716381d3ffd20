"""Where log lines go, and what is kept out of them."""

import contextlib
import io
import logging
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import textwrap
import threading

import pytest

from resticprof.model.run import ANSWER
from resticprof.model.types import MASK, Secret
from resticprof.system import directories, targets
from resticprof.system.logs import TRACE, Logs, Scrubber, Tail

log = logging.getLogger("resticprof")
TIME = r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d"


@pytest.fixture
def logs(monkeypatch):
    """Logs that write to `logs.shown` instead of stderr."""
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    logs = Logs(level=TRACE)
    logs.shown = shown
    log.propagate = True  # or pytest puts its own handlers on our logger
    yield logs
    logs.close()


def test_the_console_shows_time_and_message(logs):
    log.info("hello %s", "world")
    assert re.fullmatch(rf"{TIME} hello world\n", logs.shown.getvalue())


def test_the_level_decides_what_is_shown_and_can_be_changed(logs):
    logs.set_level(logging.WARNING)
    log.info("quiet")
    log.warning("loud")
    assert logs.level == logging.WARNING
    logs.set_level(logging.INFO)
    log.info("again")
    assert [line.split()[-1] for line in logs.shown.getvalue().splitlines()] == ["loud", "again"]


def test_everything_is_put_back():
    before = (log.level, log.propagate, list(log.handlers))
    Logs(level=logging.INFO).close()
    assert (log.level, log.propagate, list(log.handlers)) == before


ON_A_TERMINAL = """
import logging, sys
from resticprof.system.logs import Logs
logs = Logs(level=5, theme=sys.argv[1], ansi=sys.argv[2] == "ansi")
for level in (5, 10, 20, 30, 40):
    logging.getLogger("resticprof").log(level, "x")
"""


@pytest.mark.parametrize(
    ("theme", "ansi", "codes"),
    [
        ("light", "ansi", ["2", "32", "36", "1;35", "1;31"]),
        ("dark", "ansi", ["2", "92", "96", "1;95", "1;91"]),
        ("none", "ansi", ["1", "1"]),
        ("unknown", "ansi", ["1", "1"]),
        ("light", "plain", []),
    ],
)
def test_levels_have_colours_on_a_terminal(theme, ansi, codes):
    master, slave = os.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    command = [sys.executable, "-c", ON_A_TERMINAL, theme, ansi]
    subprocess.run(command, check=True, stderr=slave, env=environment)
    os.close(slave)
    shown = os.read(master, 10000).decode()
    os.close(master)
    assert re.findall(r"\x1b\[([0-9;]+)m20", shown) == codes


def test_there_are_no_colours_in_a_file():
    command = [sys.executable, "-c", ON_A_TERMINAL, "light", "ansi"]
    done = subprocess.run(command, check=True, capture_output=True)
    assert b"\x1b" not in done.stderr


def test_the_journal_gets_priorities(tmp_path):
    with (tmp_path / "journal").open("w") as journal:
        status = os.fstat(journal.fileno())
        stream = f"{status.st_dev}:{status.st_ino}"
        command = [sys.executable, "-c", ON_A_TERMINAL, "light", "ansi"]
        environment = os.environ | {"JOURNAL_STREAM": stream}
        subprocess.run(command, check=True, stderr=journal, env=environment)
    assert (tmp_path / "journal").read_text().split() == ["<5>x", "<7>x", "<6>x", "<4>x", "<3>x"]


# ---- targets --------------------------------------------------------------------------------


def test_a_file_gets_levels_and_the_console_nothing(logs, tmp_path):
    (tmp_path / "a.log").write_text("before\n")
    logs.send_to(str(tmp_path / "a.log"))
    for level in (TRACE, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        log.log(level, "line")
    logs.command_line_output("\x1b[1mraw\x1b[0m output")
    lines = (tmp_path / "a.log").read_text().splitlines()
    assert lines[0] == "before"
    for line, level in zip(lines[1:], ["TRACE", "DEBUG", "INFO ", "WARN ", "ERROR"], strict=False):
        assert re.fullmatch(rf"{TIME} {level} line", line)
    assert lines[6:] == ["raw output"]
    assert logs.shown.getvalue() == ""


def test_odd_characters_do_not_disturb(logs, tmp_path):
    logs.send_to(str(tmp_path / "a.log"))
    log.info("a name \udce4")
    assert (tmp_path / "a.log").read_text().endswith("a name ?\n")
    assert len(logs.tail.lines()) == 1


def test_a_temporary_file_is_in_the_private_directory(logs):
    logs.send_to("temp:/t/x.log")
    log.info("hello")
    assert "hello" in (directories.private() / "t" / "x.log").read_text()


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/none/a.log", "No such file"),
        ("gopher://host/x", "`gopher:` is no kind of log"),
        ("tcp://127.0.0.1:1", "onnection refused"),
        ("udp://no-such-host.invalid", ""),
        ("udp://host:port", ""),
        ("/", "Is a directory"),
    ],
)
def test_a_target_that_cannot_be_used_leaves_the_console(logs, target, reason):
    logs.send_to(target)
    log.info("hello")
    first, second = logs.shown.getvalue().splitlines()
    assert f"cannot log to `{target}`: " in first
    assert reason in first
    assert second.endswith("hello")


def test_the_console_is_meant_by_nothing_and_by_a_dash(logs):
    logs.send_to("")
    logs.send_to("-")
    log.info("hello")
    assert "hello" in logs.shown.getvalue()
    logs.command_line_output("nothing happens")
    assert "nothing" not in logs.shown.getvalue()


def test_lines_that_do_not_fit_on_the_disk_are_shown(tmp_path):
    code = """
        import logging, sys
        from resticprof.system.logs import Logs
        logs = Logs(level=20)
        logs.send_to(sys.argv[1])
        for number in range(30):
            logging.getLogger("resticprof").info("line %d %s", number, "x" * 50)
        logs.close()
    """

    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "a.log")],
        check=True, capture_output=True, text=True, preexec_fn=small_files,
    )  # fmt: skip
    assert "line 29 x" in done.stderr
    assert "Traceback" not in done.stderr
    assert "line 0 x" in (tmp_path / "a.log").read_text()


@contextlib.contextmanager
def syslog_server(kind, address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family, kind) as server:
        server.bind(address)
        server.settimeout(5)
        yield server


FRAME = r"<(\d+)>\w{3} [ \d]\d \d\d:\d\d:\d\d "


def test_the_local_syslog(logs, tmp_path, monkeypatch):
    monkeypatch.setattr(targets, "LOCAL", str(tmp_path / "log"))
    with syslog_server(socket.SOCK_DGRAM, str(tmp_path / "log")) as server:
        logs.send_to("syslog:")
        for level in (TRACE, logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
            log.log(level, "line")
        logs.command_line_output("output")
        got = [server.recv(1000).decode() for _ in range(6)]
    assert [re.match(FRAME, line)[1] for line in got] == ["13", "15", "14", "12", "11", "13"]
    assert re.fullmatch(rf"{FRAME}resticprof\[\d+\]: output", got[5])


def test_syslog_by_udp(logs):
    with syslog_server(socket.SOCK_DGRAM, ("127.0.0.1", 0)) as server:
        logs.send_to(f"udp://127.0.0.1:{server.getsockname()[1]}")
        log.info("one\ntwo")
        got = [server.recv(1000).decode() for _ in range(2)]
    assert re.fullmatch(rf"{FRAME}\S+ resticprof\[\d+\]: one", got[0])
    assert got[1].endswith(": two")


@pytest.mark.parametrize("scheme", ["tcp", "syslog-tcp"])
def test_syslog_by_tcp(logs, scheme):
    with syslog_server(socket.SOCK_STREAM, ("127.0.0.1", 0)) as server:
        server.listen()
        logs.send_to(f"{scheme}://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        log.info("one")
        with connection, connection.makefile() as lines:
            assert re.fullmatch(rf"{FRAME}\S+ resticprof\[\d+\]: one\n", lines.readline())


def test_a_syslog_server_may_be_started_again(logs):
    with syslog_server(socket.SOCK_STREAM, ("127.0.0.1", 0)) as server:
        server.listen()
        logs.send_to(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        log.info("one")
        log.info("two")
        connection, _ = server.accept()
        with connection, connection.makefile() as lines:
            assert "resticprof" in lines.readline()


def test_a_lost_syslog_server_leaves_the_console(logs):
    with syslog_server(socket.SOCK_STREAM, ("127.0.0.1", 0)) as server:
        server.listen()
        logs.send_to(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    for number in range(5):
        log.info("line %d", number)
    assert "line 4" in logs.shown.getvalue()


# ---- secrets --------------------------------------------------------------------------------


def test_known_secrets_are_hidden_everywhere(logs, tmp_path):
    logs.send_to(str(tmp_path / "a.log"))
    unresolved = Secret(source=lambda: pytest.fail("must not be resolved"))
    logs.scrubber.learn([Secret("hunter2"), "plain-word", unresolved])
    log.info("with %s and %s", "hunter2", "plain-word")
    log.error("it failed", exc_info=ValueError("hunter2"))
    logs.command_line_output("output hunter2")
    text = (tmp_path / "a.log").read_text()
    assert "hunter2" not in text
    assert f"with {MASK} and {MASK}" in text
    assert f"ValueError: {MASK}" in text
    assert f"output {MASK}" in text
    assert "hunter2" not in repr(logs.tail.lines())


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        (Secret("abc"), "abc", "abc"),
        (Secret("open", public="open"), "open", "open"),
        (
            Secret("rest:https://me:word@host/", public=f"rest:https://me:{MASK}@host/"),
            "rest:https://me:word@host/ and word",
            f"rest:https://me:{MASK}@host/ and {MASK}",
        ),
        (Secret("long-secret"), "long-secret-and long", f"{MASK}-and long"),
        (Secret("line one\nline two\n"), "line two", MASK),
        (Secret("a.b(c"), "a.b(c axb(c", f"{MASK} axb(c"),
    ],
)
def test_what_is_hidden(secret, text, shown):
    scrubber = Scrubber()
    scrubber.learn([secret])
    assert scrubber.scrub(text) == shown


def test_a_secret_is_hidden_as_soon_as_it_is_known():
    scrubber = Scrubber()
    secret = Secret(public="{ command = … }", source=lambda: "fetched")
    scrubber.learn([secret])
    assert scrubber.scrub("not fetched yet") == "not fetched yet"
    secret.reveal()
    assert scrubber.scrub("now fetched") == f"now {MASK}"


def test_the_longest_secret_is_hidden_first():
    scrubber = Scrubber()
    scrubber.learn(["word"])
    scrubber.learn(["wordlist"])
    assert scrubber.scrub("wordlist word") == f"{MASK} {MASK}"


# ---- the tail -------------------------------------------------------------------------------


def test_the_tail_keeps_lines_with_level_and_number(logs):
    logs.set_level(logging.ERROR)
    log.debug("one")
    log.warning("two\nthree")
    logs.tail.add(ANSWER, "\x1b[1mfour\x1b[0m")
    logs.tail.add(ANSWER, "10 %\r50 %\r100 %\r")
    lines = logs.tail.lines()
    assert [(line.level, line.text, line.number) for line in lines] == [
        (logging.DEBUG, "one", 1),
        (logging.WARNING, "two", 2),
        (logging.WARNING, "three", 3),
        (ANSWER, "four", 4),
        (ANSWER, "100 %", 5),
    ]
    assert lines[0].time.tzinfo
    logs.tail.clear()
    assert logs.tail.lines() == ()


def test_the_tail_does_not_hear_monitors_and_requests(logs):
    logging.getLogger("resticprof.http").warning("request")
    logging.getLogger("resticprof.monitor").warning("monitor")
    log.debug("ours")
    assert [line.text for line in logs.tail.lines()] == ["ours"]
    assert "monitor" in logs.shown.getvalue()


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (["a" * 10, "b" * 10], ["b" * 10]),
        (["a" * 9, "b" * 9], ["a" * 9, "b" * 9]),
        (["ü" * 9, "b"], ["b"]),
        (["a", "b" * 50], ["b" * 19]),
        (["a", "ü" * 50], ["ü" * 9]),
        ([str(number) for number in range(10, 30)], [str(number) for number in range(24, 30)]),
    ],
)
def test_the_tail_is_cut_by_bytes_at_line_borders(lines, kept):
    tail = Tail(20)
    for line in lines:
        tail.add(logging.INFO, line)
    assert [line.text for line in tail.lines()] == kept


def test_the_tail_may_be_filled_by_threads():
    tail = Tail(10_000)
    threads = [
        threading.Thread(target=lambda: [tail.add(20, "x" * 9) for _ in range(500)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tail.lines()) == 1000
    assert tail.lines()[-1].number == 2000
