"""Pushover."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest

from resticprof.model.run import State
from resticprof.model.types import Secret
from resticprof.monitors.pushover import Pushover, PushoverMessage
from tests.kit.events import event, request


def pushover(**tables) -> Pushover:
    return Pushover(token=Secret("TOKEN"), user=Secret("USER"), **tables)


def form(monitor, about) -> dict[str, str]:
    return dict(parse_qsl(request(monitor, about).body.decode()))


def test_without_a_table_only_the_summary_is_sent():
    sent = request(pushover(), event(State.FAIL))
    assert sent.url.reveal() == "https://api.pushover.net/1/messages.json"
    assert form(pushover(), event(State.FAIL)) == {
        "token": "TOKEN",
        "user": "USER",
        "message": "backup home: FAILED (exit 12: wrong password) after 1m16s",
    }


def test_token_and_user_are_not_shown():
    shown = request(pushover(), event(State.FAIL)).public_body.decode()
    assert shown.startswith("token=×××&user=×××&message=")


def test_an_emergency_gets_the_times_it_needs():
    sent = form(pushover(fail=PushoverMessage(priority=2)), event(State.FAIL))
    assert (sent["priority"], sent["retry"], sent["expire"]) == ("2", "30", "600")


def test_the_table_is_sent_as_it_is():
    table = PushoverMessage(
        message="${PROFILE_NAME}", html=True, sound="siren", device="a,b", ttl=60, priority=1
    )
    sent = form(pushover(fail=table), event(State.FAIL))
    assert sent["message"] == "home"
    assert (sent["html"], sent["sound"], sent["device"], sent["ttl"]) == ("1", "siren", "a,b", "60")
    assert sent["priority"] == "1"


def test_long_texts_are_cut_instead_of_refused():
    table = PushoverMessage(title="t" * 300, url="u" * 600, url_title="v" * 200)
    sent = form(pushover(fail=table), event(State.FAIL, sentence="ü" * 2000))
    lengths = [len(sent[name]) for name in ("message", "title", "url", "url_title")]
    assert lengths == [1024, 250, 512, 100]


@pytest.mark.parametrize(
    ("table", "part"),
    [
        (PushoverMessage(retry=60), "need `priority = 2`"),
        (PushoverMessage(expire=60, priority=1), "need `priority = 2`"),
        (PushoverMessage(priority=3), "from -2 to 2"),
        (PushoverMessage(priority=2, retry=29), "at least 30"),
        (PushoverMessage(priority=2, expire=10_801), "from 1 to 10800"),
        (PushoverMessage(html=True, monospace=True), "exclude each other"),
    ],
)
@pytest.mark.parametrize("state", ["start", "finish", "warn", "fail"])
def test_conflicts_are_found_at_load_not_while_a_failure_is_told(state, table, part):
    [problem] = pushover(**{state: table}).check()
    assert problem.startswith(f"`{state}`: ")
    assert part in problem


def test_what_fits_is_no_problem():
    table = PushoverMessage(priority=2, retry=60, expire=3600)
    assert pushover(fail=table, start=PushoverMessage(priority=-2)).check() == []
