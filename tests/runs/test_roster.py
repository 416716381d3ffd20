"""Who may start now: limits, claims, order, as a game that is played to its end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from resticprof.runs.roster import Waiting

CLAIMS = some.frozensets(some.sampled_from("abcd"), max_size=2)


@given(some.lists(CLAIMS, max_size=12), some.integers(1, 4), some.randoms())
def test_everybody_runs_once_and_never_beside_someone_with_the_same_claim(claims, limit, random):
    waiting, running, started = Waiting(claims, limit), [], []
    while True:
        for place in waiting.start():
            assert not any(claims[place] & claims[other] for other in running)
            running.append(place)
            started.append(place)
        assert len(running) <= limit
        assert bool(waiting) is bool(running)
        if not running:
            break
        ended = running.pop(random.randrange(len(running)))
        waiting.end(ended)
    assert sorted(started) == list(range(len(claims)))
    for claim in "abcd":  # those who claim the same keep their order
        same = [place for place in started if claim in claims[place]]
        assert same == sorted(same)


@given(some.lists(CLAIMS, min_size=1, max_size=8), some.integers(1, 4))
def test_nobody_starts_after_a_stop(claims, limit):
    waiting = Waiting(claims, limit)
    started = waiting.start()
    waiting.stop()
    for place in started:
        waiting.end(place)
    assert not waiting.start()
    assert not waiting


def test_those_behind_overtake_only_whom_they_do_not_concern():
    waiting = Waiting([frozenset("a"), frozenset("ab"), frozenset("b"), frozenset("c")], 4)
    assert waiting.start() == [0, 3]
    waiting.end(0)
    assert waiting.start() == [1]
