"""Log payloads: bytes, line borders, and what survives."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as some

from resticprof.model.run import ANSWER, State
from resticprof.monitors import payload
from tests.kit.events import event, log_lines, report

LINES = some.lists(some.text(alphabet="aü€😀 .", max_size=12), max_size=12)


def size(text: str) -> int:
    return len(text.encode())


@given(LINES, some.integers(0, 200))
def test_ending_never_exceeds_its_room(log, room):
    assert size(payload.ending(log, room)) <= room


@given(LINES, some.integers(0, 200))
def test_ending_is_everything_or_marked(log, room):
    text = payload.ending(log, room)
    whole = "\n".join(log)
    assert (text == whole) == (size(whole) <= room) or not text
    if text and text != whole:
        assert text.startswith("...\n")
        assert whole.endswith(text.removeprefix("...\n"))


@given(LINES, some.integers(0, 200))
def test_ending_is_cut_at_line_borders_unless_one_line_fills_it(log, room):
    text = payload.ending(log, room)
    if not text.startswith("...\n"):
        return
    kept = text.removeprefix("...\n").split("\n")
    if kept != log[-len(kept) :]:
        first, rest = kept[0], kept[1:]
        assert log[-len(kept)].endswith(first)
        assert not any(rest)


@given(some.text(max_size=40), LINES, some.integers(1, 120))
def test_payload_never_exceeds_its_limit(head, log, limit):
    assert size(payload.composed(head, log, limit=limit)) <= limit


@given(some.text(min_size=1, max_size=40), LINES, some.integers(1, 120))
def test_the_head_survives_when_it_fits(head, log, limit):
    text = payload.composed(head, log, limit=limit)
    assert text.startswith(head) if size(head) <= limit else head.startswith(text)


def test_no_limit_keeps_everything():
    log = ["x" * 1000] * 1000
    assert payload.composed("head", log, limit=0) == "head\n\n" + "\n".join(log)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
def test_a_tiny_limit_is_not_unlimited(limit):
    assert size(payload.composed("", ["abc" * 100], limit=limit)) <= limit


def test_one_huge_line_keeps_its_own_end():
    text = payload.composed("head", ["first", "x" * 100_000 + "the end"], limit=100)
    assert text.startswith("head\n\n...\nxxx")
    assert text.endswith("xthe end")
    assert size(text) == 100


def test_a_cut_never_splits_a_character():
    text = payload.ending(["ü" * 100], 24)
    assert text == "...\n" + "ü" * 10
    assert payload.ending(["ü" * 100], 25) == text


def test_length_is_counted_in_bytes_not_characters():
    log = ["ü" * 50] * 4
    assert size(payload.composed("", log, limit=210)) <= 210
    assert payload.composed("", log, limit=210).count("\n") == 2


def test_the_tools_own_lines_do_not_push_out_the_summary():
    about = event(State.FAIL, log=log_lines(*["noise " * 20] * 1000))
    text = payload.body(about, verbosity=1, limit=400).decode()
    assert text.startswith("backup home: FAILED (exit 12: wrong password) after 1m16s\n\n")
    assert "Fatal: wrong password" in text


@pytest.mark.parametrize(
    ("verbosity", "kept"),
    [(-1, "E"), (0, "AWE"), (1, "IAWE"), (2, "DIAWE"), (9, "DIAWE"), (-9, "E")],
)
def test_verbosity_chooses_the_lines(verbosity, kept):
    levels = {"D": logging.DEBUG, "I": logging.INFO, "A": ANSWER, "W": logging.WARNING}
    levels["E"] = logging.ERROR
    log = tuple(log_lines(text, level=level)[0] for text, level in levels.items())
    assert "".join(payload.texts(report(log=log), verbosity)) == kept


def test_a_log_event_of_a_run_is_only_its_log():
    text = payload.body(event(State.LOG), verbosity=1, limit=0).decode()
    assert text.startswith("profile 'home': starting")
    assert payload.body(event(State.LOG, log=()), verbosity=1, limit=0) == b""
