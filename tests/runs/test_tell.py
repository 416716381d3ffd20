"""The services of a run together: who hears what, one last word, and letters of earlier runs."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta

import msgspec
import pytest

from resticprof.cli.opening import open_configuration
from resticprof.model.config import Group
from resticprof.model.run import Failure, Invocation, Outcome, State
from resticprof.model.types import Duration, Secret
from resticprof.monitors.cronitor import Cronitor
from resticprof.monitors.healthchecks import Healthchecks
from resticprof.monitors.ntfy import Ntfy
from resticprof.monitors.pagerduty import PagerDuty
from resticprof.runs import tell
from resticprof.runs.group import run_group
from resticprof.runs.selection import Selection
from resticprof.runs.session import Session
from resticprof.runs.tell import Teller, last_event
from resticprof.system import http
from resticprof.system.logs import Logs
from resticprof.system.signals import Signals
from resticprof.telling import outbox
from tests.kit import broken
from tests.kit.events import STARTED, event

LOCKED = Failure(message="another run holds the lock", reason="lock")
SKIPPED = {"outcome": Outcome.SKIPPED, "skip_reason": "no disk", "failure": None}


@pytest.fixture
def session(tmp_path, monkeypatch):
    """A session for a configuration without anything in it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profiles.toml").write_text('[home.monitor]\nntfy = "t"\n')
    invocation = Invocation(config="profiles")
    logs = Logs(level=logging.INFO)
    logging.getLogger("resticprof").propagate = True  # to caplog
    yield Session(invocation, open_configuration(invocation), Signals(), logs)
    logs.close()
    monkeypatch.undo()
    http.close()


def healthchecks(url, **settings):
    defaults = {"url": Secret(f"{url}/ping/key/slug"), "run_id": False, "timeout": Duration(5)}
    return Healthchecks(**{**defaults, **settings})


def endings(server):
    return [request.path.removeprefix("/ping/key/slug") for request in server.requests]


# ---- policies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "told"), [("fail", State.FAIL), ("log", State.LOG), ("ignore", None)]
)
def test_a_lock_counts_as_the_user_says(policy, told):
    about = last_event(
        healthchecks("", on_lock_failure=policy), event(State.FAIL, failure=LOCKED), started=False
    )
    assert (about and about.state) is told


@pytest.mark.parametrize(
    ("policy", "told"), [("finish", State.FINISH), ("log", State.LOG), ("ignore", None)]
)
def test_a_skipped_run_counts_as_the_user_says(policy, told):
    skipped = event(State.FINISH, **SKIPPED)
    about = last_event(healthchecks("", on_skip=policy), skipped, started=False)
    assert (about and about.state) is told


@pytest.mark.parametrize("policy", ["finish", "log", "ignore"])
def test_who_was_told_of_a_start_is_told_of_an_end(policy):
    """A heartbeat that waits for the end of a run would raise an alarm for it."""
    skipped = event(State.FINISH, **SKIPPED)
    assert last_event(healthchecks("", on_skip=policy), skipped, started=True).state is State.FINISH
    locked = event(State.FAIL, failure=LOCKED)
    ignoring = healthchecks("", on_lock_failure="ignore")
    assert last_event(ignoring, locked, started=True).state is State.FAIL


@pytest.mark.parametrize(
    ("policy", "words"),
    [("finish", "WARNING (2 items"), ("log", "WARNING (2 items"), ("fail", "FAILED (exit 12")],
)
def test_a_warning_that_counts_as_success_does_not_say_failed(policy, words):
    failed = event(State.FAIL, unreadable=("/a", "/b"))
    warning = msgspec.structs.replace(failed, state=State.WARN)
    about = last_event(healthchecks("", on_warning=policy), warning, started=True)
    assert about.state is State.WARN
    assert words in tell.reports.sentence(about)


def test_by_default_a_warning_counts_as_the_backup_says():
    assert tell.settled(Ntfy(topic="t"), tolerant=True).on_warning == "finish"
    assert tell.settled(Ntfy(topic="t"), tolerant=False).on_warning == "fail"
    assert tell.settled(Ntfy(topic="t", on_warning="log"), tolerant=True).on_warning == "log"


def test_the_command_line_silences_and_sets_the_verbosity():
    monitors = (Ntfy(topic="t", verbosity=0),)
    assert tell.for_run(monitors, Invocation(no_monitor=True)) == ()
    assert tell.for_run(monitors, Invocation(monitoring_verbosity=-2)) == ()
    for value, found in ((None, 0), (-1, -1), (0, 0), (2, 2)):
        [monitor] = tell.for_run(monitors, Invocation(monitoring_verbosity=value))
        assert monitor.verbosity == found


# ---- a run ----------------------------------------------------------------------------------


def test_all_services_are_told_at_the_same_time(session, caplog):
    both = threading.Barrier(2)

    def answer(connection):
        connection.recv(65536)
        both.wait(30)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with broken.Broken(answer) as server:
        settings = {"timeout": Duration(40), "retries": 0}
        urls = [Secret(f"{server.url}/{name}") for name in ("one", "other")]
        monitors = tuple(Cronitor(url=url, **settings) for url in urls)
        Teller(monitors, session).finish(event(State.FINISH))
    assert server.requests == 2
    assert "was not delivered" not in caplog.text


def test_three_dead_services_take_one_budget_and_one_warning_each(session, caplog):
    with broken.dead() as addresses:
        monitors = tuple(
            healthchecks(url, timeout=Duration(1.5), retries=1, name=str(number))
            for number, url in enumerate(addresses)
        )
        teller = Teller(monitors, session)
        began = time.monotonic()
        teller.tell(event(State.START))
        assert time.monotonic() - began < 1.4
        teller.finish(event(State.FINISH))
        assert time.monotonic() - began < 8
    told = [text for text in caplog.messages if "`finish` was not" in text]
    assert len(told) == 3
    assert all("/ping/" not in line for line in told)


def test_one_broken_service_does_not_keep_another_from_hearing(server, session):
    with broken.refusing() as url:
        dead, alive = healthchecks(url, retries=0), healthchecks(server.url)
        teller = Teller((dead, alive), session)
        teller.tell(event(State.START))
        teller.finish(event(State.FINISH))
    assert endings(server) == ["/start", ""]


def test_a_dry_run_tells_nobody(server, session, caplog):
    teller = Teller((healthchecks(server.url),), session, dry_run=True)
    teller.tell(event(State.START))
    teller.finish(event(State.FINISH))
    assert server.requests == []
    shown = caplog.text
    assert f"dry-run: healthchecks: POST {server.url}/×××/start" in shown
    assert "backup home: OK in 1m16s" in shown


def test_nothing_of_a_dry_run_is_kept(session, tmp_path):
    Teller((Ntfy(topic="t"),), session, dry_run=True).finish(event(State.FAIL))
    assert outbox.waiting() == []


def test_a_group_has_an_end_where_a_mistake_of_ours_ends_a_member(server, session):
    def run(selection):
        raise RuntimeError(f"injected into {selection.name}")

    group = Group(name="all", profiles=("a", "b"), monitors={"backup": (healthchecks(server.url),)})
    assert run_group(group, Selection("all", "backup", ()), session, run) == 70
    assert endings(server) == ["/start", "/fail"]
    assert "injected into a" in server.requests[-1].text


# ---- letters of earlier runs ----------------------------------------------------------------


def letter(monitor, session, *, state=State.FAIL, **changes):
    config = {"config_file": session.config_file}
    return outbox.keep(monitor, event(state, **{**config, **changes}))


def with_monitors(session, *monitors, command="backup"):
    _, profile = session.configuration.open_profile("home")
    return msgspec.structs.replace(profile, monitors={command: monitors})


def titles(server):
    return [msgspec.json.decode(request.body)["title"] for request in server.requests]


def test_what_waits_is_delivered_before_what_is_new(server, session):
    monitor = Ntfy(topic="t", url=server.url, states=("finish", "fail"))
    letter(monitor, session)
    teller = Teller(tell.for_run((monitor,), session.invocation), session)
    teller.deliver_waiting(with_monitors(session, monitor))
    teller.finish(event(State.FINISH))
    first, second = titles(server)
    assert first.startswith("[delayed, ")
    assert second == "backup home finished on nas"
    assert outbox.waiting() == []


def test_what_waits_for_another_command_is_delivered_too(server, session):
    monitor = Ntfy(topic="t", url=server.url)
    letter(monitor, session, command="check")
    teller = Teller((), session)
    teller.deliver_waiting(with_monitors(session, monitor, command="check"))
    teller.finish(event(State.FINISH))
    [title] = titles(server)
    assert "check home failed" in title


def test_what_waits_stays_when_the_service_is_still_dead(session):
    with broken.refusing() as url:
        monitor = Ntfy(topic="t", url=url, retries=0)
        for _ in range(3):
            letter(monitor, session)
        teller = Teller((monitor,), session)
        teller.deliver_waiting(with_monitors(session, monitor))
        teller.finish(event(State.FINISH))
    assert len(outbox.waiting()) == 3


@pytest.mark.parametrize(("past", "now"), [(State.FAIL, State.FINISH), (State.FINISH, State.FAIL)])
def test_an_incident_does_not_hear_an_older_word_after_the_last_one(server, session, past, now):
    """What waits could not be sent, and how this run ended could."""
    server.reply("/", 503)
    server.reply("/", 202)
    monitor = PagerDuty(integration_key=Secret("k"), api_url=server.url, retries=0)
    earlier = STARTED - timedelta(days=1)
    letter(monitor, session, state=past, ended=earlier)
    letter(monitor, session, state=past, ended=earlier, command="check")
    profile = with_monitors(session, monitor)
    both = {**profile.monitors, "check": (monitor,)}
    teller = Teller((monitor,), session)
    teller.deliver_waiting(msgspec.structs.replace(profile, monitors=both))
    teller.finish(event(now, config_file=session.config_file))
    assert len(server.requests) == 2
    assert [letter.report.command for letter in outbox.waiting()] == ["check"]


@pytest.mark.parametrize("silent", [{"no_monitor": True}, {"monitoring_verbosity": -2}])
def test_a_silent_run_delivers_nothing(server, session, silent):
    monitor = Ntfy(topic="t", url=server.url)
    letter(monitor, session)
    session.invocation = msgspec.structs.replace(session.invocation, **silent)
    teller = Teller((), session)
    teller.deliver_waiting(with_monitors(session, monitor))
    teller.finish(event(State.FINISH))
    assert server.requests == []
    assert len(outbox.waiting()) == 1
