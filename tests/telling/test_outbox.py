"""Notifications that wait on disk: private, bounded, delivered once, with their original time."""

from __future__ import annotations

import multiprocessing
import os
import stat
import time
from datetime import timedelta

import msgspec
import pytest

from resticprof.model.config import Global, Group, Profile
from resticprof.model.run import State
from resticprof.model.types import Secret
from resticprof.monitors.apprise import Apprise
from resticprof.monitors.ntfy import Ntfy, NtfyMessage
from resticprof.monitors.pagerduty import PagerDuty
from resticprof.system import http
from resticprof.telling import outbox
from resticprof.telling.delivery import Delivery
from tests.kit import broken
from tests.kit.events import STARTED, event, log_lines

CONFIG = "/etc/resticprof/profiles.toml"  # as tests.kit.events has it


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    yield tmp_path / "state" / "resticprof" / "outbox"
    monkeypatch.undo()
    http.close()


def ntfy(server=None, **settings):
    url = server.url if server else "http://127.0.0.1:9"
    return Ntfy(**{"topic": "t", "url": url, **settings})


def keep(monitor=None, about=None):
    letter = outbox.keep(monitor or ntfy(), about or event(State.FAIL))
    assert letter is not None
    return letter


def way(monitor):
    return Delivery(monitor, Global())


def profile(*monitors, command="backup", **settings):
    return Profile(name="home", monitors={command: monitors}, **settings)


# ---- on disk --------------------------------------------------------------------------------


def test_only_the_user_can_read_what_waits(folder):
    before = os.umask(0)
    try:
        letter = keep()
    finally:
        os.umask(before)
    assert stat.S_IMODE(letter.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_neither_url_nor_token_nor_environment_is_written():
    monitor = ntfy(access_token=Secret("tk_secret"), username="me", password=Secret("hush"))
    about = msgspec.structs.replace(
        event(State.FAIL), environment={"AWS_SECRET": "plan9"}, facts={"receipt": "r1"}
    )
    text = keep(monitor, about).path.read_text()
    for secret in ("127.0.0.1", "tk_secret", "hush", "plan9", "r1"):
        assert secret not in text


def test_the_log_is_kept_in_part():
    letter = keep(about=event(State.FAIL, log=log_lines(*map(str, range(1000)))))
    assert len(letter.report.log) == outbox.LINES
    assert letter.report.log[-1].text == "999"


def test_there_are_at_most_so_many(monkeypatch, caplog):
    monkeypatch.setattr(outbox, "MOST", 3)
    names = [keep().path.name for _ in range(5)]
    assert [letter.path.name for letter in outbox.waiting()] == names[2:]
    assert caplog.text.count("is dropped; 3 newer ones wait") == 2


def test_what_is_too_old_is_dropped_with_a_word(monkeypatch, caplog):
    keep()
    monkeypatch.setattr(outbox, "OLDEST", 0.0)
    assert outbox.waiting() == []
    assert "is dropped; it is too old" in caplog.text


def test_what_cannot_be_understood_is_dropped_with_a_word(folder, caplog):
    letter = keep()
    (folder / f"{time.time_ns()}-bad.json").write_text("{")
    assert outbox.waiting() == [letter]
    assert "it cannot be understood" in caplog.text
    assert len(list(folder.iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_a_warning(folder, caplog):
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    assert outbox.keep(ntfy(), event(State.FAIL)) is None
    assert "ntfy: the notification could not be kept either: " in caplog.text
    assert outbox.waiting() == []


def test_without_a_state_folder_it_is_in_the_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert outbox.directory() == tmp_path / ".local" / "state" / "resticprof" / "outbox"


# ---- whose they are -------------------------------------------------------------------------


def test_a_profile_gets_its_own_letters():
    mine = keep()
    keep(about=event(State.FAIL, profile="other"))
    keep(about=event(State.FAIL, config_file="/elsewhere.toml"))
    keep(about=event(State.FAIL, profile="", group="home"))
    found = outbox.letters_of(profile(), CONFIG)
    assert [letter.path for letter in found] == [mine.path]


def test_a_member_of_a_group_is_told_for_itself():
    mine = keep(about=event(State.FAIL, group="all"))
    whole = keep(about=event(State.FAIL, profile="", group="all"))
    assert [letter.path for letter in outbox.letters_of(profile(), CONFIG)] == [mine.path]
    group = Group(name="all")
    assert [letter.path for letter in outbox.letters_of(group, CONFIG)] == [whole.path]


def test_it_is_addressed_by_service_and_name():
    me, ops = ntfy(name="me"), ntfy(name="ops", topic="ops")
    letter = keep(ops)
    assert outbox.addressee(letter, profile(me, ops)) == ops


def test_a_warning_counts_as_it_did_in_its_run(server):
    keep(ntfy(on_warning="finish"), event(State.WARN))
    monitor = ntfy(server, finish=NtfyMessage(priority="min"), fail=NtfyMessage(priority="max"))
    [letter] = outbox.letters_of(profile(monitor), CONFIG)
    outbox.send(letter, way(outbox.addressee(letter, profile(monitor))))
    assert msgspec.json.decode(server.requests[0].body)["priority"] == 1


@pytest.mark.parametrize(
    "sender",
    [
        profile(),
        profile(ntfy(name="other")),
        profile(ntfy(), command="check"),
        profile(Apprise(api_url="http://apprise")),
    ],
)
def test_a_letter_without_a_service_is_dropped_with_a_word(sender, caplog, folder):
    assert outbox.addressee(keep(), sender) is None
    assert "`home` has no such service any more" in caplog.text
    assert list(folder.iterdir()) == []


# ---- sending --------------------------------------------------------------------------------


def test_it_is_sent_with_its_original_time_and_removed(server, folder):
    monitor = ntfy(server)
    keep(monitor)
    [letter] = outbox.letters_of(profile(monitor), CONFIG)
    assert outbox.send(letter, way(monitor))
    message = msgspec.json.decode(server.requests[0].body)
    assert message["title"].startswith("[delayed, 2026-02-03 04:06:22 +0100] backup home failed")
    assert message["message"].startswith("[delayed, 2026-02-03 04:06:22 +0100] backup home: FAILED")
    assert list(folder.iterdir()) == []


def test_its_texts_see_the_environment_of_today(server):
    monitor = ntfy(server, fail=NtfyMessage(message="${TEAM}: ${SUMMARY}"))
    keep(monitor)
    [letter] = outbox.letters_of(profile(monitor, env={"TEAM": "ops"}), CONFIG)
    outbox.send(letter, way(monitor))
    message = msgspec.json.decode(server.requests[0].body)["message"]
    assert message.startswith("ops: [delayed, 2026-02-03 04:06:22 +0100] backup home: FAILED")


def test_what_cannot_be_sent_stays(caplog):
    with broken.refusing() as url:
        monitor = ntfy(url=url)
        letter = keep(monitor)
        assert not outbox.send(letter, way(monitor))
    assert letter.path.exists()
    assert "ntfy: what waits was not delivered: 127.0.0.1: connection refused" in caplog.text


def test_only_what_is_older_is_dropped_when_an_incident_has_its_last_word(caplog):
    monitor = PagerDuty(integration_key=Secret("k"))
    older = keep(monitor, event(State.FAIL, ended=STARTED))
    newer = keep(monitor, event(State.FAIL, ended=STARTED + timedelta(days=1)))
    other = keep(PagerDuty(integration_key=Secret("k"), name="ops"), older.content.event)
    elsewhere = keep(monitor, event(State.FAIL, ended=STARTED, profile="other"))
    outbox.drop_outdated(monitor, event(State.FINISH))
    assert outbox.waiting() == [newer, other, elsewhere]
    assert "is dropped: a later run has told how it is now" in caplog.text


def test_a_failure_is_told_after_the_next_success_where_each_is_news_of_its_own():
    keep(about=event(State.FAIL, ended=STARTED))
    outbox.drop_outdated(ntfy(), event(State.FINISH))
    assert len(outbox.waiting()) == 1


def test_no_further_attempt_is_made_for_a_letter_that_was_dropped_meanwhile(server):
    server.reply("/", 503)
    monitor = ntfy(server)
    letter = keep(monitor)
    server.on_request = lambda _: letter.remove()
    assert not outbox.send(letter, way(monitor), retries=3)
    assert len(server.requests) == 1


def _send_all(url, ready):
    ready.wait()
    monitor = Ntfy(topic="t", url=url)
    for letter in outbox.letters_of(profile(monitor), CONFIG):
        outbox.send(letter, way(monitor))


def test_several_processes_at_once_deliver_once(server):
    monitor = ntfy(server)
    for number in range(10):
        keep(monitor, event(State.FAIL, run_id=f"run {number}"))
    fork = multiprocessing.get_context("fork")
    ready = fork.Event()
    children = [fork.Process(target=_send_all, args=(server.url, ready)) for _ in range(4)]
    for child in children:
        child.start()
    ready.set()
    for child in children:
        child.join(30)
    assert len(server.requests) == 10
    assert outbox.waiting() == []


def test_a_letter_that_somebody_else_has_sent_meanwhile_is_not_sent_again(server, folder):
    """Both have read it, and one was faster."""
    monitor = ntfy(server)
    letter = keep(monitor)
    with outbox._claimed(letter) as first:
        held = os.open(letter.path, os.O_RDONLY)  # the slower one has opened it, too
        letter.remove()
    os.close(held)
    assert first
    assert outbox.send(letter, way(monitor))
    assert server.requests == []
