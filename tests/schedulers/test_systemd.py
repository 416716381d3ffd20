"""systemd as a scheduler: which files are written, and how `systemctl` is called."""

from __future__ import annotations

import os
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import msgspec
import pytest

from resticprof.commands import schedule
from resticprof.commands.schedule import Selection
from resticprof.errors import CommandError, ConfigError, Error
from resticprof.model.config import Schedule
from resticprof.schedulers.caller import Caller
from resticprof.schedulers.systemd import Systemd
from tests.kit.schedule import account, job, person

if TYPE_CHECKING:
    from pathlib import Path

    from resticprof.model.schedule import Change, Job
    from tests.kit.schedule import Recorder

NAME = "resticprofile-backup@profile-home"


class Machine:
    """A home, a directory for the system's units, and a configuration file."""

    def __init__(self, root: Path) -> None:
        self.home, self.system = root / "home", root / "etc"
        self.config = root / "profiles.toml"
        self.config.write_text("", encoding="utf-8")
        self.system.mkdir()
        self.units = self.home / ".config" / "systemd" / "user"

    def scheduler(self, caller: Caller | None = None) -> Systemd:
        found = caller or person(self.home)
        return Systemd(caller=found, system_directory=str(self.system))

    def job(self, *at: str, **others) -> Job:
        return job(self.config, *at, **others)

    def all(self) -> Selection:
        return Selection(config_file=str(self.config))

    def plan(
        self, *jobs: Job, scheduler: Systemd | None = None, start: bool = False
    ) -> tuple[Change, ...]:
        return schedule.plan(scheduler or self.scheduler(), jobs, self.all(), start=start)

    def schedule(self, *jobs: Job, scheduler: Systemd | None = None, start: bool = True) -> None:
        scheduler = scheduler or self.scheduler()
        scheduler.apply(self.plan(*jobs, scheduler=scheduler), start=start)

    def enable(self) -> None:
        """What the real systemctl would do."""
        for folder in (self.units, self.system):
            for path in folder.glob("*.timer"):
                wants = folder / "timers.target.wants"
                wants.mkdir(exist_ok=True)
                link = wants / path.name
                if not link.is_symlink():
                    link.symlink_to(path)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def actions(changes: tuple[Change, ...]) -> list[tuple[str, str]]:
    return [(change.action, change.job.title) for change in changes]


def test_a_user_job_is_written_below_home_and_enabled(
    machine: Machine, systemctl: Recorder
) -> None:
    machine.schedule(machine.job(environment={"RESTIC_PASSWORD": "x"}))
    assert names(machine.units) == {f"{NAME}.{end}" for end in ("service", "timer", "env")}
    assert (machine.units / f"{NAME}.env").stat().st_mode & 0o777 == 0o600
    assert machine.units.stat().st_mode & 0o777 == 0o700
    assert systemctl.calls() == [
        ["--user", "--no-pager", "--quiet", "daemon-reload"],
        ["--user", "--no-pager", "--quiet", "--now", "enable", f"{NAME}.timer"],
    ]


def test_a_system_job_is_written_to_the_system(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job(permission="system"), start=False)
    assert names(machine.system) == {f"{NAME}.service", f"{NAME}.timer"}
    assert systemctl.calls() == [
        ["--no-pager", "--quiet", "daemon-reload"],
        ["--no-pager", "--quiet", "enable", f"{NAME}.timer"],
    ]


def test_all_timers_are_enabled_in_one_call(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job(), machine.job(command="check"), machine.job(name="other"))
    assert systemctl.calls()[-1][4:] == [
        "enable",
        f"{NAME}.timer",
        "resticprofile-check@profile-home.timer",
        "resticprofile-backup@profile-other.timer",
    ]


def test_scheduling_again_calls_nothing(machine: Machine, systemctl: Recorder) -> None:
    jobs = (machine.job(environment={"RESTIC_X": "1"}), machine.job(command="check"))
    machine.schedule(*jobs)
    machine.enable()
    systemctl.calls()
    machine.schedule(*jobs)
    assert systemctl.calls() == []
    assert actions(machine.plan(*jobs)) == [("keep", "backup@home"), ("keep", "check@home")]


def test_a_job_that_is_not_enabled_is_enabled_again(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job())
    (change,) = machine.plan(machine.job())
    assert change.action == "change"
    assert change.diff == "# backup@home is installed, but not enabled\n"


def test_only_what_changed_is_touched(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job(), machine.job(command="check"))
    machine.enable()
    systemctl.calls()
    before = (machine.units / "resticprofile-check@profile-home.service").stat().st_ino
    jobs = (machine.job("hourly"), machine.job(command="check"))
    (changed, kept) = machine.plan(*jobs)
    assert (changed.action, kept.action) == ("change", "keep")
    assert "-OnCalendar=daily\n+OnCalendar=hourly\n" in changed.diff
    machine.schedule(*jobs)
    assert (machine.units / "resticprofile-check@profile-home.service").stat().st_ino == before
    assert [call[3:] for call in systemctl.calls()] == [
        ["daemon-reload"],
        ["--now", "enable", f"{NAME}.timer"],
    ]


def test_what_left_the_configuration_is_stopped_and_removed(
    machine: Machine, systemctl: Recorder
) -> None:
    drop_in = machine.home.parent / "when.conf"
    drop_in.write_text("[Timer]\nRandomizedDelaySec=1h\n", encoding="utf-8")
    settings = Schedule(
        at=("daily",), permission="user_logged_on", systemd_drop_in_files=(str(drop_in),)
    )
    machine.schedule(machine.job(), machine.job(name="gone", settings=settings))
    gone = "resticprofile-backup@profile-gone.timer"
    assert names(machine.units / f"{gone}.d") == {"when.resticprofile.conf"}
    machine.enable()
    systemctl.calls()
    assert actions(machine.plan(machine.job())) == [
        ("keep", "backup@home"),
        ("remove", "backup@gone"),
    ]
    machine.schedule(machine.job())
    assert [call[3:] for call in systemctl.calls()] == [
        ["--now", "disable", gone],
        ["daemon-reload"],
    ]
    assert not [name for name in names(machine.units) if "gone" in name]


def test_a_changed_permission_moves_the_job(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job())
    systemctl.calls()
    moved = machine.job(permission="system")
    assert actions(machine.plan(moved)) == [("create", "backup@home"), ("remove", "backup@home")]
    machine.schedule(moved)
    assert systemctl.calls() == [
        ["--user", "--no-pager", "--quiet", "--now", "disable", f"{NAME}.timer"],
        ["--no-pager", "--quiet", "daemon-reload"],
        ["--no-pager", "--quiet", "--now", "enable", f"{NAME}.timer"],
        ["--user", "--no-pager", "--quiet", "daemon-reload"],
    ]
    assert names(machine.units) == set()


def test_a_job_that_moved_is_never_kept_in_both_places(
    machine: Machine, systemctl: Recorder
) -> None:
    machine.schedule(machine.job())
    moved = machine.job(permission="system")
    plan = schedule.plan(machine.scheduler(), [moved], machine.all(), keep_removed=True)
    assert actions(plan) == [("create", "backup@home"), ("remove", "backup@home")]


def test_jobs_of_other_configurations_stay(machine: Machine, systemctl: Recorder) -> None:
    other = machine.home.parent / "other.toml"
    other.write_text("", encoding="utf-8")
    machine.schedule(job(other, name="elsewhere"))
    assert actions(machine.plan()) == []


def test_the_configuration_is_found_by_any_path(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job())
    link = machine.home.parent / "link.toml"
    link.symlink_to(machine.config)
    selection = Selection(config_file=str(link), name="home")
    assert actions(schedule.unschedule(machine.scheduler(), selection)) == [
        ("remove", "backup@home")
    ]


def test_one_name_leaves_the_others_alone(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job(), machine.job(command="check"), machine.job(name="other"))
    selection = Selection(config_file=str(machine.config), name="home")
    changes = schedule.plan(machine.scheduler(), [machine.job()], selection)
    assert ("remove", "check@home") in actions(changes)
    assert not [title for _, title in actions(changes) if title.endswith("@other")]
    kept = schedule.plan(machine.scheduler(), [machine.job()], selection, keep_removed=True)
    assert not [title for action, title in actions(kept) if action == "remove"]


OLD_SERVICE = """[Unit]
Description=resticprofile backup for profile home in profiles.toml

[Service]
Type=notify
WorkingDirectory={folder}
ExecStart=/usr/bin/resticprofile --no-prio --no-ansi --config profiles.toml run-schedule backup@home
Environment="RESTIC_PASSWORD=top secret"
Environment="HOME=/root"
"""
OLD_TIMER = """[Timer]
OnCalendar=daily
Unit=resticprofile-backup@profile-home.service
Persistent=true

[Install]
WantedBy=timers.target
"""


def test_a_job_of_the_reference_is_replaced_and_its_secrets_are_not_shown(
    machine: Machine, systemctl: Recorder
) -> None:
    text = OLD_SERVICE.format(folder=machine.config.parent)
    (machine.system / f"{NAME}.service").write_text(text, encoding="utf-8")
    (machine.system / f"{NAME}.timer").write_text(OLD_TIMER, encoding="utf-8")
    one = machine.job(permission="system", environment={"RESTIC_PASSWORD": "top secret"})
    (change,) = machine.plan(one)
    assert change.action == "change"
    assert change.before is not None
    assert change.before.times == ("daily",)
    assert '-Environment="RESTIC_PASSWORD=×××"\n' in change.diff
    assert "+RESTIC_PASSWORD=×××\n" in change.diff
    assert "top secret" not in change.diff
    machine.schedule(one)
    assert "top secret" not in (machine.system / f"{NAME}.service").read_text(encoding="utf-8")


def test_creating_changing_and_removing_takes_three_calls(
    machine: Machine, systemctl: Recorder
) -> None:
    machine.schedule(machine.job(), machine.job(name="gone"))
    machine.enable()
    systemctl.calls()
    machine.schedule(machine.job("hourly"), machine.job(name="new"))
    assert [call[3:] for call in systemctl.calls()] == [
        ["--now", "disable", "resticprofile-backup@profile-gone.timer"],
        ["daemon-reload"],
        ["--now", "enable", f"{NAME}.timer", "resticprofile-backup@profile-new.timer"],
    ]


def test_a_job_without_its_timer_is_removed_without_a_word_to_systemd(
    machine: Machine, systemctl: Recorder
) -> None:
    machine.schedule(machine.job())
    (machine.units / f"{NAME}.timer").unlink()
    systemctl.calls()
    machine.schedule()
    assert [call[3:] for call in systemctl.calls()] == [["daemon-reload"]]
    assert names(machine.units) == set()


def test_foreign_files_in_a_drop_in_folder_stay(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job())
    folder = machine.units / f"{NAME}.service.d"
    folder.mkdir()
    (folder / "mine.conf").write_text("[Service]\n", encoding="utf-8")
    (folder / "old.resticprofile.conf").write_text("[Service]\n", encoding="utf-8")
    machine.schedule(machine.job())
    assert names(folder) == {"mine.conf"}
    machine.schedule()
    assert names(folder) == {"mine.conf"}


def test_a_missing_drop_in_is_told_and_left_out(
    machine: Machine, systemctl: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Schedule(at=("daily",), systemd_drop_in_files=("/nowhere/x.conf",))
    machine.schedule(machine.job(settings=settings))
    assert "/nowhere/x.conf" in caplog.text


def test_bad_expressions_are_all_told_before_anything_is_written(
    machine: Machine, systemctl: Recorder
) -> None:
    with pytest.raises(ConfigError) as caught:
        machine.schedule(machine.job("nonsense"), machine.job("24:00", command="check"))
    assert [problem.key for problem in caught.value.problems] == [
        "home.backup.schedule",
        "home.check.schedule",
    ]
    assert names(machine.units) == set()
    assert systemctl.calls() == []


def test_a_zone_that_is_only_half_of_the_local_year_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """systemd takes `CET` in Berlin for a flag of the clock, and stops in March."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        (mistake,) = Systemd.mistakes(["5:00 CET", "5:00 Europe/Berlin", "5:00 UTC"])
        patch.setenv("TZ", "UTC")
        time.tzset()
        assert list(Systemd.mistakes(["5:00 Europe/Berlin", "5:00 UTC"])) == []
    time.tzset()
    assert mistake.startswith("`5:00 CET`: ")


def test_a_system_job_needs_root(machine: Machine, systemctl: Recorder) -> None:
    scheduler = machine.scheduler(person(machine.home, uid=1000))
    plan = machine.plan(machine.job(permission="system"), scheduler=scheduler)
    with pytest.raises(Error, match="sudo"):
        scheduler.apply(plan)
    assert names(machine.system) == set()
    assert systemctl.calls() == []


def test_auto_means_the_system_for_root_and_the_person_otherwise(
    machine: Machine, systemctl: Recorder
) -> None:
    one = machine.job(permission="auto")
    anna = machine.scheduler(person(machine.home, uid=1000))
    assert [change.job.scope for change in machine.plan(one)] == ["system"]
    assert [change.job.scope for change in machine.plan(one, scheduler=anna)] == ["user"]
    machine.schedule(one)
    machine.enable()
    assert actions(machine.plan(one, scheduler=anna)) == [("keep", "backup@home")]


def sudo(machine: Machine) -> Caller:
    anna = account(str(machine.home), uid=os.geteuid() + 1000, name="anna")
    return Caller(account=account("/root", uid=0), invoker=anna)


def test_under_sudo_a_user_job_runs_as_the_person(machine: Machine, systemctl: Recorder) -> None:
    scheduler = machine.scheduler(sudo(machine))
    machine.schedule(machine.job(permission="user"), scheduler=scheduler)
    text = (machine.system / f"{NAME}.service").read_text(encoding="utf-8")
    assert "\nUser=anna\n" in text
    assert f'Environment="HOME={machine.home}"' in text
    assert "SystemCallFilter" not in text


def test_a_system_job_knows_who_called_sudo(machine: Machine, systemctl: Recorder) -> None:
    """As with the reference; hooks send such a person a message."""
    one = machine.job(permission="system")
    machine.schedule(one, scheduler=machine.scheduler(sudo(machine)))
    text = (machine.system / f"{NAME}.service").read_text(encoding="utf-8")
    assert '\nEnvironment="HOME=/root"\nEnvironment="SUDO_USER=anna"\n' in text
    machine.enable()
    anna = machine.scheduler(person(machine.home, uid=1000))
    for scheduler in (machine.scheduler(sudo(machine)), machine.scheduler(), anna):
        assert actions(machine.plan(one, scheduler=scheduler)) == [("keep", "backup@home")]


def test_a_job_for_ourselves_keeps_our_home(machine: Machine, systemctl: Recorder) -> None:
    """`$HOME` counts, also where the list of accounts has another one."""
    one = machine.job(permission="user")
    machine.schedule(one)
    scheduler = machine.scheduler()
    (installed,) = scheduler.installed()
    (wanted,) = scheduler.wanted([one], [installed])
    assert wanted.parts == installed.parts
    assert f'"HOME={machine.home}"' in (wanted.parts[0].text or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_under_sudo_the_persons_own_manager_is_asked(machine: Machine, systemctl: Recorder) -> None:
    caller = sudo(machine)
    machine.home.mkdir()
    machine.schedule(machine.job(), scheduler=machine.scheduler(caller))
    assert systemctl.calls()[0] == [
        *("--user", "-M", "anna@", "--no-pager", "--quiet", "daemon-reload")
    ]
    for path in (machine.units, machine.units / f"{NAME}.timer"):
        assert path.stat().st_uid == caller.invoker.uid
    assert machine.home.stat().st_uid == 0


def test_a_job_is_written_whole_or_not_at_all(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job())
    machine.enable()
    before = (machine.units / f"{NAME}.service").read_text(encoding="utf-8")
    (machine.units / f"{NAME}.env").mkdir()  # nothing can be written there
    with pytest.raises(Error, match=r"\.env"):
        machine.schedule(machine.job("hourly", nice=5, environment={"RESTIC_X": "1"}))
    assert (machine.units / f"{NAME}.service").read_text(encoding="utf-8") == before


def test_what_is_written_runs_though_the_next_job_fails(
    machine: Machine, systemctl: Recorder
) -> None:
    machine.units.mkdir(parents=True)
    (machine.units / "resticprofile-check@profile-home.env").mkdir()
    fails = machine.job(command="check", environment={"RESTIC_X": "1"})
    with pytest.raises(Error, match=r"\.env"):
        machine.schedule(machine.job(), fails)
    assert [call[3:] for call in systemctl.calls()] == [
        ["daemon-reload"],
        ["--now", "enable", f"{NAME}.timer"],
    ]


def test_a_job_that_cannot_move_stays_where_it_is(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job(permission="system"))
    machine.enable()
    systemctl.calls()
    machine.units.mkdir(parents=True)
    (machine.units / f"{NAME}.service").mkdir()
    with pytest.raises(Error, match=r"\.service"):
        machine.schedule(machine.job())
    assert f"{NAME}.timer" in names(machine.system)
    assert "disable" not in str(systemctl.calls())


def timers(systemctl: Recorder, *states: str) -> None:
    """What `systemctl list-units` tells."""
    rows = (f"{NAME}.timer loaded {state} backup timer for profile home" for state in states)
    systemctl.answer("list-units", out="".join(f"{row}\n" for row in rows))


@pytest.mark.parametrize("states", [["inactive dead"], ["failed failed"], []])
def test_a_timer_that_does_not_run_is_started_again(
    states: list[str], machine: Machine, systemctl: Recorder
) -> None:
    machine.schedule(machine.job())
    machine.enable()
    systemctl.calls()
    timers(systemctl, *states)
    (change,) = machine.plan(machine.job(), start=True)
    assert change.action == "change"
    assert change.diff == "# backup@home is installed, but its timer does not run\n"
    machine.scheduler().apply([change])
    assert [call[3:] for call in systemctl.calls()] == [
        ["daemon-reload"],
        ["--now", "enable", f"{NAME}.timer"],
    ]


@pytest.mark.parametrize("state", ["active waiting", "active running", "active elapsed"])
def test_a_timer_that_runs_is_left_alone(state: str, machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job())
    machine.enable()
    timers(systemctl, state)
    assert actions(machine.plan(machine.job(), start=True)) == [("keep", "backup@home")]


def test_a_manager_that_does_not_answer_changes_nothing(
    machine: Machine, systemctl: Recorder
) -> None:
    machine.schedule(machine.job())
    machine.enable()
    systemctl.answer("list-units", 1, err="Failed to connect to bus\n")
    assert actions(machine.plan(machine.job(), start=True)) == [("keep", "backup@home")]


def test_a_timer_whose_times_were_over_is_started_again(
    machine: Machine, systemctl: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    """systemd keeps it as it was, though there are new times."""
    timers(systemctl, "active elapsed")
    machine.schedule(machine.job())
    assert [call[3:] for call in systemctl.calls()][-1] == ["restart", f"{NAME}.timer"]
    assert "`backup@home` is installed, but systemd knows no time" in caplog.text


def test_a_removed_job_is_not_listed_as_failed(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job(), machine.job(command="check"))
    systemctl.calls()
    row = f"{NAME}.service not-found failed failed {NAME}.service\n"
    systemctl.answer("list-units", out=row)
    machine.schedule()
    assert [call[3] for call in systemctl.calls()] == ["--now", "daemon-reload", "reset-failed"]


def test_what_systemctl_says_is_passed_on(machine: Machine, systemctl: Recorder) -> None:
    systemctl.answer("daemon-reload", 1, err="Failed to connect to bus: No medium found\n")
    with pytest.raises(CommandError, match="enable-linger"):
        machine.schedule(machine.job())
    assert actions(machine.plan(machine.job())) == [("change", "backup@home")]


def test_hundreds_of_jobs_need_a_handful_of_calls(machine: Machine, systemctl: Recorder) -> None:
    jobs = [machine.job(name=f"p{number}") for number in range(600)]
    begin = time.monotonic()
    machine.schedule(*jobs)
    assert time.monotonic() - begin < 60  # a slow disk: each file is synchronised
    assert len(systemctl.calls()) == 2
    machine.schedule()
    assert len(systemctl.calls()) == 2
    assert names(machine.units) == set()


SHOW = """Result=success
ExecMainStartTimestamp=Mon 2026-05-04 02:00:01 UTC
ExecMainExitTimestamp=Mon 2026-05-04 02:10:00 UTC
ExecMainStatus=0
Id=resticprofile-backup@profile-home.service
ActiveState=inactive

NextElapseUSecRealtime=Tue 2026-05-05 02:00:00 UTC
LastTriggerUSec=Mon 2026-05-04 02:00:00 UTC
Result=success
Id=resticprofile-backup@profile-home.timer
ActiveState=active

Result=exit-code
ExecMainStartTimestamp=Mon 2026-05-04 03:00:00 UTC
ExecMainExitTimestamp=Mon 2026-05-04 03:00:05 UTC
ExecMainStatus=12
Id=resticprofile-check@profile-home.service
ActiveState=failed

NextElapseUSecRealtime=
LastTriggerUSec=n/a
Result=success
Id=resticprofile-check@profile-home.timer
ActiveState=inactive
"""


def test_states_come_from_one_question(machine: Machine, systemctl: Recorder) -> None:
    machine.schedule(machine.job(), machine.job(command="check"))
    systemctl.calls()
    systemctl.answer("show", out=SHOW)
    scheduler = machine.scheduler()
    backup, check = scheduler.states(scheduler.installed()).values()
    assert [call[2] for call in systemctl.calls()] == ["show"]
    utc = timezone.utc
    assert msgspec.to_builtins(backup) == {
        "active": True,
        "elapsed": False,
        "running": False,
        "last_run": "2026-05-04T02:00:01Z",
        "last_success": "2026-05-04T02:10:00Z",
        "next_run": "2026-05-05T02:00:00Z",
        "result": "",
    }
    assert check.result == "exit status 12"
    assert check.active is False
    assert check.last_success is None
    assert check.last_run == datetime(2026, 5, 4, 3, 0, tzinfo=utc)
    assert check.next_run is None


def test_a_manager_that_does_not_answer_is_told_and_left_out(
    machine: Machine, systemctl: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    machine.schedule(machine.job())
    systemctl.answer("show", 1, err="Failed to connect to bus: No medium found\n")
    scheduler = machine.scheduler()
    assert scheduler.states(scheduler.installed()) == {}
    assert "linger" in caplog.text


def test_a_profile_of_another_file_is_not_replaced_without_a_word(
    machine: Machine, systemctl: Recorder, caplog: pytest.LogCaptureFixture
) -> None:
    other = machine.home.parent / "other.toml"
    other.write_text("", encoding="utf-8")
    machine.schedule(job(other))
    (change,) = machine.plan(machine.job())
    assert change.action == "change"
    assert f"is installed for `{other}`" in caplog.text
