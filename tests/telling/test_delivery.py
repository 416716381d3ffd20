"""The way to one service, over real sockets: what is tried again, and what is given up."""

from __future__ import annotations

import logging
import time

import msgspec
import pytest

from resticprof.errors import Error
from resticprof.model.config import Global
from resticprof.model.monitor import MonitorHeader
from resticprof.model.run import State
from resticprof.model.types import Duration, Secret
from resticprof.monitors.healthchecks import Healthchecks
from resticprof.monitors.ntfy import Ntfy
from resticprof.monitors.zabbix import Zabbix
from resticprof.system import http
from resticprof.system.logs import Logs
from resticprof.telling.delivery import Delivery, until
from tests.kit import broken
from tests.kit.events import RUN_ID, event, log_lines

UUID = "addffa72-da17-40ae-be9c-ff591afb942a"
PATH = f"/ping/{UUID}"


@pytest.fixture(autouse=True)
def _own_connections():
    yield
    http.close()


def healthchecks(url, **settings):
    defaults = {"timeout": Duration(5), "run_id": False}
    return Healthchecks(url=Secret(f"{url}{PATH}"), **{**defaults, **settings})


class Waits:
    """A wait that does not wait, and remembers how long it would have been."""

    def __init__(self, budget=30.0):
        self.seconds, self._budget = [], budget

    def __call__(self, seconds):
        self.seconds.append(seconds)
        return sum(self.seconds) <= self._budget


def send(monitor, about=None, *, retries=2, wait=None, **options):
    way = Delivery(monitor, Global(), **options)
    return way.send(about or event(State.FAIL), retries=retries, wait=wait or Waits())


def failure(monitor, about=None, **options):
    with pytest.raises(Error) as caught:
        send(monitor, about, **options)
    return str(caught.value)


# ---- further attempts -----------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_what_can_heal_is_tried_again(server, status):
    server.reply(f"{PATH}/fail", status)
    server.reply(f"{PATH}/fail", 200)
    assert send(healthchecks(server.url)) == 1
    assert server.lines == [f"POST {PATH}/fail"] * 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 413])
def test_a_refusal_is_not_tried_again(server, status):
    server.reply(f"{PATH}/fail", status)
    waits = Waits()
    assert f"HTTP {status}" in failure(healthchecks(server.url), wait=waits)
    assert (len(server.requests), waits.seconds) == (1, [])


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_service_that_has_moved_gets_the_same_request(server, status):
    server.reply("/", status, headers={"Location": "/new/"})
    send(Ntfy(url=server.url, topic="t", access_token=Secret("tk_1")))
    first, second = server.requests
    assert (first.line, second.line) == ("POST /", "POST /new/")
    assert second.body == first.body != b""
    assert second.headers["authorization"] == "Bearer tk_1"


def test_a_service_that_has_moved_twice_gets_the_same_request(server):
    server.reply("/", 307, headers={"Location": "/new"})
    server.reply("/new", 301, headers={"Location": "/newer"})
    send(Ntfy(url=server.url, topic="t"))
    assert server.lines == ["POST /", "POST /new", "POST /newer"]
    assert server.requests[2].body == server.requests[0].body


def test_what_was_refused_politely_was_not_delivered(server):
    server.reply(f"{PATH}/fail", 304)
    assert "HTTP 304 Not Modified" in failure(healthchecks(server.url))


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>", b"\n <html lang=en>"])
def test_a_web_page_is_not_the_answer_of_a_service(server, page):
    server.reply(f"{PATH}/fail", 200, body=page)
    text = failure(healthchecks(server.url))
    assert text.startswith("a web page came instead of an answer")
    assert len(server.requests) == 1


def test_there_are_as_many_attempts_as_allowed(server):
    server.reply(f"{PATH}/fail", 500)
    failure(healthchecks(server.url), retries=3)
    assert len(server.requests) == 4


def test_pauses_grow_and_are_not_the_same_everywhere(server):
    server.reply(f"{PATH}/fail", 500)
    pauses = []
    for _ in range(5):
        waits = Waits()
        failure(healthchecks(server.url), wait=waits)
        pauses.append(waits.seconds)
    assert all(0.25 <= first <= 0.75 and 0.5 <= second <= 1.5 for first, second in pauses)
    assert len({first for first, _ in pauses}) == 5


def test_the_server_says_how_long_to_wait(server):
    server.reply(f"{PATH}/fail", 429, headers={"Retry-After": "7"})
    server.reply(f"{PATH}/fail", 200)
    waits = Waits()
    send(healthchecks(server.url), wait=waits)
    assert waits.seconds == [7]


def test_nobody_waits_longer_than_the_budget(server):
    server.reply(f"{PATH}/fail", 503, headers={"Retry-After": "3600"})
    began = time.monotonic()
    wait = until(time.monotonic() + 30)
    assert "HTTP 503" in failure(healthchecks(server.url), wait=wait)
    assert time.monotonic() - began < 20
    assert len(server.requests) == 1


@pytest.mark.parametrize("answer", [broken.hang, broken.cut, broken.drip, broken.hang_up])
def test_a_broken_connection_is_tried_again(answer):
    with broken.Broken(answer) as server:
        failure(healthchecks(server.url, timeout=Duration(0.2)), retries=1)
        assert server.requests == 2


def test_a_refused_connection_is_tried_again():
    waits = Waits()
    with broken.refusing() as url:
        assert "connection refused" in failure(healthchecks(url), wait=waits)
    assert len(waits.seconds) == 2


def test_a_black_hole_is_left_in_time():
    began = time.monotonic()
    with broken.black_hole() as url:
        reason = failure(healthchecks(url, timeout=Duration(0.2)), retries=1)
    assert "no answer within 0.2 s" in reason
    assert time.monotonic() - began < 40


def test_something_else_than_tls_is_not_tried_again():
    with broken.Broken(broken.babble) as server:
        url = server.url.replace("http:", "https:")
        assert "TLS failed" in failure(healthchecks(url))
        assert server.requests == 1


def test_connections_are_used_again(server):
    way = Delivery(healthchecks(server.url), Global())
    for state in (State.START, State.FINISH):
        way.send(event(state), retries=0, wait=Waits())
    assert len(http._clients) == 1


# ---- TLS ------------------------------------------------------------------------------------


def test_a_private_authority_can_be_trusted_by_one_service_or_by_all(tls_server):
    monitor = healthchecks(tls_server.url)
    assert "certificate is not trusted" in failure(monitor)
    own = msgspec.structs.replace(monitor, ca_certificates=(str(tls_server.ca),))
    send(own)
    shared = Delivery(monitor, Global(ca_certificates=(str(tls_server.ca),)))
    shared.send(event(State.FAIL), retries=0, wait=Waits())
    send(msgspec.structs.replace(monitor, skip_tls_verification=True))
    assert len(tls_server.requests) == 3


def test_nothing_is_sent_in_the_clear_because_of_a_redirect(tls_server, server):
    tls_server.reply("/", 302, headers={"Location": server.url})
    text = failure(Ntfy(url=tls_server.url, topic="t", ca_certificates=(str(tls_server.ca),)))
    assert text.startswith("127.0.0.1: a redirect leads from https to http")
    assert server.requests == []


def test_a_client_certificate_is_shown(tls_server, certificates):
    tls_server.ask_for_client_certificate()
    monitor = healthchecks(tls_server.url, ca_certificates=(str(tls_server.ca),))
    failure(monitor, retries=0)
    pair = {
        "tls_client_cert": str(certificates / "client.pem"),
        "tls_client_key": str(certificates / "client.key"),
    }
    send(msgspec.structs.replace(monitor, **pair))
    assert len(tls_server.requests) == 1


# ---- what is sent, and what is said ---------------------------------------------------------


def test_headers_of_the_monitor_are_added(server):
    header = MonitorHeader(name="X-Team", value=Secret("ops"))
    send(Ntfy(url=server.url, topic="t", headers=(header,)))
    assert server.requests[0].headers["x-team"] == "ops"


def test_what_the_service_said_is_remembered_for_its_next_event(server):
    server.reply(f"{PATH}/start", 200, headers={"Ping-Body-Limit": "60"})
    way = Delivery(healthchecks(server.url), Global())
    way.send(event(State.START), retries=0, wait=Waits())
    way.send(event(State.FAIL), retries=0, wait=Waits())
    assert len(server.requests[1].body) <= 60


def test_a_failure_names_the_address_without_what_is_secret_in_it(server):
    server.reply(f"{PATH}/fail", 404)
    reason = failure(healthchecks(server.url, run_id=True))
    assert reason == f"127.0.0.1: HTTP 404 Not Found (POST {server.url}/×××/fail)"
    assert UUID not in reason
    assert RUN_ID not in reason


def test_a_service_cleans_up_when_a_message_fails(server):
    server.reply("/", 200, body=b'{"result": "token"}')
    server.reply("/", 404)
    server.reply("/", 200, body=b'{"result": true}')
    zabbix = Zabbix(url=f"{server.url}/", itemid=1, username="u", password=Secret("p"))
    assert "HTTP 404" in failure(zabbix)
    methods = [msgspec.json.decode(request.body)["method"] for request in server.requests]
    assert methods == ["user.login", "history.push", "user.logout"]


def test_a_rehearsal_sends_nothing_and_shows_everything_but_secrets(server, caplog):
    caplog.set_level(logging.INFO, "resticprof")
    assert send(healthchecks(server.url), dry_run=True) == 1
    token = Ntfy(url=server.url, topic="t", access_token=Secret("tk_secret"))
    assert send(token, dry_run=True) == 1
    assert server.requests == []
    assert f"dry-run: healthchecks: POST {server.url}/×××/fail\nbackup home: FAILED" in caplog.text
    assert "tk_secret" not in caplog.text
    assert UUID not in caplog.text


def test_a_secret_that_cannot_be_fetched_skips_the_service(server):
    def missing():
        raise Error("the variable `X` is not set")

    monitor = Ntfy(url=server.url, topic="t", access_token=Secret(source=missing))
    assert failure(monitor) == "the variable `X` is not set"
    assert server.requests == []


def test_the_secrets_of_a_service_do_not_leave_in_texts(server):
    """They are known only when they are fetched, which may be after they were logged."""
    logs = Logs(level=logging.INFO)
    try:
        token = Secret(source=lambda: "tk_printed_by_a_hook")
        monitor = healthchecks(server.url, headers=(MonitorHeader(name="X", value=token),))
        send(
            monitor,
            event(State.FAIL, log=log_lines("token=tk_printed_by_a_hook")),
            scrubber=logs.scrubber,
        )
    finally:
        logs.close()
    assert "tk_printed" not in server.requests[0].text
    assert "token=×××" in server.requests[0].text
