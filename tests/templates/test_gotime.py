"""Go's time."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from resticprof.templates.gotime import LAYOUTS, METHODS, LocalZone, Month, Span, Time, Weekday

BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = Time(datetime(2024, 2, 9, 15, 4, 5, 60000, BERLIN))


@pytest.fixture
def berlin(monkeypatch):
    """A machine in Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("layout", "text"),
    [
        ("2006-01-02T15:04:05Z07:00", "2024-02-09T15:04:05+01:00"),
        ("Monday Mon January Jan", "Friday Fri February Feb"),
        ("2 _2 02 __2 002 06 1 01", "9  9 09  40 040 24 2 02"),
        ("3:04PM 03:4:5pm 15", "3:04PM 03:4:5pm 15"),
        (".000 .999 ,00 .000000000 .9", ".060 .06 ,06 .060000000 "),
        (
            "-0700 -07:00 -07 -07:00:00 -070000 Z0700 MST",
            "+0100 +01:00 +01 +01:00:00 +010000 +0100 CET",
        ),
        ("_2006 Janet .0005", "_2024 Janet .0005"),
        ("RFC3339", "2024-02-09T15:04:05+01:00"),
        ("Kitchen", "3:04PM"),
        ("", ""),
    ],
)
def test_a_layout_shows_how_the_moment_is_written(layout, text):
    assert MOMENT.format(layout) == text


def test_every_named_layout_can_be_used():
    assert all(MOMENT.format(name) == MOMENT.format(layout) for name, layout in LAYOUTS.items())


def test_utc_is_z_where_the_layout_says_so():
    assert MOMENT.to(timezone.utc).format("Z07:00 -07:00 MST") == "Z +00:00 UTC"


def test_a_zone_without_a_name_is_shown_by_its_offset():
    moment = Time(datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30))))
    assert str(moment) == "2024-01-01 00:00:00 -0330 -0330"


def test_a_moment_prints_in_gos_full_form():
    assert str(MOMENT) == "2024-02-09 15:04:05.06 +0100 CET"


@pytest.mark.parametrize(
    ("start", "step", "end"),
    [
        ((2024, 1, 31), (0, 1, 0), (2024, 3, 2)),
        ((2024, 3, 31), (0, -1, 0), (2024, 3, 2)),
        ((2024, 2, 29), (1, 0, 0), (2025, 3, 1)),
        ((2024, 1, 1), (0, 0, -1), (2023, 12, 31)),
        ((2024, 5, 15), (0, -6, -14), (2023, 11, 1)),
    ],
)
def test_too_many_days_run_into_the_next_month(start, step, end):
    moved = Time(datetime(*start, 12, tzinfo=BERLIN)).add_date(*step).moment
    assert (moved.year, moved.month, moved.day, moved.hour) == (*end, 12)


def test_a_time_that_summer_time_leaves_out_is_moved():
    moved = Time(datetime(2024, 3, 30, 2, 30, tzinfo=BERLIN)).add_date(0, 0, 1)
    assert moved.format("15:04 MST") == "03:30 CEST"


def test_adding_a_day_of_hours_is_not_adding_a_day():
    before = Time(datetime(2024, 3, 30, 12, tzinfo=BERLIN))
    assert before.add(24 * 3600 * 10**9).moment.hour == 13
    assert before.add_date(0, 0, 1).moment.hour == 12


def test_a_night_that_summer_time_shortens_is_shorter():
    before = Time(datetime(2024, 3, 30, 12, tzinfo=BERLIN))
    assert str(before.add_date(0, 0, 1).sub(before)) == "23h0m0s"


def test_an_hour_that_happens_twice_is_told_apart():
    first = Time(datetime(2024, 10, 27, 2, 30, tzinfo=BERLIN))
    second = first.add(3600 * 10**9)
    assert first.format("15:04") == second.format("15:04")
    methods = METHODS[Time]
    assert [methods[name].function(first, second) for name in ("Before", "Equal", "Compare")] == [
        True,
        False,
        -1,
    ]
    assert first != second


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (5, "5ns"),
        (1500, "1.5µs"),
        (-1_500_000, "-1.5ms"),
        (90_500_000_000, "1m30.5s"),
        (3600 * 10**9, "1h0m0s"),
        (100 * 3600 * 10**9 + 1, "100h0m0.000000001s"),
    ],
)
def test_a_length_of_time_prints_as_in_go(nanoseconds, text):
    assert str(Span(nanoseconds)) == text


def test_a_length_of_time_is_rounded_half_away_from_zero():
    second = 10**9
    assert Span(-1_500_000_000).rounded(second, down=False) == -2 * second
    assert Span(-1_900_000_000).rounded(second, down=True) == -1 * second
    assert Span(7).rounded(0, down=False) == 7


def test_days_and_months_are_names_and_numbers():
    assert (str(Weekday(0)), Weekday(1) == 1, str(Month(12))) == ("Sunday", True, "December")
    assert (str(Weekday(9)), str(Month(0))) == ("%!Weekday(9)", "%!Month(0)")


def test_every_method_gives_a_value():
    span = MOMENT.sub(MOMENT.add_date(0, 0, -1))
    for value in (MOMENT, span, Weekday(1), Month(1)):
        for name, method in METHODS[type(value)].items():
            arguments = [{int: 1, str: "2006", Time: MOMENT}[kind] for kind in method.parameters]
            assert method.function(value, *arguments) is not None, name


def test_the_iso_week_is_a_list():
    assert METHODS[Time]["ISOWeek"].function(MOMENT) == [2024, 6]


@pytest.mark.usefixtures("berlin")
def test_the_local_zone_knows_summer_and_winter():
    winter = Time(datetime(2024, 1, 15, 12, tzinfo=LocalZone()))
    summer = winter.add_date(0, 6, 0)
    assert (winter.format("15:04 MST"), summer.format("15:04 MST")) == ("12:00 CET", "12:00 CEST")
    assert [bool(time.moment.dst()) for time in (winter, summer)] == [False, True]


def test_the_local_zone_knows_a_summer_time_without_end(monkeypatch):
    monkeypatch.setenv("TZ", "<-03>3<-02>,0/0,J365/25")  # all year round
    time.tzset()
    moments = [datetime(2024, month, 15, tzinfo=LocalZone()) for month in (1, 7)]
    assert [bool(moment.dst()) for moment in moments] == [True, True]
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
def test_the_local_zone_knows_the_hour_that_happens_twice():
    first = datetime(2024, 10, 27, 0, 30, tzinfo=timezone.utc).astimezone(LocalZone())
    second = (first.astimezone(timezone.utc) + timedelta(hours=1)).astimezone(LocalZone())
    assert [Time(moment).format("15:04 MST") for moment in (first, second)] == [
        "02:30 CEST",
        "02:30 CET",
    ]


@pytest.mark.usefixtures("berlin")
def test_local_and_utc_are_the_same_moment():
    there = METHODS[Time]["Local"].function(MOMENT.to(timezone.utc))
    assert (there.format("15:04 MST"), there == MOMENT) == ("15:04 CET", True)
