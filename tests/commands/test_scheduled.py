"""What a schedule says about its runs, and who wins."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from resticprof.commands import scheduled
from resticprof.model.config import Schedule
from resticprof.model.run import Invocation
from resticprof.model.types import Duration

if TYPE_CHECKING:
    from tests.kit.project import Project


def applied(schedule: Schedule, **typed: object) -> Invocation:
    return scheduled.applied(Invocation(**typed), schedule)


def test_a_schedule_sets_the_options_of_its_runs() -> None:
    found = applied(Schedule(log="x.log", command_output="all", lock_wait=Duration(60)))
    assert (found.log, found.command_output) == ("x.log", "all")
    assert (found.lock_wait, found.no_lock) == (60.0, False)


def test_what_is_typed_wins() -> None:
    schedule = Schedule(log="x.log", command_output="all", lock_wait=Duration(60))
    typed = {"log": "y", "command_output": "log", "lock_wait": 5.0, "ignore_on_battery": 10}
    found = applied(schedule, **typed)
    assert {name: getattr(found, name) for name in typed} == typed


@pytest.mark.parametrize(
    ("mode", "wait", "no_lock"),
    [("default", 60.0, False), ("fail", 0.0, False), ("ignore", 0.0, True)],
)
def test_lock_modes(mode: str, wait: float, no_lock: bool) -> None:
    found = applied(Schedule(lock_mode=mode, lock_wait=Duration(60)))
    assert (found.lock_wait, found.no_lock) == (wait, no_lock)


@pytest.mark.parametrize(("seconds", "wait"), [(2, 0.0), (2.1, 2.1)])
def test_up_to_two_seconds_are_not_worth_waiting(seconds: float, wait: float) -> None:
    assert applied(Schedule(lock_wait=Duration(seconds))).lock_wait == wait


@pytest.mark.parametrize(
    ("ignore", "less_than", "limit"),
    [(None, 0, 0), (True, 0, 100), (None, 40, 40), (True, 40, 40), (False, 40, 0)],
)
def test_battery_limits(ignore: bool | None, less_than: int, limit: int) -> None:
    schedule = Schedule(ignore_on_battery=ignore, ignore_on_battery_less_than=less_than)
    assert applied(schedule).ignore_on_battery == limit


BATTERY = """
mount --make-rprivate /
mount -t tmpfs tmpfs /sys/class/power_supply
mkdir /sys/class/power_supply/BAT0
cd /sys/class/power_supply/BAT0
echo Battery >type; echo Discharging >status; echo 39 >capacity
cd "$1"; shift; exec "$@"
"""


@pytest.mark.needs("unshare", "restic")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can pretend to have a battery")
@pytest.mark.skipif(not Path("/sys/class/power_supply").is_dir(), reason="no such folder in /sys")
@pytest.mark.parametrize(("limit", "line"), [(40, "backup home: SKIPPED"), (39, "FAILED")])
def test_a_section_can_save_the_battery(project: Project, limit: int, line: str) -> None:
    keys = f'schedule = "daily"\nschedule-ignore-on-battery-less-than = {limit}\n'
    project.write("profiles.toml", f'[home]\nrun-before = ["exit 3"]\n[home.backup]\n{keys}')
    program = (sys.executable, "-m", "resticprof", "run-schedule", "backup@home")
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-e", "-c", BATTERY, "sh", str(project.path), *program],
        env=project.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert line in done.stderr
