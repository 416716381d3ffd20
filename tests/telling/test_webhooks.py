"""HTTP hooks: the request that a table stands for, and how several of them are sent."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from resticprof.errors import Error
from resticprof.model.config import Global, Header, Webhook
from resticprof.model.types import Duration, Secret, reveal
from resticprof.system.signals import Signals
from resticprof.telling import webhooks
from resticprof.telling.webhooks import Sending
from tests.kit.broken import refusing

VARIABLES = {
    "PROFILE_NAME": "home",
    "CITY": "a b/c",
    "ERROR": "it's 100 % wrong & bad",
    "ERROR_MESSAGE": "x y",
    "ERROR_STDERR": "no\nluck",
}


def sending(**options):
    options = {"variables": VARIABLES, "signals": Signals(), **options}
    options.setdefault("global_", Global(send_timeout=Duration(5)))
    options.setdefault("render", lambda text, file: f"rendered {text}")
    return Sending(**options)


def hook(url="http://127.0.0.1/", **keys):
    return Webhook(url=Secret(url), **keys)


def built(url="http://127.0.0.1/", **keys):
    return webhooks.build(hook(url, **keys), sending())


# ---- one request ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expanded"),
    [
        ("http://h/$PROFILE_NAME/${PROFILE_NAME}", "http://h/home/home"),
        ("http://h/$CITY", "http://h/a b/c"),
        ("http://h/?e=${ERROR}", "http://h/?e=it%27s+100+%25+wrong+%26+bad"),
        ("http://h/?e=${ERROR_MESSAGE}&s=$ERROR_STDERR", "http://h/?e=x+y&s=no%0Aluck"),
        ("http://h/?price=$$5&none=${NONE}", "http://h/?price=$5&none="),
    ],
)
def test_free_texts_are_escaped_in_a_url_and_others_are_parts_of_it(url, expanded):
    assert reveal(built(url).url) == expanded


def test_body_has_variables_without_escapes():
    assert built(body="${ERROR}|$CITY|$$").body == b"it's 100 % wrong & bad|a b/c|$"


def test_url_of_a_request_is_not_shown():
    assert "hunter2" not in str(built("http://user:hunter2@h/").url)


def test_method_and_headers_are_left_as_they_are():
    headers = (Header("X-One", "${ERROR}"), Header("", "no name"), Header("X-One", "again"))
    request = built(method="pRoPfInD", headers=headers)
    assert request.method == "pRoPfInD"
    assert request.headers == (("X-One", "${ERROR}"), ("X-One", "again"))


def test_body_goes_before_its_template_which_is_still_tried(tmp_path):
    template = tmp_path / "body"
    template.write_text("text")
    assert built(body_template=str(template)).body == b"rendered text"
    assert built(body="own", body_template=str(template)).body == b"own"
    with pytest.raises(Error, match="cannot be read"):
        built(body="own", body_template=str(tmp_path / "missing"))


@pytest.mark.parametrize("url", [None, Secret(""), Secret("${NOTHING}")])
def test_request_without_a_url_is_an_error(url):
    with pytest.raises(Error, match="without `url`"):
        webhooks.build(Webhook(url=url), sending())


# ---- several requests -----------------------------------------------------------------------


def test_failing_request_is_a_warning_and_the_next_one_is_sent(server, caplog):
    server.reply("/one", 500)
    with refusing() as nobody:
        wanted = (hook(f"{server.url}/one"), hook(nobody), Webhook(), hook(f"{server.url}/two"))
        webhooks.send(wanted, sending())
    assert server.lines == ["GET /one", "GET /two"]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3


@pytest.mark.parametrize("seconds", [0, -1])
def test_no_time_limit_is_no_reason_to_fail(server, caplog, seconds):
    server.reply("/one", delay=0.3)
    unlimited = sending(global_=Global(send_timeout=Duration(seconds)))
    webhooks.send((hook(f"{server.url}/one"),), unlimited)
    assert server.lines == ["GET /one"]
    assert caplog.records == []


def test_dry_run_shows_the_request_and_sends_nothing(server, caplog):
    caplog.set_level("INFO")
    secret = Header("Authorization", Secret("Bearer hunter2"))
    wanted = hook(f"{server.url}/one?token=hunter2", method="POST", body="text", headers=(secret,))
    webhooks.send((wanted,), sending(dry_run=True))
    assert server.lines == []
    assert "dry-run: POST http://127.0.0.1" in caplog.text
    assert "Authorization: ×××" in caplog.text
    assert "hunter2" not in caplog.text


def test_nobody_waits_for_the_background(server):
    sent = threading.Event()
    server.on_request = lambda _: sent.wait(30)
    patient = sending(global_=Global(send_timeout=Duration(40)))
    [messenger] = webhooks.send((hook(f"{server.url}/slow", background=True),), patient)
    assert messenger.is_alive()
    sent.set()
    messenger.join()
    assert server.lines == ["GET /slow"]


def test_signal_ends_the_wait_and_what_would_follow_is_not_sent(server, caplog):
    server.reply("/slow", delay=2)
    server.on_request = lambda _: os.kill(os.getpid(), signal.SIGTERM)
    with Signals() as signals:
        wanted = (hook(f"{server.url}/slow"), hook(f"{server.url}/next"))
        webhooks.send(wanted, sending(signals=signals))
        assert signals.pending, "it is still to be told"
    assert "interrupted before the answer of 127.0.0.1" in caplog.text
    time.sleep(2)
    assert server.lines == ["GET /slow"]
