"""Uptime Kuma."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from resticprof.model.run import State
from resticprof.model.types import Secret
from resticprof.monitors.uptime_kuma import UptimeKuma
from tests.kit.events import STARTED, event, request
from tests.monitors.settings import PLAIN

PUSH = "https://kuma.lan/api/push/abcd1234"
PASTED = f"{PUSH}?status=up&msg=OK&ping="


def query(monitor, about) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request(monitor, about).url.reveal()).query))


@pytest.mark.parametrize(
    ("state", "status"), [(State.START, "up"), (State.FINISH, "up"), (State.FAIL, "down")]
)
def test_only_a_failure_is_down(state, status):
    sent = request(PLAIN["uptime-kuma"], event(state))
    assert sent.method == "GET"
    assert sent.url.reveal().endswith(f"/abcd1234?status={status}&msg={state.value}")


def test_a_pasted_query_is_dropped_with_advice():
    monitor = UptimeKuma(url=Secret(PASTED))
    assert request(monitor, event(State.START)).url.reveal().count("status=") == 1
    assert len(monitor.advice()) == 1
    assert UptimeKuma(url=Secret(PUSH)).advice() == []


def test_summary_and_milliseconds_come_with_the_outcome():
    found = query(UptimeKuma(url=Secret(PASTED)), event(State.FINISH))
    assert found["ping"] == "76250"
    assert found["msg"].startswith("backup home: OK in 1m16s, 12 new / 3 changed")


def test_a_start_has_no_duration():
    assert "ping" not in query(UptimeKuma(url=Secret(PUSH)), event(State.START))


def test_the_message_is_capped():
    about = event(State.FAIL, sentence="ü" * 1000)
    assert len(query(UptimeKuma(url=Secret(PUSH)), about)["msg"]) == 250


def test_the_longest_ping_is_accepted():
    about = event(State.FINISH, ended=STARTED + timedelta(days=100_000))
    assert query(UptimeKuma(url=Secret(PUSH)), about)["ping"] == str(10**11)


def test_a_url_is_needed():
    assert UptimeKuma(url=Secret("kuma.lan/api/push/x")).check()
