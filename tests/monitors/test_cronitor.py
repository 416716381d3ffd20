"""Cronitor."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from resticprof.model.run import State
from resticprof.model.types import Secret
from resticprof.monitors.cronitor import Cronitor
from tests.kit.events import RUN_ID, event, request

SHORT = "https://cronitor.link/d3x0c1"
KEYED = "https://cronitor.link/p/API-KEY/home"


def pinged(url, state, **settings):
    settings = {"metrics": False, "message": False, **settings}
    return request(Cronitor(url=Secret(url), **settings), event(state)).url.reveal()


@pytest.mark.parametrize(
    ("state", "word"),
    [(State.START, "run"), (State.FINISH, "complete"), (State.FAIL, "fail")],
)
def test_a_short_code_gets_a_suffix_and_a_key_gets_a_state(state, word):
    assert pinged(SHORT, state) == f"{SHORT}/{word}"
    assert pinged("d3x0c1", state) == f"{SHORT}/{word}"
    assert pinged(KEYED, state) == f"{KEYED}?state={word}"
    assert pinged("https://cronitor.link/ping/KEY/m", state).endswith(f"/ping/KEY/m?state={word}")


def test_a_query_in_the_url_is_kept_and_its_state_replaced():
    assert pinged(f"{KEYED}?state=run&env=x", State.FAIL) == f"{KEYED}?env=x&state=fail"
    assert pinged(f"{SHORT}?a=1", State.START) == f"{SHORT}/run?a=1"


def test_numbers_and_summary_come_with_the_outcome():
    url = pinged(KEYED, State.FINISH, metrics=True, message=True, environment="prod")
    query = parse_qs(urlsplit(url).query)
    assert query["series"] == [RUN_ID]
    assert query["host"] == ["nas"]
    assert query["env"] == ["prod"]
    assert query["status_code"] == ["0"]
    assert query["metric"] == [
        "duration:76.25",
        "count:5135",
        "error_count:0",
        "bytes_added:14890000",
    ]
    assert query["message"][0].startswith("backup home: OK in 1m16s, 12 new")


def test_unknown_numbers_are_not_sent():
    url = pinged(KEYED, State.FAIL, metrics=True)
    assert parse_qs(urlsplit(url).query)["metric"] == ["duration:76.25"]


def test_long_texts_are_cut():
    monitor = Cronitor(url=Secret(KEYED), environment="e" * 60)
    about = event(State.FAIL, sentence="s" * 3000, host="h" * 60)
    query = parse_qs(urlsplit(request(monitor, about).url.reveal()).query)
    assert len(query["message"][0]) == 1000
    assert len(query["host"][0]) == len(query["env"][0]) == 50


@pytest.mark.parametrize("url", [SHORT, KEYED, "d3x0c1", "http://cronitor.lan/x"])
def test_urls_and_codes_are_accepted(url):
    assert Cronitor(url=Secret(url)).check() == []


@pytest.mark.parametrize("url", ["", "ab", "not a code", "cronitor.link/d3x0c1", "ftp://x"])
def test_anything_else_is_a_mistake(url):
    [problem] = Cronitor(url=Secret(url)).check()
    assert "code of 3 to 12 letters and digits" in problem
