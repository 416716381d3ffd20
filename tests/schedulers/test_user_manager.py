"""Schedules in a real systemd user manager: timers that fire, changes, removal, hardening."""

from __future__ import annotations

import json
import os
import shlex
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.schedulers.conftest import Manager

PROGRAM = """#!{python}
import json, os, socket, sys
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
with open({out!r}, "a") as out:
    out.write(json.dumps({{"argv": sys.argv[1:], "env": dict(os.environ)}}) + "\\n")
{more}
"""

SCENARIO = """
import json, pathlib, subprocess, sys, time
from datetime import datetime, timezone
from resticprof.commands import schedule
from resticprof.commands.schedule import Selection
from resticprof.model.config import Schedule
from resticprof.schedulers.base import pick
from tests.kit.schedule import job

config, program = sys.argv[1:3]
pathlib.Path(config).touch()
drop_in = pathlib.Path(config).with_name("at once.conf")
drop_in.write_text("[Timer]\\nAccuracySec=1us\\n")  # systemd may take a minute otherwise
everything = Selection(config_file=config)
scheduler = pick("systemd")
said = []

def wanted(*at, **others):
    others = {"environment": {"RESTIC_PASSWORD": 'pa"ss %h $x'}, **others}
    others["settings"] = Schedule(
        at=at, permission="user_logged_on", systemd_drop_in_files=(str(drop_in),)
    )
    return job(config, program=(program,), working_directory="/", **others)

def schedule_all(*jobs):
    changes = schedule.plan(scheduler, jobs, everything)
    schedule.apply(scheduler, changes)
    said.append([change.action for change in changes])

def timers():
    listed = subprocess.run(
        ["systemctl", "--user", "list-timers", "--all", "--output=json", "resticprofile-*"],
        capture_output=True, text=True, check=True)
    return [row["unit"] for row in json.loads(listed.stdout)]

def state():
    now = datetime.now(timezone.utc)
    (found,) = schedule.status(scheduler, (current,), everything, now=now, last_runs={})
    return found

current = wanted("*:*:*", name="my home")
schedule_all(current)
for _ in range(100):
    time.sleep(0.1)
    ran = state()
    if ran.last_success:
        break
said.append(timers())
current = wanted("daily", name="my home")
schedule_all(current)
schedule_all(current)
moved = state()
schedule_all()
said.append(timers())
report = {
    "said": said,
    "active": ran.active,
    "success": ran.last_success is not None,
    "result": ran.result,
    "next": f"{moved.next_run:%H:%M}",
    "drift": moved.drift,
    "left": [p.name for p in pathlib.Path.home().glob(".config/systemd/user/**/resticprofile*")],
}
print(json.dumps(report))
"""


@pytest.fixture
def program(tmp_path: Path, need: Callable[..., None]) -> Callable[[str], Path]:
    def write(more: str = "") -> Path:
        file = tmp_path / "a program"
        python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else need("python3")
        text = PROGRAM.format(python=python, out=str(tmp_path / "out"), more=more)
        file.write_text(text, encoding="utf-8")
        file.chmod(0o755)
        return file

    return write


def runs(tmp_path: Path) -> list[dict]:
    text = (tmp_path / "out").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_timers_fire_follow_changes_and_disappear(
    user_manager: Manager, program: Callable[[str], Path], tmp_path: Path
) -> None:
    config = tmp_path / "my profiles.toml"
    done = user_manager(sys.executable, "-c", SCENARIO, str(config), str(program()))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "said": [
            ["create"],
            [r"resticprofile-backup@profile-my\x20home.timer"],
            ["change"],
            ["keep"],
            ["remove"],
            [],
        ],
        "active": True,
        "success": True,
        "result": "",
        "next": "00:00",
        "drift": "",
        "left": [],
    }
    run = runs(tmp_path)[0]
    assert run["argv"] == [
        *("--no-prio", "--no-ansi", "--config", str(config), "run-schedule", "backup@my home")
    ]
    assert run["env"]["RESTIC_PASSWORD"] == 'pa"ss %h $x'


DEAD_TIMERS = """
timer=resticprofile-backup@profile-default.timer
say() { echo "$1: $(systemctl --user show --property=SubState --value "$timer")"; }
configure() { printf '[default.backup]\\nschedule = "%s"\\n%s\\n' "$1" "$2" > profiles.toml; }
resticprof() { "$python" -m resticprof --quiet "$@"; }

configure 2020-01-01 'schedule-permission = "user_logged_on"'
resticprof schedule > /dev/null
say past
resticprof status | grep 'next run'
configure daily 'schedule-permission = "user_logged_on"'
resticprof schedule > /dev/null
say changed
systemctl --user stop "$timer"
resticprof schedule --dry-run
resticprof schedule > /dev/null
say stopped
resticprof schedule --dry-run
systemctl --user start --wait resticprofile-backup@profile-default.service
resticprof unschedule
systemctl --user list-units --all --plain --no-legend 'resticprofile-*'
"""


def test_a_dead_timer_is_brought_to_life(user_manager: Manager, tmp_path: Path) -> None:
    script = f"cd {shlex.quote(str(tmp_path))}; python={shlex.quote(sys.executable)}\n{DEAD_TIMERS}"
    done = user_manager("sh", "-c", script)
    assert done.stdout.splitlines() == [
        "past: elapsed",
        "    next run:     none, systemd knows no time to come",
        "changed: waiting",
        "change backup@default",
        "# backup@default is installed, but its timer does not run",
        "stopped: waiting",
        "keep backup@default",
    ], done.stderr
    assert "`backup@default` is installed, but systemd knows no time" in done.stderr


HOOKS = """
import ctypes, resource, subprocess
libc = ctypes.CDLL(None, use_errno=True)
def status(*words):
    return subprocess.run(words, capture_output=True).returncode
def errno_of(call, *words):
    ctypes.set_errno(0)
    getattr(libc, call)(*words)
    return ctypes.get_errno()
report = {
    "mount": status("mount", "-t", "tmpfs", "tmpfs", "/mnt"),
    "umount": status("umount", "/mnt"),
    "other user": status("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "true"),
    "nice": status("nice", "-n", "-5", "true"),
    "set-user-id file": status("install", "-m", "4755", "/bin/true", %(suid)r),
    "privileges": open("/proc/self/status").read().split("NoNewPrivs:")[1].split()[0],
    "cores": resource.getrlimit(resource.RLIMIT_CORE),
    "swapoff": errno_of("swapoff", b"/nowhere"),
}
with open(%(report)r, "w") as out:
    json.dump(report, out)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has what is taken away here")
def test_a_hardened_service_can_still_do_what_hooks_do(
    user_manager: Manager, program: Callable[[str], Path], tmp_path: Path
) -> None:
    """The settings of system units, under the manager that root has for itself."""
    from resticprof.schedulers import systemd_units
    from resticprof.schedulers.systemd_units import Place
    from tests.kit.schedule import job

    more = HOOKS % {"suid": str(tmp_path / "suid"), "report": str(tmp_path / "report")}
    one = job(program=(str(program(more)),), working_directory="/")
    place = Place(scope="system", directory="/unused", home="/root")
    service = systemd_units.parts(one, place, (), None)[0]
    (tmp_path / "unit").write_text(service.text or "", encoding="utf-8")
    script = textwrap.dedent("""
        cp "$1" "$HOME/.config/systemd/user/hooks.service"
        systemctl --user start --wait hooks.service
    """)
    done = user_manager("sh", "-c", script, "sh", str(tmp_path / "unit"))
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "report").read_text(encoding="utf-8")) == {
        "mount": 0,
        "umount": 0,
        "other user": 0,
        "nice": 0,
        "set-user-id file": 0,
        "privileges": "0",  # sudo works
        "cores": [0, 0],
        "swapoff": 1,  # EPERM
    }
