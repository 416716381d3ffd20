"""Words: how they are shown, and how long restic itself may wait for a lock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resticprof.model.types import Secret
from resticprof.restic import argv
from resticprof.restic.situation import Situation
from resticprof.restic.versions import Version


def test_command_line_masks_secrets_and_keeps_words_apart():
    words = ("/bin/restic", "backup", Secret("--repo=pw", public="--repo=×××"), 'a "b" \\')
    assert argv.command_line(words) == r'"/bin/restic" "backup" "--repo=×××" "a \"b\" \\"'


@pytest.mark.parametrize(
    ("left", "value"),
    [
        (10 * 60 + 30, "9m"),
        (2 * 60 + 30, "1m"),
        (2 * 60, None),
        (11 * 60 + 14, "9m"),
        (11 * 60 + 15, "10m"),
        (3600, "10m"),
        (10 * 60 + 30 - 5 * 60 + 3 * 60, "7m"),
        (0, None),
        (-5, None),
    ],
)
def test_restic_waits_whole_minutes_and_leaves_time_for_one_more_attempt(left, value):
    assert argv.retry_lock(left, 60) == value


@pytest.mark.parametrize(("retry_after", "value"), [(5, "1m"), (20, None), (3600, None)])
def test_restic_leaves_time_for_the_pause_that_is_configured(retry_after, value):
    assert argv.retry_lock(80, retry_after) == value


def test_restic_does_not_wait_when_waiting_is_switched_off():
    assert argv.retry_lock(3600, 0) is None


@given(st.lists(st.text(min_size=1)))
def test_words_after_two_dashes_are_never_touched(words):
    rendered = argv.render("check", {}, extra=("--", *words), situation=Situation())
    assert rendered.reveal() == ("check", "--", *words)
    assert rendered.dropped == ()


@given(st.lists(st.text(min_size=1)))
def test_every_word_is_kept_or_named(words):
    here = Situation(version=Version(0, 14))
    rendered = argv.render("check", {}, extra=tuple(words), situation=here)
    left = " ".join((*rendered.reveal(), *rendered.dropped))
    assert sorted(left) == sorted(" ".join(("check", *words)))


def test_secrets_that_were_typed_are_masked():
    typed = ("-r", "rest:http://me:pw@h/", "--option=s3.secret-key=pw", "--password-command", "pw")
    rendered = argv.render("check", {}, extra=typed, situation=Situation())
    assert rendered.reveal() == ("check", *typed)
    shown = (
        "-r",
        "rest:http://me:×××@h/",
        "--option=s3.secret-key=×××",
        "--password-command",
        "×××",
    )
    assert rendered.public == ("check", *shown)
