"""ntfy."""

from __future__ import annotations

import pytest

from resticprof.model.run import Outcome, State
from resticprof.model.types import Secret
from resticprof.monitors.ntfy import Ntfy, NtfyMessage
from tests.kit.events import document, event, log_lines, request

STATES = ("start", "finish", "fail")


def ntfy(**settings) -> Ntfy:
    return Ntfy(**{"topic": "t", "states": STATES, **settings})


def sent(monitor, about):
    return document(request(monitor, about))


def test_it_is_published_to_the_server_not_to_the_topic():
    published = request(ntfy(url="https://ntfy.lan"), event(State.FAIL))
    assert (published.method, published.url.reveal()) == ("POST", "https://ntfy.lan")
    assert document(published) == {
        "topic": "t",
        "title": "backup home failed on nas",
        "message": "backup home: FAILED (exit 12: wrong password) after 1m16s",
        "priority": 3,
        "tags": ["resticprof"],
    }


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("max", 5),
        ("urgent", 5),
        ("high", 4),
        ("default", 3),
        ("low", 2),
        ("min", 1),
        ("MAX", 5),
        (5, 5),
        ("1", 1),
    ],
)
def test_priorities_are_numbers(name, number):
    monitor = ntfy(fail=NtfyMessage(priority=name))
    assert monitor.check() == []
    assert sent(monitor, event(State.FAIL))["priority"] == number


@pytest.mark.parametrize("tags", [("borgmatic,-1, skull,",), ("borgmatic", "-1", "skull")])
def test_tags_are_always_a_list(tags):
    data = sent(ntfy(fail=NtfyMessage(tags=tags)), event(State.FAIL))
    assert data["tags"] == ["borgmatic", "-1", "skull"]


def test_a_table_without_message_does_not_send_null():
    data = sent(ntfy(fail=NtfyMessage(title="Oh no 😱")), event(State.FAIL))
    assert data["title"] == "Oh no 😱"
    assert data["message"].startswith("backup home: FAILED")


def test_a_warning_takes_its_own_table_else_that_of_the_outcome():
    tables = {"finish": NtfyMessage(title="F"), "fail": NtfyMessage(title="X")}
    about = event(State.WARN)
    assert sent(ntfy(on_warning="finish", **tables), about)["title"] == "F"
    assert sent(ntfy(on_warning="fail", **tables), about)["title"] == "X"
    own = ntfy(on_warning="fail", warn=NtfyMessage(title="W"), **tables)
    assert sent(own, about)["title"] == "W"


def test_texts_take_variables_and_unknown_ones_become_nothing():
    table = NtfyMessage(message="${PROFILE_NAME}/$STATE: ${FILES_NEW}$$")
    assert sent(ntfy(fail=table), event(State.FAIL))["message"] == "home/fail: $"


def test_the_title_of_a_warning_agrees_with_its_sentence():
    for outcome, words in ((Outcome.FAILED, "failed"), (Outcome.WARNING, "finished with warnings")):
        data = sent(ntfy(on_warning="fail"), event(State.WARN, outcome=outcome))
        assert data["title"] == f"backup home {words} on nas"


def headers(**settings) -> dict[str, str]:
    return {
        name: value.reveal() if isinstance(value, Secret) else value
        for name, value in request(ntfy(**settings), event(State.FAIL)).headers
    }


def test_logins():
    login = {"username": "me", "password": Secret("pw")}
    assert "Authorization" not in headers()
    assert headers(**login)["Authorization"] == "Basic bWU6cHc="
    both = {**login, "access_token": Secret("tk_1")}
    assert headers(**both)["Authorization"] == "Bearer tk_1"
    assert ntfy(**both).check() == []
    assert "`access-token` is used" in ntfy(**both).advice()[0]


def test_a_single_login_needs_no_advice():
    assert ntfy(access_token=Secret("tk_1")).advice() == []


def test_the_document_stays_readable_for_the_server():
    for text in ("ü" * 10_000, '"\n' * 10_000, "\x01" * 10_000):
        published = request(ntfy(), event(State.FAIL, sentence=text))
        assert len(published.body) < 2 * 4096
        message = document(published)["message"]
        assert 0 < len(message.encode()) <= 4096


def test_the_log_is_sent_when_it_is_asked_for():
    log = log_lines(*["y" * 200] * 100, "the last line")
    message = sent(ntfy(send_logs=True), event(State.FAIL, log=log))["message"]
    assert message.startswith("backup home: FAILED")
    assert "Fatal: wrong password" in message
    assert message.endswith("the last line")
    assert len(message.encode()) <= 4096


def test_a_sequence_ties_the_notifications_of_a_run():
    first, last = (sent(ntfy(sequence=True), event(state)) for state in (State.START, State.FAIL))
    assert first["sequence_id"] == last["sequence_id"]


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"username": "me"}, "need each other"),
        ({"password": Secret("pw")}, "need each other"),
        ({"fail": NtfyMessage(priority="loud")}, "`fail`: `priority`"),
        ({"warn": NtfyMessage(priority=6)}, "`warn`: `priority`"),
        ({"topic": ""}, "`topic`"),
        ({"url": "ntfy.sh"}, "`url`"),
        ({"states": ("log",)}, "no `log`"),
    ],
)
def test_mistakes_are_found_at_load(settings, part):
    [problem] = ntfy(**settings).check()
    assert part in problem


def test_marks_are_in_every_text():
    about = event(State.FAIL, test=True)
    data = sent(ntfy(fail=NtfyMessage(title="T", message="${SUMMARY}")), about)
    assert data["title"] == "[test] T"
    assert data["message"].count("[test]") == 1
