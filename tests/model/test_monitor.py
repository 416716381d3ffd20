"""Which events a monitor wants, and what a warning counts as."""

from __future__ import annotations

import pytest

from resticprof.model.monitor import Monitor
from resticprof.model.run import Failure, Outcome, State
from tests.kit.events import event

STATES = ("start", "finish", "fail")


class Simple(Monitor):
    pass


class WithLog(Monitor):
    EVENTS = ("start", "log", "finish", "warn", "fail")


SKIPPED = event(State.LOG, outcome=Outcome.SKIPPED, skip_reason="not today")
LOCKED = event(State.LOG, outcome=Outcome.FAILED, failure=Failure(message="held", reason="lock"))


@pytest.mark.parametrize("state", [State.START, State.FINISH, State.FAIL])
def test_listed_states_are_wanted(state):
    assert Simple(states=STATES).wants(event(state))
    assert not Simple(states=()).wants(event(state))


@pytest.mark.parametrize(
    ("states", "policy", "wanted"),
    [
        (("fail",), "fail", True),
        (("fail",), "finish", False),
        (("finish",), "finish", True),
        (("warn",), "finish", True),
        ((), "log", False),
        (("finish",), "log", True),
    ],
)
def test_a_warning_follows_finish_or_fail(states, policy, wanted):
    monitor = Simple(states=states, on_warning=policy)
    assert monitor.wants(event(State.WARN)) is wanted


def test_a_warning_that_counts_as_log_needs_no_listing():
    assert WithLog(states=("fail",), on_warning="log").wants(event(State.WARN))


def test_a_log_of_a_run_must_be_asked_for():
    assert not WithLog(states=STATES).wants(event(State.LOG))
    assert WithLog(states=("log",)).wants(event(State.LOG))
    assert not Simple(states=("log",)).wants(event(State.LOG))


@pytest.mark.parametrize("about", [SKIPPED, LOCKED])
def test_a_log_instead_of_a_run_needs_no_listing(about):
    assert WithLog(states=STATES).wants(about)
    assert not Simple(states=STATES).wants(about)


def test_nothing_is_wanted_when_monitoring_is_off():
    assert not Simple(states=STATES, enabled=False).wants(event(State.FAIL))
    assert not Simple(states=STATES, verbosity=-2).wants(event(State.FAIL))
    assert Simple(states=STATES, verbosity=-1).wants(event(State.FAIL))


def test_only_the_listed_commands_are_reported():
    monitor = Simple(states=STATES, commands=("check",))
    assert not monitor.wants(event(State.FAIL))
    assert monitor.wants(event(State.FAIL, command="check"))


@pytest.mark.parametrize(
    ("policy", "simple", "with_log"),
    [
        ("finish", State.FINISH, State.FINISH),
        ("fail", State.FAIL, State.FAIL),
        ("", State.FAIL, State.FAIL),
        ("log", State.FINISH, State.LOG),
    ],
)
def test_what_a_warning_counts_as(policy, simple, with_log):
    assert Simple(on_warning=policy).counts_as(State.WARN) is simple
    assert WithLog(on_warning=policy).counts_as(State.WARN) is with_log
    assert Simple(on_warning=policy).counts_as(State.FINISH) is State.FINISH


@pytest.mark.parametrize(
    ("values", "part"),
    [
        ({"states": ("log",)}, "no `log`"),
        ({"tls_client_cert": "a.pem"}, "need each other"),
        ({"tls_client_key": "a.pem"}, "need each other"),
        ({"verbosity": 3}, "`verbosity`"),
    ],
)
def test_values_that_do_not_fit_are_found_at_load(values, part):
    [problem] = Simple(**values).check()
    assert part in problem


def test_values_that_fit_are_no_problem():
    assert Simple(states=STATES, tls_client_cert="a", tls_client_key="b").check() == []
