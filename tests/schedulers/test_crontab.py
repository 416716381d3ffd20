"""cron as a scheduler: real crontab files, and a `crontab` program."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from resticprof.commands import schedule
from resticprof.commands.schedule import Selection
from resticprof.errors import ConfigError, Error
from resticprof.schedulers import base
from resticprof.schedulers.caller import Caller
from resticprof.schedulers.crontab import Crontab, CrontabFile
from resticprof.schedulers.crontab_text import BEGIN, END
from tests.kit.schedule import account, job, person

if TYPE_CHECKING:
    from resticprof.schedulers.base import Scheduler

OTHER = "00 03 * * *\tcd /somewhere && /usr/bin/resticprofile --config other.yaml run-schedule b@c"
MINE = "# my own lines\n5 4 * * * /usr/bin/true\n"


class Table:
    """A configuration file next to a crontab file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "tab"
        self.config = folder / "profiles.toml"
        self.config.write_text("", encoding="utf-8")

    def scheduler(self, user: str = "-:") -> Scheduler:
        return base.pick(f"crontab:{user}{self.file}")

    def job(self, *at: str, **others):
        return job(self.config, *at, permission="user", **others)

    def schedule(self, *jobs, scheduler: Scheduler | None = None) -> list[str]:
        scheduler = scheduler or self.scheduler()
        changes = schedule.plan(scheduler, jobs, Selection(config_file=str(self.config)))
        schedule.apply(scheduler, changes)
        return [f"{change.action} {change.job.title}" for change in changes]

    def line(self, columns: str, title: str, user: str = "") -> str:
        words = f"/usr/bin/resticprof --no-ansi --config {self.config} run-schedule {title}"
        return f"{columns}\t{user and user + chr(9)}cd /srv && {words}"

    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def test_a_block_is_added_to_an_existing_file(table: Table) -> None:
    table.file.write_text(MINE, encoding="utf-8")
    table.schedule(table.job("Mon..Fri *:00,15", "daily"))
    first = table.line("00,15 * * * 1,2,3,4,5", "backup@home")
    second = table.line("00 00 * * *", "backup@home")
    assert table.text() == f"{MINE}\n{BEGIN}\n{first}\n{second}\n{END}\n"


def test_a_file_is_created_where_there_is_none(table: Table) -> None:
    assert table.schedule(table.job()) == ["create backup@home"]
    assert table.text().startswith(f"\n{BEGIN}\n00 00 * * *\t")
    assert table.file.stat().st_mode & 0o777 == 0o644


def test_scheduling_again_does_not_touch_the_file(table: Table) -> None:
    table.schedule(table.job(), table.job(command="check"))
    before = table.file.stat()
    assert table.schedule(table.job(), table.job(command="check")) == [
        "keep backup@home",
        "keep check@home",
    ]
    assert (table.file.stat().st_ino, table.file.stat().st_mtime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
    )


def test_lines_of_others_stay_where_they_are(table: Table) -> None:
    table.file.write_text(f"{MINE}\n{BEGIN}\n{OTHER}\n{END}\n# last\n", encoding="utf-8")
    table.schedule(table.job())
    ours = table.line("00 00 * * *", "backup@home")
    assert table.text() == f"{MINE}\n{BEGIN}\n{OTHER}\n{ours}\n{END}\n# last\n"
    table.schedule()
    assert table.text() == f"{MINE}\n{BEGIN}\n{OTHER}\n{END}\n# last\n"


def test_one_name_is_addressed_and_the_others_stay(table: Table) -> None:
    table.schedule(table.job(), table.job(name="second"), table.job(command="check"))
    scheduler = table.scheduler()
    selection = Selection(config_file=str(table.config), name="home")
    schedule.apply(scheduler, schedule.unschedule(scheduler, selection))
    assert table.text() == (f"\n{BEGIN}\n{table.line('00 00 * * *', 'backup@second')}\n{END}\n")


def test_a_changed_time_is_shown_and_replaced(table: Table) -> None:
    table.schedule(table.job())
    scheduler = table.scheduler()
    selection = Selection(config_file=str(table.config))
    (change,) = schedule.plan(scheduler, [table.job("03:30")], selection)
    assert change.diff.splitlines()[3:] == [
        f"-{table.line('00 00 * * *', 'backup@home')}",
        f"+{table.line('30 03 * * *', 'backup@home')}",
    ]
    schedule.apply(scheduler, [change])
    assert table.text().count("run-schedule") == 1


def test_lines_are_found_whatever_the_program_is_called(table: Table) -> None:
    table.schedule(table.job(program=("/opt/rp",)))
    assert table.schedule(table.job()) == ["change backup@home"]
    assert table.text().count("run-schedule") == 1


def test_lines_are_found_by_any_path_to_the_configuration(table: Table, tmp_path: Path) -> None:
    line = f"00 03 * * *\tcd {tmp_path} && /x/rp --config profiles.toml run-schedule backup@home"
    table.file.write_text(f"{BEGIN}\n{line}\n{END}\n", encoding="utf-8")
    assert table.schedule() == ["remove backup@home"]


@pytest.mark.parametrize("mode", [0o600, 0o644])
def test_the_mode_of_the_file_stays(table: Table, mode: int) -> None:
    table.file.write_text(MINE, encoding="utf-8")
    table.file.chmod(mode)
    before = os.umask(0o077)
    try:
        table.schedule(table.job())
    finally:
        os.umask(before)
    assert table.file.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_of_the_file_stays(table: Table) -> None:
    table.file.write_text(MINE, encoding="utf-8")
    os.chown(table.file, 1234, 1235)
    table.schedule(table.job())
    assert (table.file.stat().st_uid, table.file.stat().st_gid) == (1234, 1235)


def test_bytes_that_are_no_text_stay(table: Table) -> None:
    table.file.write_bytes(b"# Gr\xfc\xdfe\n")
    table.schedule(table.job())
    assert table.file.read_bytes().startswith(b"# Gr\xfc\xdfe\n\n###")


@pytest.mark.parametrize(
    ("user", "column"), [("root:", "root"), ("-:", ""), (":", ""), ("*:", "ME"), ("", "")]
)
def test_the_user_column_is_as_the_scheduler_says(table: Table, user: str, column: str) -> None:
    import pwd

    column = column.replace("ME", pwd.getpwuid(os.geteuid()).pw_name)
    table.schedule(table.job(), scheduler=table.scheduler(user))
    assert f"{table.line('00 00 * * *', 'backup@home', column)}\n" in table.text()


def test_the_user_column_is_noticed(table: Table) -> None:
    table.file.write_text("17 * * * * root cd / && true\n", encoding="utf-8")
    scheduler = Crontab(CrontabFile(str(table.file), "?"), caller=person(Path("/root")))
    table.schedule(table.job(), scheduler=scheduler)
    assert f"{table.line('00 00 * * *', 'backup@home', 'root')}\n" in table.text()


def test_cron_d_wants_a_user_in_each_line(table: Table, tmp_path: Path) -> None:
    """Without one, cron takes the command for a user, and leaves the whole file out."""
    folder = tmp_path / "cron.d"
    folder.mkdir()
    table.file = folder / "resticprof"
    table.schedule(table.job(), scheduler=table.scheduler(""))
    assert re.search(r"(?m)^00 00 \* \* \*\t[^\t ]+\tcd ", table.text())


@pytest.mark.parametrize(
    ("permission", "uid", "sudo", "user"),
    [
        ("auto", 0, True, "root"),
        ("system", 0, True, "root"),
        ("user", 0, True, "anna"),
        ("auto", 0, False, "root"),
        ("auto", 1000, False, "anna"),
    ],
)
def test_the_user_of_a_line(
    permission: str, uid: int, sudo: bool, user: str, tmp_path: Path
) -> None:
    anna, root = account("/home/anna", uid=1000, name="anna"), account("/root", uid=0)
    caller = Caller(account=root if uid == 0 else anna, invoker=anna if sudo or uid else root)
    scheduler = Crontab(CrontabFile(str(tmp_path / "cron.d" / "x"), "?"), caller=caller)
    (wanted,) = scheduler.wanted([job(permission=permission)], ())
    assert wanted.parts[0].text is not None
    assert wanted.parts[0].text.split("\t")[1] == user


def test_a_name_that_cron_does_not_read_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("restic.prof", "resticprof"):
        caller = person(Path("/root"))
        scheduler = Crontab(CrontabFile(str(tmp_path / "cron.d" / name), "root"), caller=caller)
        scheduler.wanted([job(permission="user")], ())
    (told,) = caplog.messages
    assert "restic.prof`: Debian's cron reads no file" in told


def test_a_system_job_needs_root(table: Table) -> None:
    source = CrontabFile(str(table.file), "")
    scheduler = Crontab(source, caller=person(Path("/home/anna"), uid=1000))
    one = job(table.config, permission="system")
    with pytest.raises(Error, match="sudo"):
        table.schedule(one, scheduler=scheduler)


def test_a_generated_file_is_refused(table: Table) -> None:
    table.file.write_text("# DO NOT EDIT THIS FILE - edit the master\n", encoding="utf-8")
    with pytest.raises(Error, match="must not be edited"):
        table.schedule(table.job())


def test_a_line_that_is_not_ours_is_told_and_kept(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    table.file.write_text(f"{BEGIN}\n5 4 * * * true\n{END}\n", encoding="utf-8")
    table.schedule(table.job())
    assert "5 4 * * * true" in caplog.text
    assert table.text().startswith(f"{BEGIN}\n5 4 * * * true\n00 00")


def test_years_and_bad_expressions_are_told(table: Table, caplog: pytest.LogCaptureFixture) -> None:
    table.schedule(table.job("2030-01-01"))
    assert "cron knows no years" in caplog.text
    with pytest.raises(ConfigError, match="cron cannot count from the end of a month"):
        table.schedule(table.job("*-*~1"))


def test_status_tells_times_of_installed_lines(table: Table) -> None:
    table.schedule(table.job("Wed *-*-1 10:05"), table.job("*:0/20", command="check"))
    found = table.scheduler().installed()
    assert [(one.title, one.times) for one in found] == [
        ("backup@home", ("Wed *-*-01 10:05",)),
        ("check@home", ("*-*-* *:00,20,40",)),
    ]


FAKE = """#!/bin/sh
tab="{tab}"
echo "$1" >> "{tab}.log"
case "$1" in
-l) [ -f "$tab" ] || {{ echo "no crontab for me" >&2; exit 1; }}
    printf '# DO NOT EDIT THIS FILE - edit the master.\\n# (x)\\n# (y)\\n'; cat "$tab" ;;
-)  cat > "$tab" ;;
esac
"""


def fake_program(folder: Path) -> Path:
    program = folder / "my-crontab"
    program.write_text(FAKE.format(tab=folder / "tab"), encoding="utf-8")
    program.chmod(0o755)
    return program


def test_the_program_is_asked_once_and_given_the_whole(table: Table, tmp_path: Path) -> None:
    scheduler = base.pick(f"crond:{fake_program(tmp_path)}")
    table.file.write_text("1 2 3 4 5 keep me\n", encoding="utf-8")
    table.schedule(table.job(), scheduler=scheduler)
    line = table.line("00 00 * * *", "backup@home")
    assert table.text() == f"1 2 3 4 5 keep me\n\n{BEGIN}\n{line}\n{END}\n"
    assert (tmp_path / "tab.log").read_text(encoding="utf-8").split() == ["-l", "-"]
    again = base.pick(f"crond:{fake_program(tmp_path)}")
    assert table.schedule(table.job(), scheduler=again) == ["keep backup@home"]


@pytest.mark.parametrize(
    "said", ["no crontab for me", "crontab: can't open 'me': No such file or directory"]
)
def test_no_crontab_is_an_empty_one(said: str, table: Table, tmp_path: Path) -> None:
    program = fake_program(tmp_path)
    text = program.read_text(encoding="utf-8").replace("no crontab for me", said)
    program.write_text(text, encoding="utf-8")
    scheduler = base.pick(f"crond: {program} ")
    table.schedule(table.job(), scheduler=scheduler)
    assert table.text().count("run-schedule") == 1


def test_a_program_that_fails_is_told(tmp_path: Path, table: Table) -> None:
    program = fake_program(tmp_path)
    program.write_text("#!/bin/sh\necho 'you are not allowed' >&2\nexit 1\n", encoding="utf-8")
    with pytest.raises(Error, match="you are not allowed"):
        table.schedule(table.job(), scheduler=base.pick(f"crond:{program}"))


@pytest.mark.parametrize("choice", ["crontab", "crontab:", "crontab:root:"])
def test_a_crontab_needs_a_file(choice: str) -> None:
    with pytest.raises(ConfigError, match="which file"):
        base.pick(choice)


@pytest.mark.needs("crontab")
def test_the_real_program_takes_our_lines(table: Table) -> None:
    """cron checks a crontab when it is handed in; `-n` checks only."""
    table.schedule(table.job("Wed *-*-1 10:05", "*:0/7", "Sun 1,2:3"), table.job(name="50% $x"))
    checked = subprocess.run(
        [str(shutil.which("crontab")), "-n", str(table.file)],
        capture_output=True,
        text=True,
        check=False,
    )
    if "invalid option" in checked.stderr:
        pytest.skip("this crontab has no dry run")
    assert checked.returncode == 0, checked.stderr
