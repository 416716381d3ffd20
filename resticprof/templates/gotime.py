"""Go's time: moments, lengths of time, weekdays and months, as templates use them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache

import msgspec

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

LAYOUTS = {
    "Layout": "01/02 03:04:05PM '06 -0700",
    "ANSIC": "Mon Jan _2 15:04:05 2006",
    "UnixDate": "Mon Jan _2 15:04:05 MST 2006",
    "RubyDate": "Mon Jan 02 15:04:05 -0700 2006",
    "RFC822": "02 Jan 06 15:04 MST",
    "RFC822Z": "02 Jan 06 15:04 -0700",
    "RFC850": "Monday, 02-Jan-06 15:04:05 MST",
    "RFC1123": "Mon, 02 Jan 2006 15:04:05 MST",
    "RFC1123Z": "Mon, 02 Jan 2006 15:04:05 -0700",
    "RFC3339": "2006-01-02T15:04:05Z07:00",
    "RFC3339Nano": "2006-01-02T15:04:05.999999999Z07:00",
    "Kitchen": "3:04PM",
    "Stamp": "Jan _2 15:04:05",
    "StampMilli": "Jan _2 15:04:05.000",
    "StampMicro": "Jan _2 15:04:05.000000",
    "StampNano": "Jan _2 15:04:05.000000000",
    "DateTime": "2006-01-02 15:04:05",
    "DateOnly": "2006-01-02",
    "TimeOnly": "15:04:05",
}
"""Go's named layouts. Go itself takes no names in a template; we do, as a convenience."""

_PLAIN = "2006-01-02 15:04:05.999999999 -0700 MST"
_MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_ZERO = datetime(1, 1, 1, tzinfo=timezone.utc)


class LocalZone(tzinfo):
    """The time zone of this machine, also for moments in another season.

    A `datetime` from `astimezone()` keeps today's offset when it is moved half a year; one in this
    zone does not.
    """

    def __repr__(self) -> str:
        return "Local"

    def utcoffset(self, moment: datetime | None) -> timedelta | None:
        return self._fixed(moment).utcoffset() if moment else None

    def dst(self, moment: datetime | None) -> timedelta | None:
        if moment is None:
            return None
        local = time.localtime(self._fixed(moment).timestamp())
        return timedelta(hours=1 if local.tm_isdst > 0 else 0)  # how much of it, nobody asks

    def tzname(self, moment: datetime | None) -> str | None:
        return self._fixed(moment).tzname() if moment else None

    def fromutc(self, moment: datetime) -> datetime:
        fixed = moment.replace(tzinfo=timezone.utc).astimezone()
        local = fixed.replace(tzinfo=self)
        return local if local.utcoffset() == fixed.utcoffset() else local.replace(fold=1)

    @staticmethod
    def _fixed(moment: datetime) -> datetime:
        return moment.replace(tzinfo=None).astimezone()


class Weekday(int):
    """A day of the week: 0 is Sunday; prints as its name."""

    def __str__(self) -> str:
        return DAYS[self] if 0 <= self < 7 else f"%!Weekday({int(self)})"


class Month(int):
    """A month from 1; prints as its name."""

    def __str__(self) -> str:
        return MONTHS[self - 1] if 1 <= self <= 12 else f"%!Month({int(self)})"


class Span(int):
    """A length of time in nanoseconds, Go's `time.Duration`; prints as `1h30m0s`."""

    def __str__(self) -> str:
        size = abs(int(self))
        sign = "-" if self < 0 else ""
        if size == 0:
            return "0s"
        for unit, digits in (("ns", 0), ("µs", 3), ("ms", 6)):
            if size < 10 ** (digits + 3):
                return f"{sign}{_decimal(size, digits)}{unit}"
        minutes, rest = divmod(size, 60 * 10**9)
        text = f"{_decimal(rest, 9)}s"
        if minutes:
            text = f"{minutes % 60}m{text}"
        if minutes >= 60:
            text = f"{minutes // 60}h{text}"
        return sign + text

    def whole(self, unit: int) -> int:
        """How many whole units of so many nanoseconds it has."""
        return abs(int(self)) // unit * (-1 if self < 0 else 1)

    def rounded(self, step: int, *, down: bool) -> Span:
        """The nearest multiple of `step`, halves away from zero; or the one towards zero."""
        if step <= 0:
            return self
        size = abs(int(self))
        result = size - size % step if down else (size + step // 2 + step % 2) // step * step
        return Span(-result if self < 0 else result)


class Time(msgspec.Struct, frozen=True):
    """A moment with its time zone, Go's `time.Time`; microseconds are its finest step."""

    moment: datetime

    def __str__(self) -> str:
        return self.format(_PLAIN)

    @property
    def instant(self) -> datetime:
        """The moment in UTC: within one zone, Python compares and subtracts what clocks show."""
        return self.moment.astimezone(timezone.utc)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Time) and self.instant == other.instant

    def __hash__(self) -> int:
        return hash(self.instant)

    def format(self, layout: str) -> str:
        """The moment written like the layout, which shows how Go's reference moment would look."""
        layout = LAYOUTS.get(layout, layout)
        return _tokens().sub(lambda found: _written(found[0], self.moment), layout)

    def add_date(self, years: int, months: int, days: int) -> Time:
        """The same time of day on another date; too many days run into the next month."""
        year, month = divmod(
            self.moment.year * 12 + self.moment.month - 1 + years * 12 + months, 12
        )
        first = self.moment.replace(year=year, month=month + 1, day=1)
        shifted = first + timedelta(days=self.moment.day - 1 + days)
        # by way of UTC, which moves a time that summer time leaves out
        return Time(shifted.astimezone(timezone.utc)).to(self.moment.tzinfo)

    def add(self, span: int) -> Time:
        shifted = self.instant + timedelta(microseconds=span // 1000)
        return Time(shifted).to(self.moment.tzinfo)

    def to(self, zone: tzinfo | None) -> Time:
        return Time(self.moment.astimezone(zone))

    def sub(self, other: Time) -> Span:
        return Span((self.instant - other.instant) // _MICROSECOND * 1000)

    def unix(self, unit: timedelta) -> int:
        return (self.instant - _EPOCH) // unit

    def rounded(self, step: int, *, down: bool) -> Time:
        """To a multiple of `step` since the year 1; halves go up."""
        since = (self.instant - _ZERO) // _MICROSECOND * 1000
        return self.add(Span(since).rounded(step, down=down) - since)


def _decimal(value: int, digits: int) -> str:
    """`1500` with 3 digits is `1.5`."""
    whole, fraction = divmod(value, 10**digits)
    return f"{whole}.{fraction:0{digits}d}".rstrip("0").rstrip(".") if fraction else str(whole)


# ── layouts ──


@cache
def _tokens() -> re.Pattern[str]:
    """The parts of a layout that stand for something, longest first where they share a start."""
    return re.compile(
        r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|002|0[1-6]|15|1|2006|_2(?!006)|__2|2|3|4|5"
        r"|PM|pm|[-Z]07:00:00|[-Z]070000|[-Z]07:00|[-Z]0700|[-Z]07|[.,]0+(?![0-9])|[.,]9+(?![0-9])"
    )


_WRITERS: Mapping[str, Callable[[datetime], str]] = {
    "January": lambda t: MONTHS[t.month - 1],
    "Jan": lambda t: MONTHS[t.month - 1][:3],
    "Monday": lambda t: DAYS[t.isoweekday() % 7],
    "Mon": lambda t: DAYS[t.isoweekday() % 7][:3],
    "MST": lambda t: _abbreviation(t),  # noqa: PLW0108 - defined below
    "002": lambda t: f"{t.timetuple().tm_yday:03d}",
    "__2": lambda t: f"{t.timetuple().tm_yday:3d}",
    "2006": lambda t: f"{t.year:04d}",
    "06": lambda t: f"{t.year % 100:02d}",
    "01": lambda t: f"{t.month:02d}",
    "1": lambda t: str(t.month),
    "02": lambda t: f"{t.day:02d}",
    "_2": lambda t: f"{t.day:2d}",
    "2": lambda t: str(t.day),
    "15": lambda t: f"{t.hour:02d}",
    "03": lambda t: f"{(t.hour - 1) % 12 + 1:02d}",
    "3": lambda t: str((t.hour - 1) % 12 + 1),
    "04": lambda t: f"{t.minute:02d}",
    "4": lambda t: str(t.minute),
    "05": lambda t: f"{t.second:02d}",
    "5": lambda t: str(t.second),
    "PM": lambda t: "PM" if t.hour >= 12 else "AM",
    "pm": lambda t: "pm" if t.hour >= 12 else "am",
}


def _written(token: str, moment: datetime) -> str:
    if writer := _WRITERS.get(token):
        return writer(moment)
    if token[0] in ".,":
        digits = f"{moment.microsecond:06d}000"[: len(token) - 1]
        if token[1] == "0":
            return token[0] + digits
        digits = digits.rstrip("0")
        return token[0] + digits if digits else ""
    return _offset(token, moment)


def _offset(token: str, moment: datetime) -> str:
    """The distance from UTC; layouts that begin with `Z` write UTC itself as `Z`."""
    seconds = round((moment.utcoffset() or timedelta()).total_seconds())
    if token[0] == "Z" and seconds == 0:
        return "Z"
    hours, rest = divmod(abs(seconds), 3600)
    parts = [f"{hours:02d}", f"{rest // 60:02d}", f"{rest % 60:02d}"]
    count = len(token.replace(":", "")) // 2
    return ("-" if seconds < 0 else "+") + (":" if ":" in token else "").join(parts[:count])


def _abbreviation(moment: datetime) -> str:
    """`CET`; a zone without a name is shown by its distance from UTC."""
    name = moment.tzname() or ""
    return name if name and not name.startswith(("UTC+", "UTC-")) else _offset("-0700", moment)


# ── methods ──


class Method(msgspec.Struct, frozen=True):
    """What a template can call on a value, with the types of the arguments."""

    function: Callable[..., object]
    parameters: tuple[type, ...] = ()


def _weekday(when: Time) -> Weekday:
    return Weekday(when.moment.isoweekday() % 7)


_SECOND = timedelta(seconds=1)
_TEXT = {"String": Method(str)}

METHODS: Mapping[type, Mapping[str, Method]] = {
    Time: _TEXT
    | {
        "Add": Method(Time.add, (int,)),
        "AddDate": Method(Time.add_date, (int, int, int)),
        "After": Method(lambda t, other: t.instant > other.instant, (Time,)),
        "Before": Method(lambda t, other: t.instant < other.instant, (Time,)),
        "Compare": Method(
            lambda t, other: (t.instant > other.instant) - (t.instant < other.instant), (Time,)
        ),
        "Equal": Method(lambda t, other: t == other, (Time,)),
        "Sub": Method(Time.sub, (Time,)),
        "Format": Method(Time.format, (str,)),
        "Year": Method(lambda t: t.moment.year),
        "Month": Method(lambda t: Month(t.moment.month)),
        "Day": Method(lambda t: t.moment.day),
        "Hour": Method(lambda t: t.moment.hour),
        "Minute": Method(lambda t: t.moment.minute),
        "Second": Method(lambda t: t.moment.second),
        "Nanosecond": Method(lambda t: t.moment.microsecond * 1000),
        "YearDay": Method(lambda t: t.moment.timetuple().tm_yday),
        "Weekday": Method(_weekday),
        # year and week as a list; Go's template language cannot call it at all
        "ISOWeek": Method(lambda t: list(t.moment.isocalendar()[:2])),
        "Unix": Method(lambda t: t.unix(_SECOND)),
        "UnixMilli": Method(lambda t: t.unix(_MICROSECOND * 1000)),
        "UnixMicro": Method(lambda t: t.unix(_MICROSECOND)),
        "UnixNano": Method(lambda t: t.unix(_MICROSECOND) * 1000),
        "UTC": Method(lambda t: t.to(timezone.utc)),
        "Local": Method(lambda t: t.to(LocalZone())),
        "IsZero": Method(lambda t: t.instant == _ZERO),
        "IsDST": Method(lambda t: bool(t.moment.dst())),
        "Round": Method(lambda t, step: t.rounded(step, down=False), (int,)),
        "Truncate": Method(lambda t, step: t.rounded(step, down=True), (int,)),
    },
    Weekday: _TEXT,
    Month: _TEXT,
    Span: _TEXT
    | {
        "Hours": Method(lambda span: span / 3600e9),
        "Minutes": Method(lambda span: span / 60e9),
        "Seconds": Method(lambda span: span / 1e9),
        "Milliseconds": Method(lambda span: span.whole(10**6)),
        "Microseconds": Method(lambda span: span.whole(10**3)),
        "Nanoseconds": Method(int),
        "Abs": Method(lambda span: Span(abs(span))),
        "Round": Method(lambda span, step: span.rounded(step, down=False), (int,)),
        "Truncate": Method(lambda span, step: span.rounded(step, down=True), (int,)),
    },
}

TYPE_NAMES: Mapping[type, str] = {
    Time: "time.Time",
    Weekday: "time.Weekday",
    Month: "time.Month",
    Span: "time.Duration",
}
