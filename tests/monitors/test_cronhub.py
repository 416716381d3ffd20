"""Cronhub."""

from __future__ import annotations

import pytest

from resticprof.errors import MonitorError
from resticprof.model.run import State
from resticprof.model.types import Secret
from resticprof.monitors.cronhub import Cronhub
from tests.kit.events import event, request, told


@pytest.mark.parametrize("word", ["start", "ping"])
@pytest.mark.parametrize("state", [State.START, State.FINISH, State.FAIL])
def test_the_word_in_the_url_becomes_the_state(word, state):
    monitor = Cronhub(url=Secret(f"https://cronhub.io/{word}/1f5e3410"))
    url = request(monitor, event(state)).url.reveal()
    assert url == f"https://cronhub.io/{state.value}/1f5e3410"


def test_only_the_first_word_is_replaced():
    monitor = Cronhub(url=Secret("https://cronhub.io/ping/start/x"))
    assert request(monitor, event(State.FAIL)).url.reveal() == "https://cronhub.io/fail/start/x"


def test_it_says_that_the_service_is_gone():
    [text] = Cronhub(url=Secret("https://cronhub.io/start/x")).advice()
    assert "shut down" in text


def test_a_url_without_the_word_is_found_at_load():
    [problem] = Cronhub(url=Secret("https://cronhub.io/x?a=/start/")).check()
    assert "/start/" in problem


def test_a_url_that_is_known_late_is_an_error_of_ours():
    monitor = Cronhub(url=Secret(source=lambda: "https://cronhub.io/x"))
    assert monitor.check() == []
    with pytest.raises(MonitorError, match="/start/"):
        told(monitor, event(State.START))
