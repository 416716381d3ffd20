"""`schedule`, `unschedule`, `status` and `run-schedule` as they are typed; cron needs no daemon."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.kit.project import Outcome, Project
    from tests.kit.restic import FakeRestic

HOME = """
version = "2"

[global]
scheduler = "crontab:-:{tab}"
min-memory = 0

[profiles.home]
repository = "/srv/repository"
password-command = "echo x"
status-file = "status.json"

[profiles.home.backup]
source = ["/etc/hostname"]
schedule = "daily"
"""
MORE = """
[profiles.other]
inherit = "home"

[groups.both]
profiles = ["home", "other"]

[groups.both.schedules.backup]
at = "weekly"
"""


def configure(project: Project, *texts: str) -> None:
    """Write profiles.toml; a text may be more tables, or keys of the last one."""
    text = "".join((HOME.format(tab=project.path / "tab"), *texts))
    project.write("profiles.toml", text)


def elsewhere(project: Project, *words: str) -> Outcome:
    """Run the program in another directory than that of the configuration."""
    config = str(project.path / "profiles.toml")
    before = project.path
    other = project.path / "elsewhere"
    other.mkdir(exist_ok=True)
    project.path = other
    try:
        return project.run("--config", config, *words)
    finally:
        project.path = before


def ended(hours: float, *, success: bool = True, **more: object) -> dict[str, object]:
    """An entry of the status file for a run that ended some hours ago."""
    time = datetime.now(timezone.utc) - timedelta(hours=hours)
    error = "" if success else "exit status 1"
    entry = {"success": success, "time": time.isoformat(), "error": error}
    return entry | {"stderr": "", "duration": 1} | more


def remember(project: Project, file: str = "status.json", **profiles: dict[str, object]) -> None:
    project.write(file, json.dumps({"profiles": profiles}))


# ---- how old may the last good run be -------------------------------------------------------


EARLIER = {"last_success": ended(25)["time"]}


@pytest.mark.parametrize(
    ("entry", "code", "line"),
    [
        (ended(1), 0, "OK backup@home: last success "),
        (ended(27), 2, "OVERDUE backup@home: last success "),
        (ended(1, success=False), 2, "OVERDUE backup@home: last success unknown; exit status 1"),
        (ended(1, success=False, **EARLIER), 0, "OK backup@home: last success "),
        (None, 2, "OVERDUE backup@home: last success unknown"),
    ],
    ids=["good", "old", "failed", "failed after success", "never ran"],
)
def test_max_age_asks_for_the_last_good_run(
    project: Project, entry: dict[str, object] | None, code: int, line: str
) -> None:
    configure(project)
    remember(project, home={"backup": entry} if entry else {})
    done = elsewhere(project, "--name", "home", "status", "--max-age", "26h").expect(code)
    assert done.out.startswith(line)


def test_without_status_file_nothing_is_known(project: Project) -> None:
    configure(project)
    done = project.run("--name", "home", "status", "--max-age", "26h").expect(2)
    assert done.out == "OVERDUE backup@home: last success unknown\n"


def test_max_age_as_json(project: Project) -> None:
    configure(project)
    done = project.run("--name", "home", "status", "--max-age", "26h", "--json").expect(2)
    expected = {"title": "backup@home", "last_success": None, "overdue": True, "error": ""}
    assert json.loads(done.out) == [expected]


def test_a_duration_that_cannot_be_read_is_told(project: Project) -> None:
    configure(project)
    done = project.run("--name", "home", "status", "--max-age", "soon").expect(2)
    assert "`soon` is not a duration" in done.err


def test_only_the_asked_commands_count(project: Project) -> None:
    configure(project, '[profiles.home.check]\nschedule = "monthly"\n')
    remember(project, home={"backup": ended(1), "check": ended(300)})
    project.run("--name", "home", "status", "--max-age", "26h").expect(2)
    done = project.run("--name", "home", "status", "backup", "--max-age", "26h").expect(0)
    assert done.out.startswith("OK backup@home")
    assert "check@home" not in project.run("--name", "home", "status", "backup").expect(0).out


def test_a_run_that_somebody_else_starts_counts_where_nothing_is_scheduled(
    project: Project,
) -> None:
    project.write("profiles.toml", '[home]\nstatus-file = "status.json"\n')
    remember(project, home={"backup": ended(1)})
    project.run("--name", "home", "status", "--max-age", "26h").expect(0)
    done = project.run("--name", "home", "status", "check", "--max-age", "26h").expect(2)
    assert done.out == "OVERDUE nothing is known about any run\n"


def test_a_group_is_as_old_as_its_oldest_member(project: Project) -> None:
    configure(project, MORE)
    remember(project, home={"backup": ended(1)}, other={"backup": ended(30)})
    done = project.run("--name", "both", "status", "--max-age", "26h").expect(2)
    assert done.out.startswith("OVERDUE backup@both: last success ")
    project.run("--name", "both", "status", "--max-age", "31h").expect(0)


def test_a_group_is_not_good_before_all_members_ran(project: Project) -> None:
    configure(project, MORE)
    remember(project, home={"backup": ended(1)})
    done = project.run("--name", "both", "status", "--max-age", "26h").expect(2)
    expected = "OVERDUE backup@both: last success unknown; other: no run is known\n"
    assert done.out == expected


def test_the_status_file_is_where_scheduled_runs_write_it(project: Project) -> None:
    """Relative to `base-dir`, which is relative to the configuration."""
    configure(project, '[profiles.work]\ninherit = "home"\nbase-dir = "work"\n')
    remember(project, "work/status.json", work={"backup": ended(1)})
    done = elsewhere(project, "status", "--all", "--max-age", "26h").expect(2)
    assert [line.split(":")[0] for line in done.out.splitlines()] == [
        "OVERDUE backup@home",
        "OK backup@work",
    ]


# ---- status -------------------------------------------------------------------------------------


def test_status_tells_when_it_runs_and_what_went_wrong(project: Project) -> None:
    configure(project)
    project.run("--name", "home", "schedule").expect(0)
    remember(project, home={"backup": ended(2, success=False, **EARLIER)})
    text = elsewhere(project, "--name", "HOME", "status").expect(0).out
    rows = dict(line.strip().split(":", 1) for line in text.splitlines()[1:])
    assert text.startswith("backup@home\n")
    assert rows["schedule"].strip() == "daily (*-*-* 00:00:00)"
    assert rows["last error"].strip() == "exit status 1"
    assert "(2h0m" in rows["last run"]
    assert "(25h" in rows["last success"]
    assert "(in " in rows["next run"]


def test_status_as_json_has_everything(project: Project) -> None:
    configure(project)
    project.run("--name", "home", "schedule").expect(0)
    remember(project, home={"backup": ended(2)})
    (job,) = json.loads(project.run("--name", "home", "status", "--json").expect(0).out)
    assert (job["title"], job["drift"], job["enabled"]) == ("backup@home", "", True)
    assert job["schedules"][0]["written"] == "daily"
    assert job["outcome"]["success"] is True
    assert job["next_run"]


def test_a_job_that_left_the_configuration_is_still_found(project: Project) -> None:
    configure(project, MORE)
    project.run("schedule", "--all").expect(0)
    configure(project)
    status = project.run("--name", "other", "status").expect(0).out
    assert "drift:        not in the configuration" in status
    done = elsewhere(project, "--name", "other", "unschedule").expect(0)
    assert "unscheduled: backup@other" in done.err
    assert "backup@other" not in project.run("status", "--all").expect(0).out


def test_the_last_schedule_of_a_profile_can_go(project: Project) -> None:
    configure(project)
    project.run("--name", "home", "schedule").expect(0)
    configure(project)
    file = project.path / "profiles.toml"
    text = file.read_text(encoding="utf-8").replace('schedule = "daily"', "")
    file.write_text(text, encoding="utf-8")
    kept = project.run("--name", "home", "schedule", "--keep-removed").expect(2)
    assert "`home` has no schedule" in kept.err
    assert "unscheduled: backup@home" in project.run("--name", "home", "schedule").expect(0).err
    assert "`home` has no schedule" in project.run("--name", "home", "schedule").expect(2).err


def test_where_nothing_has_a_schedule_that_is_told(project: Project) -> None:
    project.write("profiles.toml", '[global]\nscheduler = "crontab:-:tab"\n[home]\nverbose = 1\n')
    for command in ("schedule", "unschedule", "status"):
        done = project.run(command, "--all").expect(0)
        assert done.out == "no scheduled jobs found\n"


def test_a_job_that_is_installed_already_is_told(project: Project) -> None:
    configure(project)
    assert "scheduled: backup@home" in project.run("--name", "home", "schedule").expect(0).err
    assert "nothing to change: backup@home" in project.run("schedule", "--all").expect(0).err


def test_a_name_that_nobody_knows_is_told(project: Project) -> None:
    configure(project)
    for words in (("schedule",), ("status",)):
        assert "`nobody`" in project.run("--name", "nobody", *words).expect(2).err


def test_flags_are_understood(project: Project) -> None:
    """`--no-start` reaches systemctl; what the reference has, and we need not, is accepted."""
    project.program("systemctl", '#!/bin/sh\necho "$@" >>"$HOME/calls"\n')
    configure(project)
    file = project.path / "profiles.toml"
    text = file.read_text(encoding="utf-8").replace(f"crontab:-:{project.path / 'tab'}", "systemd")
    file.write_text(text + 'schedule-permission = "user_logged_on"\n', encoding="utf-8")
    project.run("--name", "home", "schedule", "--no-start", "--reload").expect(0)
    calls = (project.home / "calls").read_text(encoding="utf-8")
    assert "--quiet enable resticprofile-backup@profile-home.timer" in calls
    project.run("--name", "home", "schedule", "--start").expect(0)  # still not enabled
    calls = (project.home / "calls").read_text(encoding="utf-8")
    assert "--quiet --now enable resticprofile-backup@profile-home.timer" in calls
    project.run("--name", "home", "status", "--legacy").expect(0)
    project.run("--name", "home", "unschedule", "--legacy").expect(0)


# ---- mistakes -----------------------------------------------------------------------------------


def test_a_bad_expression_is_told_with_its_place(project: Project) -> None:
    configure(project, '[profiles.b.check]\n\nschedule = "26:00"\n')
    line = "profiles.toml:18: b.check.schedule: `26:00`: `26` is not an hour (0 to 23)"
    assert line in project.run("schedule", "--all").expect(78).err
    assert not (project.path / "tab").exists()
    assert f"error: {line}" in project.run("check-config").expect(78).out


def test_a_bad_expression_of_a_group_is_told_with_its_place(project: Project) -> None:
    configure(project, MORE.replace('"weekly"', '["weekly", "someday"]'))
    line = "profiles.toml:24: groups.both.schedules.backup: `someday` is not "
    assert line in project.run("schedule", "--all").expect(78).err
    assert line in project.run("check-config").expect(78).out


def test_an_unknown_scheduler_is_told(project: Project) -> None:
    project.write("profiles.toml", '[global]\nscheduler = "at"\n[home.backup]\nschedule = "daily"')
    assert "no scheduler `at`" in project.run("--name", "home", "schedule").expect(78).err
    assert "no scheduler `at`" in project.run("check-config").expect(78).out


@pytest.mark.parametrize(
    ("key", "value"),
    [("priority", "turbo"), ("permission", "mine"), ("lock-mode", "wait")],
)
def test_values_that_do_not_exist_are_told_with_their_place_and_the_default_counts(
    project: Project, key: str, value: str
) -> None:
    project.write("profiles.toml", f'[home.backup]\nschedule = "daily"\nschedule-{key} = "{value}"')
    told = f"profiles.toml:3: home.backup.schedule-{key}: `{value}` is "
    assert told in project.run("--name", "home", "schedule", "--dry-run").expect(0).err
    assert told in project.run("check-config").expect(78).out


def test_unschedule_does_not_need_the_template(project: Project) -> None:
    text = '[global]\nsystemd-unit-template = "gone"\n[home.backup]\nschedule = "daily"\n'
    project.write("profiles.toml", text)
    project.program("systemctl", "#!/bin/sh\n")
    done = project.run("--name", "home", "schedule").expect(2)
    assert f"the unit template `{project.path}/gone` cannot be read" in done.err
    project.run("--name", "home", "unschedule").expect(0)


def test_defaults_of_schedules_are_put_on_top_of_ours(project: Project) -> None:
    """A table with one key takes nothing away, such as the capture of RESTIC_*."""
    text = """
[global]
scheduler = "systemd"
[global.schedule-defaults]
permission = "user_logged_on"
randomized-delay = "5m"
[home.env]
RESTIC_COMPRESSION = "max"
[home.backup]
schedule = "daily"
[home.check]
schedule = "weekly"
schedule-randomized-delay = "1h"
"""
    project.write("profiles.toml", text)
    project.program("systemctl", "#!/bin/sh\n")
    backup, check = (
        project.run("--name", "home", "schedule", "--dry-run").expect(0).out.split("create ")[1:]
    )
    assert "RandomizedDelaySec=5m0s" in backup
    assert "RandomizedDelaySec=1h0m0s" in check
    for diff in (backup, check):
        assert "+RESTIC_COMPRESSION=" in diff
        assert "/.config/systemd/user/" in diff


def test_what_a_reference_fetches_is_not_captured(project: Project) -> None:
    """The run fetches it itself; neither a plan nor a look at the status runs the command."""
    text = """
[global]
scheduler = "systemd"
[default.env]
RESTIC_COMPRESSION = "max"
RESTIC_PASSWORD = { command = "touch fetched; echo secret" }
[default.backup]
schedule = "daily"
schedule-permission = "user_logged_on"
"""
    project.write("profiles.toml", text)
    project.program("systemctl", "#!/bin/sh\n")
    plan = project.run("schedule", "--dry-run").expect(0).out
    assert "+RESTIC_COMPRESSION=" in plan
    assert "RESTIC_PASSWORD" not in plan
    project.run("status").expect(0)
    assert not (project.path / "fetched").exists()


@pytest.mark.parametrize(
    ("keys", "nice"),
    [('priority = "low"', 10), ("nice = 5", 5), ('priority = "low"\nnice = 5', 5)],
)
def test_scheduled_runs_have_the_priority_of_others(keys: str, nice: int, project: Project) -> None:
    """systemd sets it, and the program does not."""
    schedule = '[default.backup]\nschedule = "daily"\n'
    project.write("profiles.toml", f'[global]\nscheduler = "systemd"\n{keys}\n{schedule}')
    project.program("systemctl", "#!/bin/sh\n")
    assert f"+Nice={nice}\n" in project.run("schedule", "--dry-run").expect(0).out


def test_what_the_scheduler_sets_for_each_run_is_not_captured(project: Project) -> None:
    text = """
[global]
scheduler = "systemd"
[default.backup]
schedule = "daily"
schedule-permission = "user_logged_on"
schedule-capture-environment = ["*"]
"""
    project.write("profiles.toml", text)
    project.program("systemctl", "#!/bin/sh\n")
    plan = project.run("schedule", "--dry-run", env={"INVOCATION_ID": "1"}).expect(0).out
    assert "+PATH=" in plan
    assert "+HOME=" not in plan
    assert "+INVOCATION_ID=" not in plan


# ---- run-schedule ---------------------------------------------------------------------------


def test_run_schedule_works_from_any_directory(project: Project, fake_restic: FakeRestic) -> None:
    """`lock` and `schedule-log` are relative to the configuration."""
    keys = 'schedule-log = "run.log"\nschedule-lock-mode = "fail"\n'
    configure(project, keys, '[profiles.home.env]\nA = "1"\n')
    fake_restic.answer("backup", out=("restic was here",))
    done = elsewhere(project, "run-schedule", "backup@home", "--tag", "x").expect(0)
    (call,) = fake_restic.calls
    assert {"--tag", "x"} <= set(call.argv)
    log = (project.path / "run.log").read_text(encoding="utf-8")
    assert "restic was here" in log
    assert "backup home: OK" in log
    assert done.out == ""


def test_the_output_of_commands_goes_where_the_schedule_says(
    project: Project, fake_restic: FakeRestic
) -> None:
    table = 'schedule = {at = "daily", log = "run.log", command-output = "all"}'
    configure(project)
    file = project.path / "profiles.toml"
    text = file.read_text(encoding="utf-8").replace('schedule = "daily"', table)
    file.write_text(text, encoding="utf-8")
    fake_restic.answer("backup", out=("restic was here",))
    assert "restic was here" in project.run("run-schedule", "backup@home").expect(0).out
    assert "restic was here" in (project.path / "run.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ('schedule-lock-mode = "fail"\nschedule-lock-wait = "1h"\n', 75),
        ('schedule-lock-mode = "ignore"\n', 0),
    ],
)
def test_the_lock_mode_of_a_schedule(
    project: Project, fake_restic: FakeRestic, keys: str, code: int
) -> None:
    configure(project, keys, '[profiles.home.env]\nA = "1"\n')
    file = project.path / "profiles.toml"
    text = file.read_text(encoding="utf-8").replace("repository =", 'lock = "lock"\nrepository =')
    file.write_text(text, encoding="utf-8")
    project.write("lock", f"me on today from here\n{os.getpid()}\n")
    project.run("run-schedule", "backup@home").expect(code)


def test_a_job_runs_on_after_its_schedule_is_gone(
    project: Project, fake_restic: FakeRestic
) -> None:
    configure(project)
    project.run("run-schedule", "forget@home").expect(0)
    assert [call.command for call in fake_restic.calls] == ["forget"]


def test_a_job_of_a_profile_that_is_gone_fails(project: Project) -> None:
    configure(project)
    assert "`gone`" in project.run("run-schedule", "backup@gone").expect(2).err


@pytest.mark.parametrize("job", ["backup", "@home", "backup@"])
def test_a_job_is_a_command_and_a_name(project: Project, job: str) -> None:
    configure(project)
    assert "is not COMMAND@NAME" in project.run("run-schedule", job).expect(2).err


def test_the_schedule_of_retention_forgets(project: Project, fake_restic: FakeRestic) -> None:
    """The reference accepts it, with a warning, and then runs `restic retention`."""
    keep = '[profiles.home.retention]\nschedule = "weekly"\nkeep-daily = 7\n'
    configure(project, keep)
    done = project.run("--name", "home", "schedule").expect(0)
    assert "a schedule belongs to `forget`" in done.err
    project.run("run-schedule", "retention@home").expect(0)
    (call,) = fake_restic.calls
    assert call.command == "forget"
    assert "--keep-daily=7" in call.argv
    status = project.run("--name", "home", "status", "retention").expect(0).out
    assert "last success: unknown" not in status


def test_a_group_runs_by_its_schedule(project: Project, fake_restic: FakeRestic) -> None:
    configure(project, MORE, 'log = "group.log"\n')
    project.run("run-schedule", "backup@both").expect(0)
    assert len(fake_restic.calls) == 2
    log = (project.path / "group.log").read_text(encoding="utf-8")
    assert "backup home: OK" in log
    assert "backup other: OK" in log
