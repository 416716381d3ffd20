"""Healthchecks, and Watchgoose, which is the same with other constants."""

from __future__ import annotations

import pytest

from resticprof.errors import MonitorError
from resticprof.model.run import Fact, Failure, HttpResponse, Outcome, State
from resticprof.model.types import Secret
from resticprof.monitors.healthchecks import Healthchecks
from resticprof.monitors.watchgoose import Watchgoose
from tests.kit.events import RUN_ID, event, log_lines, request, told
from tests.monitors.settings import PLAIN, UUID, WITH_LOG

URL = Secret(f"https://hc-ping.com/{UUID}")


def body(monitor, about) -> str:
    return request(monitor, about).body.decode()


@pytest.mark.parametrize(
    ("state", "ending"),
    [(State.START, "/start"), (State.FINISH, ""), (State.FAIL, "/fail")],
)
def test_each_state_has_its_own_ending(state, ending):
    sent = request(PLAIN["healthchecks"], event(state))
    assert (sent.method, sent.url.reveal()) == ("POST", URL.reveal() + ending)
    assert (sent.headers, sent.body) == ((), b"")


def test_without_logs_no_log_ping_is_sent():
    assert told(PLAIN["healthchecks"], event(State.LOG)) == []


def test_without_logs_a_log_ping_still_says_what_only_it_can_say():
    monitor = Healthchecks(url=URL, send_logs=False, on_warning="log")
    text = body(monitor, event(State.WARN))
    assert text.startswith("backup home: WARNING (2 items could not be read)")
    assert "päth" not in text


def test_a_log_ping_is_not_sent_when_nothing_was_logged():
    assert told(Healthchecks(url=URL, states=WITH_LOG), event(State.LOG, log=())) == []


def test_log_is_not_sent_by_default():
    assert not Healthchecks(url=URL).wants(event(State.LOG))


def test_the_log_is_sent_by_default_with_a_success():
    text = body(Healthchecks(url=URL), event(State.FINISH))
    assert text.startswith("backup home: OK in 1m16s")
    assert text.endswith("processed 5135 files, 3.400 GiB in 1:16\npäth/ü: permission denied")


def test_the_error_is_sent_with_a_failure():
    assert "Fatal: wrong password" in body(Healthchecks(url=URL), event(State.FAIL, log=()))


def test_start_has_no_body():
    assert body(Healthchecks(url=URL), event(State.START, log=log_lines("early"))) == ""


def test_start_and_end_share_the_run_id():
    for state in (State.START, State.FINISH):
        url = request(Healthchecks(url=URL), event(state)).url.reveal()
        assert url.endswith(f"?rid={RUN_ID}")


@pytest.mark.parametrize(
    ("written", "base"),
    [
        (UUID, f"https://hc-ping.com/{UUID}"),
        (f"/{UUID}", f"https://hc-ping.com/{UUID}"),
        ("ping-key/my-slug", "https://hc-ping.com/ping-key/my-slug"),
        ("http-key/my-slug", "https://hc-ping.com/http-key/my-slug"),
        ("http://hc.lan/ping/" + UUID, "http://hc.lan/ping/" + UUID),
    ],
)
def test_the_end_of_a_url_is_enough(written, base):
    monitor = Healthchecks(url=Secret(written), run_id=False)
    assert monitor.check() == []
    assert request(monitor, event(State.FINISH)).url.reveal() == base


def test_a_query_in_the_url_is_kept():
    monitor = Healthchecks(url=Secret("https://h/k/slug?create=1"), create_slug=True)
    url = request(monitor, event(State.FAIL)).url.reveal()
    assert url == f"https://h/k/slug/fail?create=1&rid={RUN_ID}"


def test_a_slug_is_created_a_uuid_is_not():
    slug = Healthchecks(url=Secret("key/slug"), create_slug=True, run_id=False)
    uuid = Healthchecks(url=URL, create_slug=True, run_id=False)
    about = event(State.START)
    assert request(slug, about).url.reveal() == "https://hc-ping.com/key/slug/start?create=1"
    assert "create" not in request(uuid, about).url.reveal()
    assert slug.advice() == []
    assert "create-slug" in uuid.advice()[0]


@pytest.mark.parametrize(
    ("code", "ending"), [(1, "/1"), (12, "/12"), (255, "/255"), (0, "/fail"), (256, "/fail")]
)
def test_exit_status_is_told_where_it_fits(code, ending):
    monitor = Healthchecks(url=URL, exit_status=True, run_id=False)
    assert request(monitor, event(State.FAIL, exit_code=code)).url.reveal().endswith(ending)


def test_a_warning_can_be_logged_only():
    monitor = Healthchecks(url=URL, on_warning="log", run_id=False)
    sent = request(monitor, event(State.WARN))
    assert sent.url.reveal().endswith("/log")
    assert sent.body.startswith(b"backup home: WARNING")


@pytest.mark.parametrize(
    ("changes", "start"),
    [
        ({"outcome": Outcome.SKIPPED, "skip_reason": "no disk"}, "backup home: SKIPPED (no disk)"),
        (
            {"outcome": Outcome.FAILED, "failure": Failure(message="held", reason="lock")},
            "backup home: FAILED (another run holds the lock)",
        ),
    ],
)
def test_a_run_that_did_not_take_place_is_logged_with_its_reason(changes, start):
    about = event(State.LOG, log=(), **changes)
    monitor = Healthchecks(url=URL)
    assert monitor.wants(about)
    assert body(monitor, about).startswith(start)


def test_the_limit_that_the_server_announces_wins():
    monitor = Healthchecks(url=URL)
    answer = HttpResponse(status=200, headers={"ping-body-limit": "10000"})
    [_, fact] = told(monitor, event(State.START), answer)
    assert fact == Fact("ping-body-limit", "10000")
    about = event(State.FINISH, log=log_lines(*["x" * 99] * 1000), facts={fact.name: fact.value})
    sent = request(monitor, about).body
    assert 9_900 < len(sent) <= 10_000
    assert sent.startswith(b"backup home: OK")


@pytest.mark.parametrize(
    ("own", "announced", "used"),
    [(500, 1000, 500), (0, 1000, 1000), (5000, 0, 5000)],
)
def test_the_lower_limit_counts_and_zero_is_none(own, announced, used):
    log = log_lines(*["x" * 9] * 5000)
    facts = {"ping-body-limit": str(announced)}
    sent = request(
        Healthchecks(url=URL, body_limit=own), event(State.FINISH, log=log, facts=facts)
    ).body
    assert used - 20 < len(sent) <= used


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"OK (not found)", "the server knows no such check: `OK (not found)`"),
        (b"OK (rate limited)\n", "the server did not count the ping: `OK (rate limited)`"),
    ],
)
def test_an_ok_with_a_but_is_a_refusal(said, reason):
    with pytest.raises(MonitorError) as caught:
        told(Healthchecks(url=URL), event(State.FAIL), HttpResponse(status=200, body=said))
    assert str(caught.value) == reason


@pytest.mark.parametrize("said", [b"", b"OK", b"Created", b"\xff"])
def test_a_plain_ok_is_none(said):
    told(Healthchecks(url=URL), event(State.FAIL), HttpResponse(status=200, body=said))


@pytest.mark.parametrize("value", ["", "many", "-1", "٣"])
def test_a_nonsensical_announcement_is_ignored(value):
    answer = HttpResponse(status=200, headers={"ping-body-limit": value})
    assert len(told(Healthchecks(url=URL), event(State.START), answer)) == 1


@pytest.mark.parametrize("end", [UUID, f"/{UUID}/", f"{UUID}?a=b", "key/slug", "/key/slug"])
def test_an_end_is_known_in_each_form(end):
    assert Healthchecks(url=Secret(end)).check() == []


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"url": Secret("ftp://h/u")}, "`url`"),
        ({"url": Secret("")}, "`url`"),
        ({"url": Secret("5")}, "`url` must be a URL, a UUID, or PING-KEY/SLUG"),
        ({"url": Secret("addffa72-da17-40ae-be9c")}, "`url` must be a URL, a UUID"),
        ({"url": Secret("hc-ping.com")}, "`url` must be a URL, a UUID"),
        ({"url": Secret("hc.lan/ping/key/slug")}, "`url` must be a URL, a UUID"),
        ({"url": URL, "body_limit": -1}, "`body-limit`"),
        ({"url": URL, "tls_client_key": "k.pem"}, "need each other"),
    ],
)
def test_mistakes_are_found_at_load(values, part):
    [problem] = Healthchecks(**values).check()
    assert part in problem


def test_a_test_event_says_so():
    about = event(State.LOG, test=True)
    assert body(Healthchecks(url=URL, states=WITH_LOG), about).startswith("[test] ")


def test_watchgoose_has_its_own_home_and_limit():
    monitor = Watchgoose(url=Secret(UUID), run_id=False)
    assert request(monitor, event(State.FAIL)).url.reveal() == f"https://watchgoose.com/{UUID}/fail"
    assert (monitor.body_limit, monitor.send_logs) == (10_000, False)
