"""How long a run waits for locks, and what it does after a failed attempt. Pure."""

from __future__ import annotations

import enum

import msgspec

SHORTEST, LONGEST = 15.0, 30 * 60.0  # seconds between two attempts on a locked repository
STALE = 15 * 60.0  # seconds; a younger lock may belong to a restic that is slow to refresh it


class Patience:
    """A budget of waiting for the whole run; time in which work was done does not count."""

    def __init__(self, seconds: float) -> None:
        self._total = seconds
        self._spent = 0.0

    def spend(self, seconds: float) -> None:
        """So long we have waited."""
        self._spent += seconds

    @property
    def left(self) -> float:
        """Seconds that may still be waited."""
        return max(0.0, self._total - self._spent)


class Move(enum.Enum):
    """What comes after a failed attempt."""

    FAIL = "fail"
    WAIT = "wait"  # for the lock of the repository
    UNLOCK = "unlock"  # remove a stale lock, then try again
    RETRY = "retry"  # the failure can heal


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A failed attempt, as far as the next move depends on it. Ages and times in seconds."""

    locked: bool
    lock_age: float | None
    heals: bool  # and no snapshot was saved
    retried: int  # how often it was tried again, because it could heal
    unlocked: bool  # a stale lock was removed before


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the configuration says about trying again. Seconds; 0 switches off."""

    stale_age: float
    may_unlock: bool
    retry_after: float
    retries: int
    retry_wait: float


def next_move(attempt: Attempt, rules: Rules, patience: Patience) -> tuple[Move, float]:
    """The move, and how long to sleep before it."""
    if attempt.locked:
        if stale(attempt.lock_age, rules.stale_age):
            helps = rules.may_unlock and not attempt.unlocked
            return (Move.UNLOCK, 0.0) if helps else (Move.FAIL, 0.0)
        delay = min(max(rules.retry_after, SHORTEST), LONGEST, patience.left)
        wait = rules.retry_after > 0 and delay >= SHORTEST
        return (Move.WAIT, delay) if wait else (Move.FAIL, 0.0)
    if attempt.heals and attempt.retried < rules.retries:
        return Move.RETRY, rules.retry_wait
    return Move.FAIL, 0.0


def stale(age: float | None, stale_age: float) -> bool:
    """Whether a lock of the repository is so old that nobody refreshes it any more."""
    return age is not None and stale_age > 0 and age >= max(stale_age, STALE)
