"""`stream-error`: which lines make it react, and what its reactions may do."""

from __future__ import annotations

import os
import time

import pytest

from resticprof.errors import ConfigError, NotAvailable
from resticprof.model.config import StreamError
from resticprof.runs.hooks import Shell
from resticprof.runs.stream_errors import StreamErrors, Watch
from resticprof.system.signals import Signals
from resticprof.templates import regular


def due(lines, **keys):
    watch = Watch(StreamError(**keys))
    return [line for line in lines if watch.due(line)]


LINES = ["error 1", "fine", "error 2", "error 3", "Error 4", "error 5"]


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        ({}, ["error 1", "error 2", "error 3", "error 5"]),
        ({"min_matches": 1}, ["error 1", "error 2", "error 3", "error 5"]),
        ({"min_matches": 2}, ["error 2", "error 5"]),
        ({"min_matches": 3, "max_runs": 1}, ["error 3"]),
        ({"max_runs": 2}, ["error 1", "error 2"]),
        ({"pattern": r"(?i)^ERROR [[:digit:]]$", "max_runs": 1}, ["error 1"]),
        ({"pattern": r"\d\z"}, [line for line in LINES if line != "fine"]),
        ({"pattern": "nothing like this"}, []),
    ],
)
def test_matches_are_counted(keys, lines):
    assert due(LINES, **{"pattern": "error", "run": "true", **keys}) == lines


def test_bad_pattern_is_an_error_before_restic_starts():
    with pytest.raises(ConfigError, match="stream-error"):
        StreamErrors((StreamError(pattern="(", run="true"),), lambda: None)


def reactions(line, **options):
    options = {"environment": lambda: dict(os.environ), "signals": Signals(), **options}
    return StreamErrors((StreamError(pattern="x", run=line),), lambda: Shell(path="sh", **options))


def test_pattern_that_takes_too_long_is_given_up(monkeypatch, caplog):
    """restic waits while its lines are read."""
    monkeypatch.setattr(regular, "LIMIT", 0.1)
    slow = StreamError(pattern="(a|aa)+$", run="true")
    reactions = StreamErrors((slow,), Shell)
    for _ in range(3):
        reactions.feed("a" * 60 + "b")
    [record] = caplog.records
    assert record.message.endswith("inside of another?; it is not looked for any more")


def test_line_is_the_standard_input_without_its_end(tmp_path):
    reactions(f"cat >{tmp_path}/seen").feed("a line with x")
    assert (tmp_path / "seen").read_text() == "a line with x"


def test_failing_reaction_is_a_warning(caplog):
    reactions("exit 3").feed("x")
    assert "stream-error `x`: exit status 3" in caplog.text


def test_reaction_has_the_time_limit_of_hooks(caplog):
    begin = time.monotonic()
    reactions("exec sleep 60", timeout=0.2).feed("x")
    assert time.monotonic() - begin < 40
    assert "its time limit" in caplog.text


def test_reaction_that_cannot_be_started_does_not_stop_restic(caplog):
    def no_shell():
        raise NotAvailable("no shell found")

    StreamErrors((StreamError(pattern="x", run="true"),), no_shell).feed("x")
    assert "no shell found" in caplog.text
