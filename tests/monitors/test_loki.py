"""Loki."""

from __future__ import annotations

import itertools
import logging
from datetime import timedelta

import pytest

from resticprof.errors import MonitorError
from resticprof.model.run import Fact, HttpRequest, LogLine, Outcome, State
from resticprof.model.types import Duration, Secret
from resticprof.monitors.loki import Loki
from tests.kit.events import OK, STARTED, document, event, listen, log_lines, request, told

URL = "http://localhost:3100/loki/api/v1/push"
LABELS = {"app": "resticprof"}


def loki(**settings) -> Loki:
    return Loki(**{"url": URL, "labels": LABELS, **settings})


def values(message: HttpRequest) -> list[list[object]]:
    [stream] = document(message)["streams"]
    return stream["values"]


def texts(message: HttpRequest) -> list[str]:
    return [value[1] for value in values(message)]


def facts(messages) -> dict[str, str]:
    return {message.name: message.value for message in messages if isinstance(message, Fact)}


def pushes(messages) -> list[HttpRequest]:
    return [message for message in messages if isinstance(message, HttpRequest)]


@pytest.mark.parametrize(
    ("state", "line"),
    [
        (State.START, "Started backup"),
        (State.FINISH, "Finished backup"),
        (State.FAIL, "Failed backup"),
    ],
)
def test_a_status_line_is_pushed_at_once(state, line):
    push = request(loki(send_logs=False, metadata=False, gzip=False), event(state))
    assert (push.method, push.url.reveal()) == ("POST", URL)
    assert document(push)["streams"][0]["stream"] == LABELS
    time, text = values(push)[0]
    assert text == line
    assert isinstance(time, str)


def test_the_outcome_adds_summary_and_error():
    lines = texts(request(loki(), event(State.FAIL)))
    at = lines.index("Failed backup")
    assert lines[at + 1].startswith("backup home: FAILED (exit 12")
    assert lines[-1] == "Fatal: wrong password or no key found"


def test_times_are_those_of_the_lines_and_strictly_increase():
    moment = STARTED + timedelta(seconds=1)
    log = tuple(LogLine(logging.INFO, "x", moment, number) for number in range(1, 2500))
    messages = told(loki(batch_lines=1000), event(State.LOG, log=log))
    times = [int(value[0]) for push in pushes(messages) for value in values(push)]
    assert times[0] == 1770087907000789000
    assert all(earlier < later for earlier, later in itertools.pairwise(times))


def test_only_new_lines_are_sent_and_times_go_on_increasing():
    monitor = loki()
    first = told(monitor, event(State.LOG, log=log_lines("a", "b")))
    known = facts(first)
    assert known["loki-line"] == "2"
    late = (*log_lines("a", "b"), LogLine(logging.INFO, "c", STARTED, 3))
    [push, *_] = told(monitor, event(State.LOG, log=late, facts=known))
    assert texts(push) == ["c"]
    assert int(values(push)[0][0]) == int(known["loki-time"]) + 1


def test_a_clock_that_goes_back_loses_no_line():
    late, early = STARTED + timedelta(hours=1), STARTED
    log = tuple(
        LogLine(logging.INFO, text, time, number)
        for number, (text, time) in enumerate([("a", late), ("b", early), ("c", late)], start=1)
    )
    messages = told(loki(batch_lines=1), event(State.LOG, log=log))
    assert [texts(push) for push in pushes(messages)] == [["a"], ["b"], ["c"]]
    times = [int(values(push)[0][0]) for push in pushes(messages)]
    assert times == [times[0], times[0] + 1, times[0] + 2]


def test_lines_that_fell_out_of_the_buffer_do_not_confuse_it():
    log = log_lines("a", "b", "c", "d")[2:]
    [push, *_] = told(loki(), event(State.LOG, log=log, facts={"loki-line": "3"}))
    assert texts(push) == ["d"]


def test_a_gap_in_the_log_is_said():
    """More was written between two pushes than the buffer holds, or Loki was away for long."""
    log = log_lines("a", "b", "c", "d", "e")[3:]
    [push, *_] = told(loki(), event(State.LOG, log=log, facts={"loki-line": "1"}))
    assert texts(push) == ["... some lines of the log are missing here", "d", "e"]
    unchanged = event(State.LOG, log=log, facts={"loki-line": "5"})
    assert told(loki(), unchanged) == []


def test_lines_are_pushed_in_batches_and_each_is_remembered():
    messages = told(loki(batch_lines=2), event(State.LOG, log=log_lines("a", "b", "c")))
    assert [texts(push) for push in pushes(messages)] == [["a", "b"], ["c"]]
    assert facts(messages)["loki-line"] == "3"


def test_a_failed_batch_is_kept_for_the_next_event():
    messages = []
    log = log_lines("a", "b", "c")
    with pytest.raises(MonitorError):
        listen(
            loki(batch_lines=2),
            event(State.LOG, log=log),
            messages,
            OK,
            MonitorError("HTTP 429"),
        )
    known = facts(messages)
    assert known["loki-line"] == "2"
    [push, *_] = told(loki(batch_lines=2), event(State.LOG, log=log, facts=known))
    assert texts(push) == ["c"]


def test_nothing_new_is_no_push():
    assert told(loki(), event(State.LOG, log=())) == []


def test_a_skipped_run_tells_its_reason():
    about = event(State.LOG, log=(), outcome=Outcome.SKIPPED, skip_reason="no disk")
    assert texts(request(loki(), about)) == ["backup home: SKIPPED (no disk)"]


def test_log_events_are_wanted_for_the_lines():
    assert loki().wants(event(State.LOG))
    assert not loki(send_logs=False).wants(event(State.LOG))
    assert loki(states=("fail",)).wants(event(State.LOG))
    assert not loki(states=("fail",)).wants(event(State.FINISH))


@pytest.mark.parametrize(
    ("waiting", "seconds", "due"), [(0, 9, False), (1, 4.9, False), (1, 5, True), (100, 0, True)]
)
def test_a_full_batch_or_an_old_line_is_due(waiting, seconds, due):
    assert loki().due(waiting, seconds) is due
    assert not loki(send_logs=False).due(waiting, seconds)
    assert loki(batch_interval=Duration(60)).due(1, 59) is False


def test_placeholders_stand_for_whole_values_only():
    labels = {
        "host": "__hostname",
        "config": "__config",
        "path": "__config_path",
        "profile": "__profile",
        "command": "__command",
        "other": "on __hostname",
    }
    [stream] = document(request(loki(labels=labels), event(State.START)))["streams"]
    assert stream["stream"] == {
        "host": "nas",
        "config": "profiles.toml",
        "path": "/etc/resticprof/profiles.toml",
        "profile": "home",
        "command": "backup",
        "other": "on __hostname",
    }


def test_metadata_is_text_and_tells_level_run_and_outcome():
    push = request(loki(), event(State.FINISH))
    line, status = values(push)[0], values(push)[-1]
    assert line[2]["level"] == "info"
    assert status[2]["exit_code"] == "0"
    assert status[2]["snapshot_id"] == "4bba301e7f3c"
    assert all(isinstance(text, str) for value in values(push) for text in value[2].values())


def test_compression_is_the_same_every_time_and_shown_as_text():
    first, second = (request(loki(), event(State.START)) for _ in range(2))
    assert first.body == second.body
    assert ("Content-Encoding", "gzip") in first.headers
    assert first.public_body.startswith(b'{"streams"')


def test_logins_and_tenant():
    basic = dict(request(loki(username="1", password=Secret("t")), event(State.START)).headers)
    bearer = request(loki(bearer_token=Secret("t"), tenant="me"), event(State.START))
    assert basic["Authorization"].reveal() == "Basic MTp0"
    assert dict(bearer.headers)["Authorization"].reveal() == "Bearer t"
    assert dict(bearer.headers)["X-Scope-OrgID"] == "me"


def test_a_line_that_loki_would_refuse_is_cut():
    [push, *_] = told(loki(), event(State.LOG, log=log_lines("ü" * 300_000)))
    assert len(texts(push)[0].encode()) <= 200_000


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"labels": {}}, "at least one label"),
        ({"labels": {"my-app": "x"}}, "did you mean `my_app`?"),
        ({"labels": {"1a": "x"}}, "letters, digits"),
        ({"labels": {"__name": "x"}}, "belong to Loki"),
        ({"username": "me"}, "need each other"),
        ({"password": Secret("pw")}, "need each other"),
        (
            {"username": "me", "password": Secret("pw"), "bearer_token": Secret("t")},
            "exclude each other",
        ),
        ({"batch_lines": 0}, "`batch-lines`"),
        ({"tls_client_cert": "c.pem"}, "`tls-client-cert`"),
        ({"url": "localhost:3100"}, "`url`"),
    ],
)
def test_mistakes_are_found_at_load(settings, part):
    [problem] = loki(**settings).check()
    assert part in problem


def test_a_misspelt_placeholder_is_pointed_out():
    [text] = loki(labels={"host": "__host"}).advice()
    assert "`__host`" in text
    assert loki(labels={"host": "__hostname"}).advice() == []
