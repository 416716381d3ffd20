"""Sentry."""

from __future__ import annotations

import pytest

from resticprof.errors import MonitorError
from resticprof.model.run import State
from resticprof.model.types import Secret
from resticprof.monitors.sentry import Sentry, SentryMonitorConfig
from tests.kit.events import RUN_ID, document, event, request, told

DSN = Secret("https://5f80ec@o1.ingest.sentry.io/203069")


def sentry(**settings) -> Sentry:
    return Sentry(**{"dsn": DSN, "monitor_slug": "home", **settings})


@pytest.mark.parametrize(
    ("state", "status"),
    [(State.START, "in_progress"), (State.FINISH, "ok"), (State.FAIL, "error")],
)
def test_each_state_has_its_word_and_the_run_is_the_check_in(state, status):
    sent = request(sentry(duration=False, environment="lab"), event(state))
    assert sent.method == "POST"
    assert sent.url.reveal() == (
        "https://o1.ingest.sentry.io/api/203069/cron/home/5f80ec/"
        f"?status={status}&environment=lab&check_in_id={RUN_ID}"
    )


def test_the_duration_comes_with_the_outcome():
    assert "duration=76.25" in request(sentry(), event(State.FAIL)).url.reveal()
    assert "duration" not in request(sentry(), event(State.START)).url.reveal()


@pytest.mark.parametrize(
    ("dsn", "front"),
    [
        ("https://KEY:SECRET@sentry.lan/7", "https://sentry.lan/api/7/cron/home/KEY/"),
        ("http://KEY@sentry.lan:9000/a/b/7/", "http://sentry.lan:9000/a/b/api/7/cron/home/KEY/"),
    ],
)
def test_an_old_secret_is_dropped_and_a_prefix_kept(dsn, front):
    url = request(sentry(dsn=Secret(dsn)), event(State.START)).url
    assert url.reveal().partition("?")[0] == front
    assert "KEY" not in url.public


def test_the_monitor_can_come_along():
    config = SentryMonitorConfig(schedule_every=1, schedule_unit="day", max_runtime=30)
    sent = request(sentry(monitor_config=config), event(State.FINISH))
    assert "?" not in sent.url.reveal()
    assert document(sent) == {
        "status": "ok",
        "check_in_id": RUN_ID,
        "duration": 76.25,
        "monitor_config": {
            "schedule": {"type": "interval", "value": 1, "unit": "day"},
            "max_runtime": 30,
        },
    }


@pytest.mark.parametrize(
    "dsn",
    ["", "o1.ingest.sentry.io/7", "https://sentry.io/7", "https://key@sentry.io/", "ftp://k@h/7"],
)
def test_a_malformed_dsn_is_found_at_load_and_named_without_its_text(dsn):
    [problem] = sentry(dsn=Secret(dsn)).check()
    assert problem == "`dsn` must look like https://KEY@HOST/PROJECT"
    with pytest.raises(MonitorError, match="`dsn` is not"):
        told(sentry(dsn=Secret(dsn)), event(State.START))


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"monitor_slug": ""}, "`monitor-slug`"),
        ({"monitor_config": SentryMonitorConfig()}, "either"),
        (
            {"monitor_config": SentryMonitorConfig(schedule_crontab="@daily", schedule_every=1)},
            "either",
        ),
    ],
)
def test_mistakes_are_found_at_load(settings, part):
    [problem] = sentry(**settings).check()
    assert part in problem
