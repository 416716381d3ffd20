"""Messages and answers between a service and the frame."""

from __future__ import annotations

import pytest

from resticprof.errors import MonitorError
from resticprof.model.run import Fact, Failure, HttpRequest, HttpResponse, Notification, State
from resticprof.monitors.talk import REHEARSAL, converse
from tests.kit.events import OK, event, log_lines, told
from tests.monitors.settings import FULL, PLAIN


def test_an_error_is_thrown_into_the_talk_and_comes_out_again():
    seen = []

    def talk():
        try:
            yield Fact("a", "1")
        except MonitorError as error:
            seen.append(str(error))
            yield Fact("cleanup", "2")
            raise

    def deliver(message):
        seen.append(message.name)
        if message.name == "a":
            raise MonitorError("refused")
        return OK

    with pytest.raises(MonitorError, match="refused"):
        converse(talk(), deliver)
    assert seen == ["a", "refused", "cleanup"]


def test_an_answer_is_the_value_of_yield():
    answers = []

    def talk():
        answers.append((yield Fact("a", "1")))

    converse(talk(), lambda _message: HttpResponse(status=201))
    assert answers == [HttpResponse(status=201)]


def test_a_talk_may_be_silent():
    converse(iter(()), lambda _message: OK)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", sorted(PLAIN))
def test_a_file_name_that_is_not_unicode_does_not_silence_an_alert(name):
    bad = "/h\udce4user"
    failure = Failure(message=bad, command_line=bad, stderr=bad, exit_code=1)
    about = event(State.FAIL, failure=failure, log=log_lines(bad), sentence=bad, profile=bad)
    messages = told(FULL[name], about, *[REHEARSAL] * 5)
    for message in messages:
        if isinstance(message, Notification):
            assert message.body
        elif isinstance(message, HttpRequest):
            message.url.reveal().encode()


@pytest.mark.parametrize("name", sorted(PLAIN))
@pytest.mark.parametrize("settings", [PLAIN, FULL], ids=["plain", "full"])
@pytest.mark.parametrize("state", State)
def test_a_dry_run_hears_the_whole_talk(name, settings, state):
    monitor = settings[name]
    if state.value in monitor.EVENTS:
        told(monitor, event(state), *[REHEARSAL] * 5)
