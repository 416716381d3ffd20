"""Apprise: what is to be delivered. How it is: tests/system/test_apprise.py."""

from __future__ import annotations

import pytest

from resticprof.model.run import Notification, State
from resticprof.model.types import Secret
from resticprof.monitors.apprise import Apprise, AppriseMessage, AppriseService
from tests.kit.events import document, event, log_lines, request, told

GOTIFY = AppriseService(url=Secret("gotify://hostname/token"), label="gotify")
STATES = ("start", "log", "finish", "fail")


def apprise(**settings) -> Apprise:
    return Apprise(**{"services": (GOTIFY,), "states": STATES, **settings})


def sent(monitor, about) -> Notification:
    [notification] = told(monitor, about)
    return notification


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (State.START, "info"),
        (State.LOG, "info"),
        (State.FINISH, "success"),
        (State.WARN, "warning"),
        (State.FAIL, "failure"),
    ],
)
def test_each_state_has_its_kind(state, kind):
    assert sent(apprise(), event(state)).kind == kind


def test_all_services_are_told_at_once():
    other = AppriseService(url=Secret("json://h"))
    notification = sent(apprise(services=(GOTIFY, other)), event(State.FAIL))
    assert notification.urls == (GOTIFY.url, other.url)
    assert notification.labels == ("gotify", "")


@pytest.mark.parametrize("state", [State.LOG, State.FINISH, State.FAIL])
def test_the_log_follows_the_text(state):
    assert sent(apprise(), event(state)).body.endswith("päth/ü: permission denied")


def test_a_start_has_no_log_and_send_logs_switches_it_off():
    about = event(State.START, log=log_lines("early"))
    assert sent(apprise(), about).body == "backup home: started"
    quiet = sent(apprise(send_logs=False), event(State.FAIL))
    assert quiet.body == "backup home: FAILED (exit 12: wrong password) after 1m16s"


def test_texts_can_be_configured():
    table = AppriseMessage(title="Ping!", body="Your backups of ${PROFILE_NAME} have failed.")
    notification = sent(apprise(fail=table, send_logs=False), event(State.FAIL))
    assert notification.title == "Ping!"
    assert notification.body == "Your backups of home have failed."


def test_the_default_limit_is_the_documented_one():
    about = event(State.FINISH, log=log_lines(*["x" * 99] * 100))
    body = sent(apprise(), about).body
    assert 1400 < len(body.encode()) <= 1500
    assert "\n...\n" in body


def test_a_long_text_is_never_cut_only_the_log_is():
    table = AppriseMessage(body="y" * 5000)
    body = sent(apprise(finish=table, logs_size_limit=500), event(State.FINISH)).body
    assert body == "y" * 5000
    whole = sent(apprise(logs_size_limit=0), event(State.FINISH, log=log_lines("z" * 9999))).body
    assert whole.endswith("z" * 9999)


def test_an_empty_log_is_not_sent():
    assert told(apprise(), event(State.LOG, log=())) == []
    assert told(apprise(send_logs=False), event(State.LOG)) == []


def test_a_server_sends_for_us():
    posted = request(
        apprise(api_url="http://apprise.lan:8000/", send_logs=False), event(State.FAIL)
    )
    assert posted.url.reveal() == "http://apprise.lan:8000/notify/"
    assert posted.accept == (200,)
    assert document(posted) == {
        "urls": ["gotify://hostname/token"],
        "title": "backup home failed on nas",
        "body": "backup home: FAILED (exit 12: wrong password) after 1m16s",
        "type": "failure",
        "format": "text",
    }
    assert b"gotify" not in posted.public_body


def test_a_server_may_know_the_services_by_a_key():
    monitor = Apprise(api_url="http://a.lan", api_key=Secret("KEY"), tag="ops", states=STATES)
    posted = request(monitor, event(State.START))
    assert posted.url.reveal() == "http://a.lan/notify/KEY"
    assert posted.url.public == "http://a.lan/notify/×××"
    assert document(posted)["tag"] == "ops"
    assert "urls" not in document(posted)


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"services": ()}, "`services` or `api-url`"),
        ({"api_key": Secret("K"), "services": ()}, "`api-key` needs `api-url`"),
        ({"api_key": Secret("K"), "api_url": "http://a"}, "exclude each other"),
        ({"tag": "x"}, "`tag` needs `api-key`"),
        ({"services": (AppriseService(url=Secret("gotify")),)}, "`services[0]`"),
        ({"api_url": "apprise.lan"}, "`api-url` must start"),
    ],
)
def test_mistakes_are_found_at_load(settings, part):
    assert any(part in problem for problem in apprise(**settings).check())


def test_what_the_documentation_shows_is_no_problem():
    assert apprise().check() == []
    assert Apprise(api_url="http://a.lan", api_key=Secret("KEY")).check() == []
