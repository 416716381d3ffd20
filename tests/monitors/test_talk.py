"""Messages and answers between a service and the frame."""

from __future__ import annotations

import pytest

from resticprof.errors import MonitorError
from resticprof.model.run import Fact, Failure, HttpRequest, HttpResponse, Notification, State
from resticprof.model.types import public
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


SECRETS = """addffa72 d3x0c1 1f5e3410 API-KEY ping-key glc_token hidden-topic tk_AgQd a177cad4
APP-TOKEN USER-KEY 5f80ec abcd1234 STORED-KEY b2ecba64 "secret" user:pass gotify:// REHEARSED"""


@pytest.mark.parametrize("name", sorted(PLAIN))
@pytest.mark.parametrize("settings", [PLAIN, FULL], ids=["plain", "full"])
@pytest.mark.parametrize("state", State)
def test_no_secret_is_shown(name, settings, state):
    answer = HttpResponse(status=200, body=b'{"result": "REHEARSED"}')
    if state.value not in settings[name].EVENTS:
        return
    for message in told(settings[name], event(state), *[answer] * 5):
        shown = repr(message)
        if isinstance(message, HttpRequest):
            headers = [f"{key}: {public(value)}" for key, value in message.headers]
            body = message.body if message.public_body is None else message.public_body
            shown = "\n".join([public(message.url), *headers, (body or b"").decode()])
        assert [secret for secret in SECRETS.split() if secret in shown] == []


@pytest.mark.parametrize("name", sorted(PLAIN))
@pytest.mark.parametrize("settings", [PLAIN, FULL], ids=["plain", "full"])
@pytest.mark.parametrize("state", State)
def test_a_dry_run_hears_the_whole_talk(name, settings, state):
    monitor = settings[name]
    if state.value in monitor.EVENTS:
        told(monitor, event(state), *[REHEARSAL] * 5)
