"""From `schedule` to a backup that ran: with a real systemd, and with a real cron."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.kit.project import CHECKOUT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kit.project import Project
    from tests.kit.restic import FakeRestic
    from tests.kit.server import Server
    from tests.schedulers.conftest import Manager

UNIT = "resticprofile-backup@profile-home"

PROFILES = """
version = "1"

[global]
scheduler = "{scheduler}"
restic-binary = "{restic}"
min-memory = 0

[home]
repository = "/srv/repository"
status-file = "status.json"

[home.env]
RESTIC_PASSWORD = 'a "quoted" 100% $ecret'

[home.backup]
source = ["/etc/hostname"]
schedule = {at}
schedule-permission = "user_logged_on"
schedule-capture-environment = ["RESTIC_*", "PYTHONPATH"]
"""


def configure(
    project: Project, restic: FakeRestic, scheduler: str, *at: str, folder: str = "my 100% files"
) -> str:
    """Write the configuration; its path, with everything that is hard to quote."""
    text = PROFILES.format(scheduler=scheduler, restic=restic.binary, at=json.dumps(at))
    return str(project.write(f"{folder}/profiles.toml", text))


# ---- systemd ------------------------------------------------------------------------------------


DAY = """
version = "2"

[global]
scheduler = "systemd"
min-memory = 0

[global.schedule-defaults]
permission = "user_logged_on"
log = "run.log"
on-failure = ["alarm@%n.service"]

[profiles.home]
repository = "repository"
initialize = true
status-file = "status.json"
systemd-drop-in-files = ["at once.conf"]

[profiles.home.env]
RESTIC_PASSWORD = '''MARK1 "quoted" 100% $ecret
and a second line'''
RESTIC_COMPRESSION = "off"

[profiles.home.backup]
source = ["/etc/hostname"]
run-before = ["test ! -e fail"]
schedule = "*:*:*"
schedule-capture-environment = ["RESTIC_*", "PYTHONPATH"]

[[profiles.home.backup.send-before]]
url = "{url}/before/MARK2aaaaaaaaaaaaaaaaaaaa"
headers = [{{ name = "Authorization", value = "Bearer MARK3" }}]

[profiles.home.backup.send-after]
url = "{url}/after"

[profiles.home.backup.send-after-fail]
url = "{url}/after-fail"

[profiles.home.check]
schedule = "weekly"

[profiles.stuck]
[profiles.stuck.backup]
source = ["/etc/hostname"]
run-before = ["sleep 60"]
schedule = "monthly"
schedule-watchdog = "2s"
schedule-capture-environment = ["PYTHONPATH"]

[profiles.stuck.backup.send-after-fail]
url = "{url}/stuck"
"""

ALARM = """
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo %i >>{file}'
"""

SCENARIO = r"""
cd "$FOLDER"
out=$OUT unit=resticprofile-backup@profile-home stuck=resticprofile-backup@profile-stuck
units=$HOME/.config/systemd/user
cp ../alarm@.service "$units"
say() { name=$1; shift; "$@" >"$out/$name" 2>>"$out/errors"; echo $? >"$out/$name.code"; }
rp() { name=$1; shift; say "$name" $PROGRAM "$@"; }
until_() { for _ in $(seq 150); do eval "$1" && return; sleep 0.1; done; echo "never: $1" >&2; }

# A timer fires, and status knows about it.
rp first.plan schedule --all --dry-run
rp first schedule --all
cp -a "$units" "$out/units"
rp again.plan schedule --all --dry-run
until_ 'grep -q "\"success\":true" status.json'
rp good.text --name home status
rp good --name home status --json
rp good.age --name home status backup --max-age 1h
say show systemctl --user show $unit.service $unit.timer

# The configuration changes; it is called by another name, from another place.
cp profiles.toml before.toml
sed -i 's/"\*:\*:\*"/"Mon..Fri 12:30"/; /profiles.home.check/,/weekly/d' profiles.toml
ln -s "$FOLDER" "$OUT/link"
cd /
rp changed.plan --config "$OUT/link/profiles" schedule --all --dry-run
rp changed --config "$OUT/link/profiles.toml" schedule --all
rp settled.plan --config "$FOLDER/./profiles.toml" schedule --all --dry-run
cd "$FOLDER"
say timers systemctl --user list-timers --all --output=json 'resticprofile-*'
until_ '! systemctl --user --quiet is-active $unit.service'

# A run fails, and so does one that cannot even begin.
touch fail
say failing systemctl --user start --wait $unit.service
until_ 'grep -q home ../alarms'
rp failed.text --name home status
rp failed --name home status --json
rp failed.age --name home status backup --max-age 1h
rm fail ../alarms
echo "[[[" >>profiles.toml
say breaking systemctl --user start --wait $unit.service
say broken systemctl --user show --property=Result,ExecMainStatus $unit.service
until_ 'grep -q home ../alarms'
cp before.toml profiles.toml

# Nothing moves.
say sticking systemctl --user start --wait $stuck.service
say stuck systemctl --user show --property=Result,StatusText $stuck.service
until_ 'grep -q stuck ../alarms'

rp gone unschedule --all
say left ls "$units"
"""


class Day:
    """What a user manager did, and what was printed meanwhile."""

    def __init__(self, folder: Path, printed: Path) -> None:
        self.folder, self.printed = folder, printed

    def text(self, name: str, code: int = 0) -> str:
        """What a command of the scenario wrote to stdout; its exit status is as expected."""
        errors = (self.printed / "errors").read_text(encoding="utf-8")
        found = (self.printed / name).read_text(encoding="utf-8")
        assert (self.printed / f"{name}.code").read_text().strip() == str(code), found + errors
        return found

    def json(self, name: str) -> list[dict]:
        return json.loads(self.text(name))


@pytest.mark.needs("restic")
def test_a_day_with_systemd(project: Project, server: Server, user_manager: Manager) -> None:
    folder, printed = project.path / "my 100% $files", project.path / "printed"
    printed.mkdir()
    project.write(f"{folder.name}/profiles.toml", DAY.format(url=server.url))
    project.write(f"{folder.name}/at once.conf", "[Timer]\nAccuracySec=1us\n")
    project.write("alarm@.service", ALARM.format(file=project.path / "alarms"))
    script = project.write("scenario.sh", SCENARIO)
    done = user_manager(
        *("sh", "-u", str(script)),
        **project.env,
        FOLDER=str(folder),
        OUT=str(printed),
        PROGRAM=f"{sys.executable} -m resticprof",
    )
    assert done.returncode == 0, done.stderr
    assert "never:" not in done.stderr
    day = Day(folder, printed)
    plans(day)
    good_run(day, server)
    failed_run(day, server)
    secrets(day)


def plans(day: Day) -> None:
    """What `schedule --dry-run` says before and after each step."""
    titles = ["backup@home", "check@home", "backup@stuck"]
    words = ("create", "change", "remove", "keep")
    actions = {
        name: [line for line in day.text(name).splitlines() if line.startswith(words)]
        for name in ("first.plan", "again.plan", "changed.plan", "settled.plan")
    }
    assert actions == {
        "first.plan": [f"create {title}" for title in titles],
        "again.plan": [f"keep {title}" for title in titles],
        "changed.plan": ["change backup@home", "keep backup@stuck", "remove check@home"],
        "settled.plan": ["keep backup@home", "keep backup@stuck"],
    }
    diff = day.text("changed.plan")
    assert "\n-OnCalendar=*:*:*\n+OnCalendar=Mon..Fri 12:30\n" in diff
    assert diff.count("\n@@ ") == 1 + 4  # one timer changes; four files of the other job go
    timers = {timer["unit"] for timer in day.json("timers")}
    assert timers == {f"{UNIT}.timer", UNIT.replace("home", "stuck") + ".timer"}
    day.text("gone")
    assert day.text("left").split() == ["alarm@.service"]


def good_run(day: Day, server: Server) -> None:
    """Restic's snapshot, the requests of the hooks, and what `status` says."""
    assert [line.partition("/MARK2")[0] for line in server.lines[:2]] == [
        "GET /before",
        "GET /after",
    ]
    assert server.requests[0].headers["authorization"] == "Bearer MARK3"
    assert list((day.folder / "repository" / "snapshots").iterdir())
    (backup, check) = day.json("good")
    assert backup["outcome"]["success"] is True
    assert backup["last_success"]
    assert backup["next_run"]
    assert (backup["active"], backup["drift"]) == (True, "")
    assert (check["title"], check["last_run"]) == ("check@home", None)
    assert "last success: 2" in day.text("good.text")
    assert day.text("good.age").startswith("OK backup@home: last success 2")


def failed_run(day: Day, server: Server) -> None:
    """`OnFailure=` and hooks; a run that cannot begin; one in which nothing moves."""
    day.text("failing", code=1)
    assert "GET /after-fail" in server.lines
    (backup,) = day.json("failed")
    assert backup["outcome"]["success"] is False
    assert (backup["result"], backup["last_success"] is None) == ("exit status 1", False)
    assert backup["drift"] == ""
    assert "run-before backup" in day.text("failed.text")
    assert day.text("failed.age").startswith("OK backup@home: last success 2")
    day.text("breaking", code=1)
    assert day.text("broken").split() == ["Result=exit-code", "ExecMainStatus=78"]
    day.text("sticking", code=1)
    assert "Result=watchdog" in day.text("stuck")
    assert "GET /stuck" in server.lines


def secrets(day: Day) -> None:
    """Private files hold the variables; nothing else does."""
    marked = {
        str(file.relative_to(day.printed))
        for file in day.printed.rglob("*")
        if file.is_file() and b"MARK" in file.read_bytes()
    }
    assert marked == {f"units/{UNIT}.env", f"units/{UNIT.replace('backup', 'check')}.env"}
    assert {(day.printed / name).stat().st_mode & 0o777 for name in marked} == {0o600}
    log = (day.folder / "run.log").read_text(encoding="utf-8")
    assert "snapshot " in log
    assert "MARK" not in log
    assert "MARK" not in (day.folder / "status.json").read_text(encoding="utf-8")


# ---- cron ---------------------------------------------------------------------------------------


CRON = """
mount --make-rprivate /
for folder in /run /etc/cron.d /var/spool/cron; do mount -t tmpfs tmpfs $folder; done
cp "$1" /etc/cron.d/resticprof
chmod 644 /etc/cron.d/resticprof
exec cron -f
"""


@pytest.mark.needs("cron", "unshare", "sh")
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may start cron")
def test_cron_makes_a_backup(project: Project, fake_restic: FakeRestic) -> None:
    """Debian's cron runs our lines at once when their times are replaced by `@reboot`."""
    today = datetime.now().astimezone()
    other_day = (today.isoweekday() + 1) % 7
    table = project.path / "table"
    config = configure(project, fake_restic, f"crontab:root:{table}", f"{today:%a} *-*-1..31 3:00")
    project.run("--config", config, "--name", "home", "schedule").expect(0)
    lines = table.read_text(encoding="utf-8")
    at_once = re.sub(r"(?m)^00 03 01-31 \* \*\t", "@reboot\t", lines)
    other = re.sub(r"-eq \d", f"-eq {other_day}", at_once).replace("backup@home", "check@home")
    project.write("at once", f"PYTHONPATH={CHECKOUT}\n{at_once}\n{other}")
    cron = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", CRON, "sh", str(project.path / "at once")],
        start_new_session=True,
    )
    try:
        call = fake_restic.wait_for_call("backup")
        assert call.env["RESTIC_PASSWORD"] == 'a "quoted" 100% $ecret'
        assert [call.command for call in fake_restic.calls] == ["backup"]
    finally:
        cron.terminate()
        cron.wait(10)
