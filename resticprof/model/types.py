"""Values that a configuration is made of: secrets, durations, and where a value was written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

MASK = "×××"  # the reference's text


class Place(msgspec.Struct, frozen=True, order=True):
    """Where something was written: file name as it was opened, line counted from 1 (0: unknown)."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Secret:
    """Text that must not be seen. It prints as its public form; only `reveal` gives the value.

    A reference (`{ command = … }` and so on) is a `Secret` whose value comes from `source`, which
    is called at the first `reveal` and never again. `source` raises `SecretError`.
    """

    __slots__ = ("_source", "_value", "public")

    def __init__(
        self,
        value: str | None = None,
        *,
        public: str = MASK,
        source: Callable[[], str] | None = None,
    ) -> None:
        self._value = value
        self._source = source
        self.public = public

    def reveal(self) -> str:
        """The value itself, for the one place that needs it."""
        if self._value is None:
            self._value = self._source() if self._source else ""
        return self._value

    @property
    def resolved(self) -> bool:
        """Whether the value is known already; a log filter asks this to avoid resolving early."""
        return self._value is not None

    @property
    def fetched(self) -> bool:
        """Whether the value comes from a reference rather than from the text of a file."""
        return self._source is not None

    def __str__(self) -> str:
        return self.public

    def __repr__(self) -> str:
        return f"Secret({self.public!r})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        if self._source or other._source:
            return self._source is other._source and self.public == other.public
        return self._value == other._value

    def __hash__(self) -> int:
        return hash((self.public, self._value))

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not written anywhere")


Text = str | Secret
"""Text that may be a secret; `reveal(text)` and `public(text)` read it either way."""


def reveal(text: Text) -> str:
    """The text itself, secret or not."""
    return text.reveal() if isinstance(text, Secret) else text


def known(text: Text) -> str:
    """The text itself, but of a secret reference that nobody has followed yet the reference."""
    pending = isinstance(text, Secret) and text.fetched and not text.resolved
    return str(text) if pending else reveal(text)


def public(text: Text) -> str:
    """The text as it may be shown."""
    return str(text)


_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


def truth(text: str) -> bool | None:
    """Whether the text says yes or no, as Go reads it; `None`: neither."""
    return True if text in _TRUE else False if text in _FALSE else None


_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")


LONGEST = 2.0**63 / 1e9
"""Seconds that Go can count in nanoseconds."""


def _seconds(text: str) -> float:
    """The length of a duration in seconds; `nan` for what is none."""
    try:
        return float(text)
    except ValueError:
        pass
    sign, rest = (-1.0, text[1:]) if text[:1] == "-" else (1.0, text.removeprefix("+"))
    parts = _PART.findall(rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        return float("nan")
    return sign * sum(float(number) * _UNITS[unit] for number, unit in parts)


class Duration(float):
    """A length of time in seconds, written as Go writes it: `1h30m`, `90s`, `1.5h`."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read Go's notation; a bare number means seconds. Raises `ValueError`."""
        text = text.strip()
        seconds = _seconds(text)
        if not abs(seconds) <= LONGEST:  # `nan` is neither
            raise ValueError(f"`{text}` is not a duration; write it like 30s, 10m or 1h30m")
        return cls(seconds)

    def __str__(self) -> str:
        """Go's form: `1h0m0s`, `1m16s`, `1.5s`, `300ms`."""
        seconds = abs(float(self))
        sign = "-" if self < 0 else ""
        if seconds < 1:
            return f"{sign}{round(seconds * 1000)}ms" if seconds else "0s"
        whole = int(seconds)
        hours, minutes = whole // 3600, whole % 3600 // 60
        rest = f"{round(seconds - hours * 3600 - minutes * 60, 3):.3f}".rstrip("0").rstrip(".")
        if hours:
            return f"{sign}{hours}h{minutes}m{rest}s"
        return f"{sign}{minutes}m{rest}s" if minutes else f"{sign}{rest}s"
