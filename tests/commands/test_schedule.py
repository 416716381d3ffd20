"""Plans and the state of schedules, with a scheduler that is a crontab file."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from resticprof.commands import schedule
from resticprof.commands.schedule import Selection
from resticprof.model.schedule import LastRun
from resticprof.schedulers import base
from resticprof.schedulers.recognition import recognise
from tests.kit.schedule import job

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from resticprof.model.schedule import Job, JobStatus
    from resticprof.schedulers.base import Scheduler

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine is in Berlin."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.fixture
def scheduler(tmp_path: Path) -> Scheduler:
    return base.pick(f"crontab:-:{tmp_path / 'tab'}")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "profiles.toml"
    file.write_text("", encoding="utf-8")
    return file


def everything(config: Path) -> Selection:
    return Selection(config_file=str(config))


def install(scheduler: Scheduler, config: Path, *jobs: Job) -> None:
    schedule.apply(scheduler, schedule.plan(scheduler, jobs, everything(config)))


def states(
    scheduler: Scheduler, config: Path, jobs: Sequence[Job], **last_runs: LastRun
) -> dict[str, JobStatus]:
    runs = {name.replace("_", "@"): run for name, run in last_runs.items()}
    found = schedule.status(scheduler, jobs, everything(config), now=NOW, last_runs=runs)
    return {one.title: one for one in found}


def test_status_tells_schedule_and_next_run(scheduler: Scheduler, config: Path) -> None:
    jobs = [job(config, "Mon..Fri 12:30", "Sun 3:00")]
    install(scheduler, config, *jobs)
    found = states(scheduler, config, jobs)["backup@home"]
    assert [(one.written, one.normal) for one in found.schedules] == [
        ("Mon..Fri 12:30", "Mon..Fri *-*-* 12:30:00"),
        ("Sun 3:00", "Sun *-*-* 03:00:00"),
    ]
    assert found.next_run == datetime(2026, 5, 5, 10, 30, tzinfo=timezone.utc)
    assert (found.drift, found.enabled, found.last_run, found.outcome) == ("", True, None, None)


def test_the_next_run_follows_summer_time(scheduler: Scheduler, config: Path) -> None:
    (elapse,) = scheduler.elapses(["*-12-01 12:00"], NOW)
    assert elapse.next_run == datetime(2026, 12, 1, 11, 0, tzinfo=timezone.utc)
    assert f"{elapse.next_run:%H:%M %Z}" == "12:00 CET"


def test_status_tells_drift(scheduler: Scheduler, config: Path) -> None:
    install(
        scheduler, config, job(config), job(config, command="check"), job(config, command="prune")
    )
    jobs = [job(config), job(config, "hourly", command="check"), job(config, command="forget")]
    found = states(scheduler, config, jobs)
    assert {title: one.drift for title, one in found.items()} == {
        "backup@home": "",
        "check@home": "differs from the configuration",
        "forget@home": "not installed",
        "prune@home": "not in the configuration",
    }
    assert found["forget@home"].next_run is None
    assert found["check@home"].schedules[0].written == "hourly"
    installed = found["check@home"].next_run
    assert installed is not None
    assert f"{installed:%H:%M}" == "00:00"  # as it is installed: daily


def test_the_status_file_tells_how_the_last_run_ended(scheduler: Scheduler, config: Path) -> None:
    jobs = [job(config), job(config, command="check"), job(config, command="prune")]
    install(scheduler, config, *jobs)
    found = states(
        scheduler,
        config,
        jobs,
        backup_home=LastRun(time=NOW, success=True),
        check_home=LastRun(time=NOW, success=False, error="exit status 1"),
        prune_home=LastRun(time=NOW, success=False, last_success=NOW - timedelta(days=1)),
    )
    assert found["backup@home"].last_success == NOW
    assert found["check@home"].last_success is None
    assert found["check@home"].last_run == NOW
    assert found["prune@home"].last_success == NOW - timedelta(days=1)


@pytest.mark.parametrize(
    ("hours", "expected"), [(None, True), (25, False), (26, False), (26.01, True)]
)
def test_a_job_is_overdue_when_its_last_good_run_is_too_old(
    hours: float | None, expected: bool
) -> None:
    last = None if hours is None else NOW - timedelta(hours=hours)
    assert schedule.overdue(last, max_age=26 * 3600, now=NOW) is expected


def test_a_plan_changes_nothing(scheduler: Scheduler, config: Path, tmp_path: Path) -> None:
    plan = schedule.plan(scheduler, [job(config)], everything(config))
    assert [change.action for change in plan] == ["create"]
    assert not (tmp_path / "tab").exists()


def test_another_spelling_of_the_configuration_is_no_change(
    scheduler: Scheduler, config: Path, tmp_path: Path
) -> None:
    install(scheduler, config, job(config, working_directory=str(tmp_path)))
    (tmp_path / "link").symlink_to(tmp_path)
    linked = tmp_path / "link" / config.name
    plan = schedule.plan(
        scheduler, [job(linked, working_directory=str(linked.parent))], everything(linked)
    )
    assert [change.action for change in plan] == ["keep"]


def test_the_same_file_in_another_directory_is_a_change(
    scheduler: Scheduler, config: Path, tmp_path: Path
) -> None:
    """Relative paths in it lead elsewhere."""
    install(scheduler, config, job(config))
    linked = tmp_path / "other" / config.name
    linked.parent.mkdir()
    linked.symlink_to(config)
    plan = schedule.plan(scheduler, [job(linked)], everything(linked))
    assert [change.action for change in plan] == ["change"]


def test_jobs_that_left_the_configuration_may_be_kept(scheduler: Scheduler, config: Path) -> None:
    install(scheduler, config, job(config), job(config, name="gone"))
    plan = schedule.plan(scheduler, [job(config)], everything(config), keep_removed=True)
    assert [change.action for change in plan] == ["keep"]


def test_what_was_done_is_told(
    scheduler: Scheduler, config: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="resticprof")
    install(scheduler, config, job(config), job(config, name="gone"))
    caplog.clear()
    install(scheduler, config, job(config, "hourly"))
    assert caplog.messages == ["changed: backup@home", "unscheduled: backup@gone"]


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("rp --config a.toml run-schedule backup@home", "backup@home"),
        ("rp -c a.toml run-schedule backup@me@host --tag x", "backup@me@host"),
        ("rp --config=a.toml --name home backup", "backup@home"),
        ("rp --config a.toml run-schedule", None),
        ("rp run-schedule backup@home", None),
        ("rp --config a.toml run-schedule backup", None),
        ("rp --config", None),
        ("", None),
    ],
)
def test_command_lines_are_recognised_by_their_words(words: str, title: str | None) -> None:
    found = recognise(words.split(), "/dir")
    assert (found and found.title) == title
    if found:
        assert found.config_file == "/dir/a.toml"


@pytest.mark.needs("systemctl")
def test_the_variables_of_the_shell_are_no_drift(tmp_path: Path, config: Path) -> None:
    from resticprof.schedulers.systemd import Systemd
    from tests.kit.schedule import person

    scheduler = Systemd(caller=person(tmp_path), system_directory=str(tmp_path / "none"))
    captured = job(config, environment={"RESTICPROFILE_SCHEDULE_ID": "x", "RESTIC_PASSWORD": "y"})
    (wanted,) = scheduler.wanted([captured], ())
    units = tmp_path / ".config" / "systemd" / "user"
    (units / "timers.target.wants").mkdir(parents=True)
    for part in wanted.parts:
        file = units / part.path.rpartition("/")[2]
        file.write_text(part.text or "", encoding="utf-8")
        file.chmod(part.mode)
        (units / "timers.target.wants" / file.name).touch()
    bare = job(config, environment={"RESTICPROFILE_SCHEDULE_ID": "x"})
    (plan,) = schedule.plan(scheduler, [bare], everything(config))
    assert (plan.action, plan.diff.splitlines()[-1]) == ("change", "-RESTIC_PASSWORD=×××")
    (found,) = schedule.status(scheduler, [bare], everything(config), now=NOW, last_runs={})
    assert found.drift == ""
