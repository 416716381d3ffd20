"""One service beside a run: order, one warning for each failure, one budget for the end."""

from __future__ import annotations

import gzip
import logging
import time

import msgspec
import pytest

from resticprof.errors import Error
from resticprof.model.config import Global
from resticprof.model.run import State
from resticprof.model.types import Duration, Secret
from resticprof.monitors.healthchecks import Healthchecks
from resticprof.monitors.loki import Loki
from resticprof.monitors.ntfy import Ntfy
from resticprof.system import http
from resticprof.system.signals import Signals
from resticprof.telling import correspondent as correspondents
from resticprof.telling import outbox
from resticprof.telling.correspondent import Correspondent
from resticprof.telling.delivery import Delivery
from tests.kit import broken
from tests.kit.events import event, log_lines
from tests.kit.watched import wait_for


@pytest.fixture(autouse=True)
def _surroundings(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(correspondents, "PULSE", 0.02)
    caplog.set_level(logging.INFO, "resticprof.monitor")
    yield
    monkeypatch.undo()
    http.close()


def healthchecks(url, **settings):
    defaults = {"timeout": Duration(5), "retries": 0, "run_id": False}
    return Healthchecks(url=Secret(f"{url}/ping/key/slug"), **{**defaults, **settings})


def correspondent(monitor, snapshot=None):
    return Correspondent(Delivery(monitor, Global()), snapshot)


def end(one, about=None):
    """End, and how long that took."""
    began = time.monotonic()
    one.end(about or event(State.FAIL))
    one.join(Signals.active())
    return time.monotonic() - began


def leave(one):
    """Without waiting, and without a word of it in another test."""
    signals = Signals()
    signals.cancel()
    one.end(None)
    one.join(signals)


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def kept(tmp_path):
    return list((tmp_path / "state").rglob("*.json"))


def test_events_arrive_in_their_order(server):
    one = correspondent(healthchecks(server.url, states=("start", "log", "finish", "fail")))
    one.tell(event(State.START))
    end(one, event(State.FINISH))
    endings = [request.path.removeprefix("/ping/key/slug") for request in server.requests]
    assert endings == ["/start", "/log", ""]


def test_telling_does_not_wait():
    with broken.black_hole() as url:
        one = correspondent(healthchecks(url, timeout=Duration(20)))
        began = time.monotonic()
        one.tell(event(State.START))
        assert time.monotonic() - began < 10
        leave(one)


def test_nothing_is_loaded_before_restic_had_a_head_start(server):
    one = correspondent(healthchecks(server.url))
    one.tell(event(State.START))
    time.sleep(correspondents.HEAD_START / 2)
    assert server.requests == []
    wait_for(lambda: len(server.requests) == 1)
    end(one)


def test_a_service_that_wants_nothing_costs_nothing(server):
    one = correspondent(healthchecks(server.url, states=("start",)))
    assert end(one, event(State.FINISH)) < 4
    assert server.requests == []


def test_the_end_waits_no_longer_than_the_budget(caplog):
    with broken.Broken(broken.hang) as server:
        one = correspondent(healthchecks(server.url, timeout=Duration(1), retries=1))
        one.tell(event(State.START))
        assert 1 < end(one) < 4
    told = [text for text in warnings(caplog) if "`fail`" in text]
    assert len(told) == 1
    assert told[0].startswith("healthchecks: `fail` was not delivered: ")


def test_there_is_one_warning_for_each_event_that_fails(caplog):
    with broken.refusing() as url:
        one = correspondent(healthchecks(url))
        one.tell(event(State.START))
        end(one, event(State.FINISH))
    states = [text.split("`")[1] for text in warnings(caplog)]
    assert states == ["start", "finish"]


def test_the_start_is_tried_once_more_and_no_longer_than_the_run(server):
    server.reply("/ping/key/slug/start", 503, headers={"Retry-After": "20"})
    one = correspondent(healthchecks(server.url, retries=5))
    one.tell(event(State.START))
    wait_for(lambda: len(server.requests) == 1)
    assert end(one, event(State.FINISH)) < 15
    assert server.lines == ["POST /ping/key/slug/start", "POST /ping/key/slug"]


def test_the_start_has_one_more_attempt(server):
    server.reply("/ping/key/slug/start", 503)
    one = correspondent(healthchecks(server.url, retries=5))
    one.tell(event(State.START))
    wait_for(lambda: len(server.requests) == 2)
    end(one, event(State.FINISH))
    assert server.lines == [*["POST /ping/key/slug/start"] * 2, "POST /ping/key/slug"]


def test_a_signal_ends_the_wait():
    with broken.Broken(broken.hang) as server:
        signals = Signals()
        one = correspondent(healthchecks(server.url, timeout=Duration(20)))
        began = time.monotonic()
        one.end(event(State.FAIL))
        signals.cancel()
        one.join(signals)
    assert time.monotonic() - began < 10


def test_an_error_of_a_service_is_a_warning(caplog):
    class Faulty(Healthchecks, kw_only=True):
        def messages(self, event):
            yield 1 // 0

    Faulty.__module__ = "resticprof.monitors.faulty"
    end(correspondent(Faulty(url=Secret("http://x"))))
    [text] = warnings(caplog)
    assert text.endswith("internal error, please report it: ZeroDivisionError")


# ---- notifications that do not get through --------------------------------------------------


def test_a_notification_is_kept_and_a_heartbeat_is_not(caplog, tmp_path):
    with broken.refusing() as url:
        end(correspondent(healthchecks(url)))
        assert kept(tmp_path) == []
        end(correspondent(Ntfy(url=url, topic="t", retries=0)))
    assert len(kept(tmp_path)) == 1
    assert "ntfy: the notification is kept and sent at the next run" in warnings(caplog)


def test_many_letters_do_not_use_up_the_time_of_the_last_word(server, tmp_path, monkeypatch):
    monkeypatch.setattr(correspondents, "LAST_WORD", 0.99)
    server.reply("/", 200, delay=0.5)
    states = ("finish", "fail")
    monitor = Ntfy(url=server.url, topic="t", states=states, timeout=Duration(20), retries=0)
    one = correspondent(monitor)
    for _ in range(3):
        one.forward(outbox.keep(monitor, event(State.FAIL)))
    end(one, event(State.FINISH))
    titles = [msgspec.json.decode(request.body)["title"] for request in server.requests]
    assert titles[0].startswith("[delayed, ")
    assert titles[1:] == ["backup home finished on nas"]
    assert len(kept(tmp_path)) == 2


def test_what_arrives_after_all_is_not_kept(server, tmp_path):
    server.reply("/", 200, delay=0.6)
    one = correspondent(Ntfy(url=server.url, topic="t", timeout=Duration(5), retries=0))
    one.end(event(State.FAIL))
    one._deadline = time.monotonic() + 0.2
    one.join(Signals.active())
    assert len(kept(tmp_path)) == 1
    one._thread.join()
    assert kept(tmp_path) == []


# ---- lines of the log, beside restic --------------------------------------------------------


def loki(server, **settings):
    defaults = {"batch_interval": Duration(0.05), "retries": 0, "timeout": Duration(1)}
    return Loki(url=f"{server.url}/push", labels={"app": "x"}, **{**defaults, **settings})


def pushed(server):
    """All lines that the server took, in the order of arrival."""
    streams = [msgspec.json.decode(gzip.decompress(r.body))["streams"] for r in server.requests]
    return [value for [stream] in streams for value in stream["values"]]


class Growing:
    """A run whose log grows."""

    def __init__(self):
        self.texts = []

    def __call__(self):
        return event(State.LOG, log=log_lines(*self.texts))


def test_lines_are_streamed_while_the_run_goes_on(server):
    run = Growing()
    one = correspondent(loki(server), run)
    one.tell(event(State.START))
    for text in ("one", "two", "three"):
        run.texts.append(text)
        wait_for(lambda text=text: text in [value[1] for value in pushed(server)])
    end(one, event(State.FINISH, log=log_lines("one", "two", "three", "four")))
    lines = [value[1] for value in pushed(server)]
    assert lines[:4] == ["Started backup", "one", "two", "three"]
    assert lines[4:6] == ["four", "Finished backup"]
    times = [int(value[0]) for value in pushed(server)]
    assert times == sorted(set(times))


def test_a_batch_that_was_refused_is_sent_again(server, caplog):
    server.reply("/push", 204)
    server.reply("/push", 429)
    server.reply("/push", 429)
    server.reply("/push", 204)
    run = Growing()
    one = correspondent(loki(server), run)
    one.tell(event(State.START))
    wait_for(lambda: len(server.requests) == 1)
    run.texts.append("one")
    wait_for(lambda: len(server.requests) == 2)
    run.texts.append("two")
    wait_for(lambda: len(server.requests) == 3)
    run.texts.append("three")
    wait_for(lambda: len(server.requests) == 4)
    batches = [msgspec.json.decode(gzip.decompress(r.body)) for r in server.requests]
    texts = [[value[1] for value in batch["streams"][0]["values"]] for batch in batches]
    assert texts == [["Started backup"], ["one"], ["one", "two"], ["one", "two", "three"]]
    assert len(warnings(caplog)) == 1
    end(one, event(State.FINISH, log=log_lines("one", "two", "three")))


def test_a_log_that_cannot_be_had_now_is_asked_for_again(server):
    answers = [Error("no"), event(State.LOG, log=log_lines("late"))]

    def snapshot():
        answer = answers[0] if len(answers) == 1 else answers.pop(0)
        if isinstance(answer, Error):
            raise answer
        return answer

    one = correspondent(loki(server), snapshot)
    one.tell(event(State.START))
    wait_for(lambda: "late" in [value[1] for value in pushed(server)])
    end(one, event(State.FINISH, log=log_lines("late")))


def test_a_dead_log_server_does_not_fill_the_memory():
    """Nothing piles up: the next attempt takes the log as it is then."""
    run = Growing()
    with broken.refusing() as url:
        one = correspondent(
            Loki(url=url, labels={"a": "b"}, batch_interval=Duration(0.01), retries=0), run
        )
        one.tell(event(State.START))
        for number in range(20):
            run.texts.append(f"line {number}")
            time.sleep(0.02)
        assert one._queue.qsize() <= 1
        end(one)
