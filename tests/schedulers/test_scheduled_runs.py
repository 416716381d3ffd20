"""From `schedule` to a backup that ran: with a real systemd, and with a real cron."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from tests.kit.project import CHECKOUT

if TYPE_CHECKING:
    from tests.kit.project import Project
    from tests.kit.restic import FakeRestic
    from tests.schedulers.conftest import Manager

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
UNIT = "resticprofile-backup@profile-home"


def configure(
    project: Project, restic: FakeRestic, scheduler: str, *at: str, folder: str = "my 100% files"
) -> str:
    """Write the configuration; its path, with everything that is hard to quote."""
    text = PROFILES.format(scheduler=scheduler, restic=restic.binary, at=json.dumps(at))
    return str(project.write(f"{folder}/profiles.toml", text))


def test_a_service_makes_a_backup_and_status_knows(
    project: Project, fake_restic: FakeRestic, user_manager: Manager
) -> None:
    config = configure(project, fake_restic, "systemd", "daily")
    command = f"{sys.executable} -m resticprof --config '{config}' --name home"
    script = textwrap.dedent(f"""
        set -e
        cd {project.path}
        {command} schedule >&2
        {command} schedule --dry-run
        {command} status --max-age 1h || echo "overdue: $?"
        systemctl --user start --wait {UNIT}.service
        {command} status --max-age 1h
        {command} status --json >status.txt
        {command} unschedule
        ls "$HOME/.config/systemd/user"
    """)
    project.write("run.sh", script)
    done = user_manager("sh", str(project.path / "run.sh"), **project.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "keep backup@home" in done.stdout
    assert "overdue: 2" in done.stdout
    assert "OK backup@home" in done.stdout
    (call,) = fake_restic.calls
    assert call.command == "backup"
    assert call.env["RESTIC_PASSWORD"] == 'a "quoted" 100% $ecret'
    assert call.env["RESTICPROFILE_SCHEDULE_ID"] == f"{config}:backup@home"


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
