"""PagerDuty."""

from __future__ import annotations

import pytest

from resticprof.model.run import State
from resticprof.model.types import Secret
from resticprof.monitors.pagerduty import PagerDuty
from tests.kit.events import document, event, log_lines, request, told

KEY = Secret("a177cad45bd374409f78906a810a3074")


def pagerduty(**settings) -> PagerDuty:
    return PagerDuty(integration_key=KEY, **settings)


def test_a_failure_triggers_with_the_documented_payload():
    sent = request(pagerduty(), event(State.FAIL))
    data = document(sent)
    assert (sent.method, sent.url.reveal()) == ("POST", "https://events.pagerduty.com/v2/enqueue")
    assert sent.accept == (202,)
    assert data["routing_key"] == KEY.reveal()
    assert data["event_action"] == "trigger"
    details = data["payload"].pop("custom_details")
    assert data["payload"] == {
        "summary": "backup home: FAILED (exit 12: wrong password) after 1m16s",
        "severity": "error",
        "source": "nas",
        "timestamp": "2026-02-03T04:06:22.250789+01:00",
        "component": "resticprof",
        "group": "backups",
        "class": "backup failure",
    }
    assert details["hostname"] == "nas"
    assert details["configuration filename"] == "/etc/resticprof/profiles.toml"
    assert details["server time"] == "2026-02-03T04:06:22.250789+01:00"
    assert details["logs"] == ""


def test_start_is_not_told():
    assert not pagerduty().wants(event(State.START))


def test_the_next_success_resolves_what_the_failure_opened():
    opened = document(request(pagerduty(), event(State.FAIL)))
    resolved = document(request(pagerduty(), event(State.FINISH)))
    assert resolved["event_action"] == "resolve"
    assert resolved["dedup_key"] == opened["dedup_key"] == "resticprof/nas/home/backup"


def test_nothing_is_resolved_when_that_is_off():
    assert told(pagerduty(auto_resolve=False), event(State.FINISH)) == []


def test_the_last_word_on_an_incident_outdates_older_ones():
    failed, fine = event(State.FAIL), event(State.FINISH)
    assert pagerduty().outdates(fine, failed)
    assert pagerduty().outdates(failed, fine)
    assert not pagerduty().outdates(fine, event(State.FAIL, command="check"))
    assert not pagerduty(dedup_key="${RUN_ID}").outdates(fine, event(State.FAIL, run_id="before"))
    assert not pagerduty(auto_resolve=False).outdates(fine, failed)
    assert pagerduty(auto_resolve=False).outdates(failed, failed)


def test_a_warning_is_less_severe_or_resolves():
    alarm = document(request(pagerduty(on_warning="fail"), event(State.WARN)))
    assert alarm["payload"]["severity"] == "warning"
    good = document(request(pagerduty(on_warning="finish"), event(State.WARN)))
    assert good["event_action"] == "resolve"


def test_a_test_cannot_resolve_a_true_incident():
    data = document(request(pagerduty(), event(State.FINISH, test=True)))
    assert data["dedup_key"] == "test/resticprof/nas/home/backup"


def test_output_leaves_the_host_only_with_send_logs():
    without = request(pagerduty(), event(State.FAIL)).body
    assert b"Fatal" not in without
    assert b"restic\\" not in without
    details = document(request(pagerduty(send_logs=True), event(State.FAIL)))["payload"][
        "custom_details"
    ]
    assert "Fatal" in details["stderr"]
    assert details["logs"].startswith("profile 'home'")


def test_it_stays_within_the_limits():
    log = log_lines(*["ü" * 500] * 1000)
    about = event(State.FAIL, log=log, sentence="s" * 5000, profile="p" * 500)
    sent = request(pagerduty(send_logs=True), about)
    data = document(sent)
    assert len(data["payload"]["summary"]) == 1024
    assert len(data["dedup_key"]) == 255
    assert len(data["payload"]["custom_details"]["logs"].encode()) <= 10_000
    assert len(sent.body) < 512 * 1024


def test_the_key_is_not_shown():
    sent = request(pagerduty(), event(State.FAIL))
    assert KEY.reveal().encode() not in sent.public_body


def test_the_address_must_be_one():
    [problem] = pagerduty(api_url="events.eu.pagerduty.com").check()
    assert "`api-url`" in problem


@pytest.mark.parametrize("state", [State.FAIL, State.FINISH])
def test_the_dedup_key_takes_variables(state):
    monitor = pagerduty(dedup_key="${PROFILE_NAME}:${RUN_ID}")
    data = document(request(monitor, event(state)))
    assert data["dedup_key"].startswith("home:5c2f")
