"""Calendar expressions of systemd.time(7): read, written in normal form, and their next elapse.

Syntax, normal form and elapse follow systemd, so that an expression means the same to every
scheduler, and a mistake is told before anything is installed.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FULL_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SECOND = 1_000_000  # seconds are counted in microseconds

KEYWORDS = {
    "minutely": "*-*-* *:*:00",
    "hourly": "*-*-* *:00:00",
    "daily": "*-*-* 00:00:00",
    "weekly": "Mon *-*-* 00:00:00",
    "monthly": "*-*-01 00:00:00",
    "quarterly": "*-01,04,07,10-01 00:00:00",
    "semiannually": "*-01,07-01 00:00:00",
    "semi-annually": "*-01,07-01 00:00:00",
    "biannually": "*-01,07-01 00:00:00",
    "bi-annually": "*-01,07-01 00:00:00",
    "yearly": "*-01-01 00:00:00",
    "annually": "*-01-01 00:00:00",
    "anually": "*-01-01 00:00:00",  # codespell:ignore anually
}

LIMITS = {
    "year": (1970, 2199),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 23),
    "minute": (0, 59),
    "second": (0, 60 * SECOND - 1),
}


class Span(msgspec.Struct, frozen=True, order=True):
    """One item of a list: `start`, `start..stop`, `start/repeat` or `start..stop/repeat`."""

    start: int
    stop: int = -1  # none
    repeat: int = 0  # none


EVERY_SECOND = Span(0, -1, SECOND)

Field = tuple[Span, ...]
"""The values of a part; nothing stands for `*`."""


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """A calendar expression. `str` gives the form that `systemd-analyze calendar` shows."""

    weekdays: tuple[int, ...] = ()  # Monday is 0; nothing: every day
    year: Field = ()
    month: Field = ()
    day: Field = ()
    from_end: bool = False  # days count from the end of the month: `*-02~03`
    hour: Field = (Span(0),)
    minute: Field = (Span(0),)
    second: Field = (Span(0),)  # microseconds
    zone: str = ""  # empty: the local time zone

    @classmethod
    def parse(cls, text: str) -> Calendar:
        """Read an expression. Raises `ValueError`, whose text says what is wrong with it."""
        if not text.strip():
            raise ValueError("an empty text is not a calendar expression")
        words = text.strip(" ").split(" ")
        zone = words.pop() if len(words) > 1 and _is_zone(words[-1]) else ""
        if words[0].startswith("@"):
            zone = "UTC"
        words = [word for word in _expanded(" ".join(words)).split(" ") if word]
        weekdays = _weekdays(words.pop(0)) if words and words[0][0].isalpha() else ()
        dated = bool(words) and ":" not in words[0]
        year, month, day, from_end = _date(words.pop(0)) if dated else ((), (), (), False)
        hour, minute, second = _time(words.pop(0) if words else "00:00:00")
        if words:
            raise ValueError(f"`{words[0]}` in `{text}` is a word too many, and not a time zone")
        return cls(
            weekdays=weekdays,
            year=year,
            month=month,
            day=day,
            from_end=from_end and bool(day),
            hour=hour,
            minute=minute,
            second=second,
            zone="UTC" if zone.upper() == "UTC" else zone,
        )

    def __str__(self) -> str:
        separator = "~" if self.from_end else "-"
        day = f"{chain(self.year, 4)}-{chain(self.month)}{separator}{chain(self.day)}"
        clock = f"{chain(self.hour)}:{chain(self.minute)}:{seconds(self.second)}"
        return " ".join(word for word in (_names(self.weekdays), day, clock, self.zone) if word)

    def next_after(self, after: datetime) -> datetime | None:
        """The first elapse after an aware time, in the same zone; None when there is none.

        Without a zone of its own the expression is read in the zone of `after`. A local time that
        the clock skips is left out; of two that are the same, the first counts.
        """
        if after.tzinfo is None:
            raise ValueError("`after` needs a time zone")
        zone = _zone(self.zone) if self.zone else after.tzinfo
        start = _utc(after)
        wall = after.astimezone(zone).replace(tzinfo=None, fold=0) + timedelta(microseconds=1)
        while (found := self._wall(wall)) is not None:
            moment = found.replace(tzinfo=zone)
            real = _utc(moment).astimezone(zone).replace(tzinfo=None, fold=0)
            if real != found:  # skipped by the clock
                wall = max(real, wall + timedelta(microseconds=1))
                continue
            if _utc(moment) <= start:
                moment = moment.replace(fold=1)
            return moment.astimezone(after.tzinfo)
        return None

    def _wall(self, first: datetime) -> datetime | None:
        """The first matching time of a clock that is never changed, from `first` on."""
        for day in self._days(first.date()):
            begin = first.time() if day == first.date() else time()
            clock = self._clock(begin)
            if clock is not None:
                return datetime.combine(day, clock)
        return None

    def _days(self, first: date) -> Iterator[date]:
        for year in steps(self.year, first.year, LIMITS["year"][1]):
            begin = max(first, date(year, 1, 1))
            for month in steps(self.month, begin.month, 12):
                length = calendar.monthrange(year, month)[1]
                days = _counted_from_end(self.day, length) if self.from_end else self.day
                start = begin.day if (year, month) == (begin.year, begin.month) else 1
                for number in steps(days, start, length):
                    day = date(year, month, number)
                    if not self.weekdays or day.weekday() in self.weekdays:
                        yield day

    def _clock(self, first: time) -> time | None:
        begin = (first.hour, first.minute, first.second * SECOND + first.microsecond)
        for hour in steps(self.hour, begin[0], 23):
            same_hour = hour == begin[0]
            for minute in steps(self.minute, begin[1] if same_hour else 0, 59):
                same_minute = same_hour and minute == begin[1]
                start = begin[2] if same_minute else 0
                for second in steps(self.second, start, LIMITS["second"][1]):
                    return time(hour, minute, *divmod(second, SECOND))
        return None


def steps(field: Field, first: int, last: int) -> Iterator[int]:
    """The values of a field, in order, from `first` to `last`."""
    value: int | None = first
    while value is not None:
        value = _following(field, value)
        if value is None or value > last:
            return
        yield value
        value += 1


def _following(field: Field, value: int) -> int | None:
    """The smallest value of a field that is not below `value`."""
    if not field:
        return value
    found = []
    for start, stop, repeat in ((span.start, span.stop, span.repeat) for span in field):
        if start >= value:
            found.append(start)
        elif repeat:
            candidate = start + -(-(value - start) // repeat) * repeat
            if stop < 0 or candidate <= stop:
                found.append(candidate)
    return min(found, default=None)


def _counted_from_end(days: Field, length: int) -> Field:
    """Days that count from the end of a month as days of a month of that length."""
    found = []
    for span in days:
        first = length + 1 - (span.start if span.stop < 0 else span.stop)
        last = length + 1 - span.start if span.stop >= 0 else -1
        found.append(Span(first, last, span.repeat))
    return tuple(found)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(timezone.utc)


def _expanded(text: str) -> str:
    """Keywords (`daily`) and seconds since 1970 (`@1395716396`) as what they stand for."""
    if text.startswith("@") and text[1:].isdecimal():
        try:
            moment = datetime.fromtimestamp(int(text[1:]), timezone.utc)
        except (ValueError, OverflowError, OSError) as error:
            raise ValueError(f"`{text}` is too far away") from error
        return moment.strftime("%Y-%m-%d %H:%M:%S")
    return KEYWORDS.get(text.lower(), text)


def _is_zone(word: str) -> bool:
    """Whether a last word is a time zone, and not a part of the date or the time."""
    if word.upper() == "UTC":
        return True
    if not word[:1].isalpha() or word.lower() in KEYWORDS:
        return False
    try:
        _zone(word)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo

    return timezone.utc if name == "UTC" else ZoneInfo(name)


def _weekdays(word: str) -> tuple[int, ...]:
    """Read `Mon..Wed,Sunday`; a comma may end it; all seven days are the same as none."""
    found: set[int] = set()
    for item in word.removesuffix(",").split(","):
        first, dots, last = item.replace("-", "..", 1).partition("..")
        start = _weekday(first)
        stop = _weekday(last) if dots else start
        if stop < start:
            raise ValueError(f"`{item}` runs backwards; a week begins on Monday, so make it a list")
        found.update(range(start, stop + 1))
    return tuple(sorted(found)) if len(found) < len(WEEKDAYS) else ()


def _weekday(word: str) -> int:
    for number, (short, full) in enumerate(zip(WEEKDAYS, FULL_NAMES, strict=True)):
        if word.lower() in {short.lower(), full.lower()}:
            return number
    raise ValueError(f"`{word}` is not a weekday, nor a word such as `daily`, nor a time zone")


def _date(word: str) -> tuple[Field, Field, Field, bool]:
    """Read `[year-]month-day`, or with `~` in front of the day."""
    front, tilde, last = word.partition("~")
    parts = [*front.split("-"), last] if tilde else word.split("-")
    if not 2 <= len(parts) <= 3:
        raise ValueError(f"`{word}` is not a date such as `2026-12-31`, `*-*-01` or `*-02~1`")
    day = _field(parts.pop(), "day", from_end=bool(tilde))
    month = _field(parts.pop(), "month")
    year = _field(parts.pop(), "year") if parts else ()
    return year, month, day, bool(tilde)


def _time(word: str) -> tuple[Field, Field, Field]:
    """Read `hour:minute[:second]`."""
    parts = word.split(":")
    if not 2 <= len(parts) <= 3:
        raise ValueError(f"`{word}` is not a time such as `05:30`")
    second = _field(parts[2], "second") if len(parts) == 3 else (Span(0),)
    return _field(parts[0], "hour"), _field(parts[1], "minute"), second


def _field(text: str, name: str, *, from_end: bool = False) -> Field:
    if text == "*":
        return (EVERY_SECOND,) if name == "second" else ()
    items = {_span(item, name): item for item in text.split(",")}
    low, high = LIMITS[name]
    for span in sorted(items):
        if from_end:
            high -= 3  # every month has 28 days; systemd takes three more for each further item
        problem = _problem(span, name, (low, high), from_end=from_end)
        if problem:
            raise ValueError(f"`{items[span]}` {problem}")
    every = name == "second" and EVERY_SECOND in items
    return (EVERY_SECOND,) if every else tuple(sorted(items))


def _span(item: str, name: str) -> Span:
    """Read one item; a range ends where its repetition does."""
    number = r"(\d+(?:\.\d+)?)" if name == "second" else r"(\d+)"
    match = re.fullmatch(rf"{number}(?:\.\.{number})?(?:/{number})?", item, re.ASCII)
    if not match:
        raise ValueError(f"`{item}` is not {_article(name)}")
    unit = SECOND if name == "second" else 1
    start, stop = (_value(text, name) if text else -1 for text in match.groups()[:2])
    repeat = _number(match[3], unit) if match[3] else 0
    if match[3] and not repeat:
        raise ValueError(f"`{item}`: nothing repeats every 0")
    if stop >= 0 and not repeat:
        repeat = unit
        if name == "second" and start + repeat > stop:
            raise ValueError(f"`{item}` is shorter than a second")
    if stop >= start:
        stop -= (stop - start) % repeat
    return Span(start) if stop == start else Span(start, stop, repeat)


def _number(text: str, unit: int) -> int:
    """A number in units; what lies below a millionth is rounded."""
    whole, _, fraction = text.partition(".")
    return int(whole) * unit + int(fraction[:6].ljust(6, "0")) + (fraction[6:7] >= "5")


def _value(text: str, name: str) -> int:
    number = _number(text, SECOND if name == "second" else 1)
    if name == "year" and number < 100:
        return number + (2000 if number < 70 else 1900)
    return number


def _problem(span: Span, name: str, limits: tuple[int, int], *, from_end: bool) -> str:
    """What is wrong with an item, or nothing."""
    low, high = limits
    unit = SECOND if name == "second" else 1
    between = f"{low // unit} to {high // unit}"
    if not all(low <= value <= high for value in (span.start, span.stop) if value >= 0):
        return f"is not {_article(name)} ({between})"
    if 0 <= span.stop < span.start:
        return "runs backwards"
    reach = span.start - span.repeat if from_end else span.start + span.repeat
    if span.stop < 0 and not low <= reach <= high:
        return f"does not repeat within {between}"
    return ""


def _article(name: str) -> str:
    return f"an {name}" if name == "hour" else f"a {name}"


def _names(weekdays: tuple[int, ...]) -> str:
    """`Mon..Thu,Sat,Sun`: a range from three days on."""
    words: list[str] = []
    for first, last in runs(weekdays):
        between = ".." if last > first + 1 else ","
        words.append(WEEKDAYS[first] + (between + WEEKDAYS[last] if last > first else ""))
    return ",".join(words)


def runs(values: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Sorted values as first and last of their unbroken runs."""
    found: list[tuple[int, int]] = []
    for value in values:
        if found and value == found[-1][1] + 1:
            found[-1] = (found[-1][0], value)
        else:
            found.append((value, value))
    return tuple(found)


def chain(field: Field, width: int = 2) -> str:
    """The text of a field, in normal form."""
    return ",".join(_item(span, 1, width) for span in field) or "*"


def seconds(field: Field) -> str:
    """The text of the seconds, which are kept as microseconds."""
    if field == (EVERY_SECOND,):
        return "*"
    return ",".join(_item(span, SECOND) for span in field)


def _item(span: Span, unit: int, width: int = 2) -> str:
    def value(number: int, digits: int) -> str:
        fraction = f".{number % unit:06}" if number % unit else ""
        return f"{number // unit:0{digits}}{fraction}"

    text = value(span.start, width)
    if span.stop >= 0:
        text += f"..{value(span.stop, width)}"
    if span.repeat and not (span.stop >= 0 and span.repeat == unit):
        text += f"/{value(span.repeat, 1)}"
    return text
