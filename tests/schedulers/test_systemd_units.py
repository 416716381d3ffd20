"""The units of a job: golden files, and what systemd-analyze says about them."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from resticprof.errors import Error
from resticprof.model.config import Schedule
from resticprof.model.types import Duration, Secret
from resticprof.schedulers import systemd_units
from resticprof.schedulers.systemd_units import DropIn, Place, Template, Templates, UnitData
from resticprof.templates.data import BaseData
from resticprof.templates.render import TemplateSet
from tests.kit.schedule import job

if TYPE_CHECKING:
    from resticprof.model.schedule import Job, Part

GOLDEN = Path(__file__).parents[1] / "golden" / "units"

SYSTEM = Place(scope="system", directory="/etc/systemd/system", home="/root")
AS_USER = Place(scope="system", directory="/etc/systemd/system", home="/home/anna", user="anna")
LOGGED_ON = Place(scope="user", directory="/home/anna/.config/systemd/user", home="/home/anna")

ALL = Schedule(
    at=("*-*-* 02:00", "Sat 03:15 Europe/Berlin"),
    permission="system",
    priority="background",
    after_network_online=True,
    randomized_delay=Duration(300),
    on_failure=("notify@%n.service", "mail.service"),
    watchdog=Duration(1800),
)
SECRETS = {"RESTIC_PASSWORD": Secret('pa"ss\\word$'), "RESTIC_REPOSITORY": "sftp:backup:/srv/50%"}
DROP_INS = (
    DropIn(file="/etc/resticprof/limits.conf", text="[Service]\nMemoryMax=1G\n"),
    DropIn(file="/etc/resticprof/when.conf", text="[Timer]\nRandomizedDelaySec=1h\n"),
)

CASES: dict[str, tuple[Job, Place, tuple[DropIn, ...]]] = {
    "user_logged_on": (job("/home/anna/profiles.toml", "daily"), LOGGED_ON, ()),
    "system": (job(settings=ALL, nice=5, io_class=2, io_level=6), SYSTEM, ()),
    "user": (job("/home/anna/profiles.toml", command="check", permission="user"), AS_USER, ()),
    "group": (job(name="all", kind="group", command="copy"), SYSTEM, ()),
    "environment": (job(environment=SECRETS), LOGGED_ON, ()),
    "drop_ins": (job(command="prune"), SYSTEM, DROP_INS),
    "no_hardening": (job(settings=Schedule(at=("weekly",), hardening=False)), SYSTEM, ()),
    "odd_names": (
        job(
            '/srv/my "100%" $HOME/pro files.toml',
            command="forget",
            name="my home\\ 50%",
            working_directory="/srv/my dir\\",
            program=("/opt/py thon", "-m", "resticprof"),
            environment={"RESTIC_X": "1"},
        ),
        LOGGED_ON,
        (),
    ),
}


def written(parts: tuple[Part, ...]) -> str:
    return "\n".join(f"==> {part.path} {part.mode:o}\n{part.text}" for part in parts)


@pytest.mark.parametrize("name", CASES)
def test_units_are_those_of_the_golden_file(name: str) -> None:
    """RESTICPROF_UPDATE_GOLDEN=1 writes the files again; read their diff then."""
    one, place, drop_ins = CASES[name]
    text = written(systemd_units.parts(one, place, drop_ins, None))
    file = GOLDEN / f"{name}.txt"
    if os.environ.get("RESTICPROF_UPDATE_GOLDEN") == "1":
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


@pytest.mark.needs("systemd-analyze")
@pytest.mark.parametrize("name", CASES)
def test_systemd_analyze_has_nothing_to_say(name: str, tmp_path: Path) -> None:
    one, place, drop_ins = CASES[name]
    program = tmp_path / "resticprof"
    shutil.copy("/bin/true", program)
    place = Place(
        scope=place.scope, directory=str(tmp_path), home="/root", user=place.user and "root"
    )
    words = (str(program), *one.program[1:])
    settings = one.settings
    if settings.on_failure:
        settings = replace(settings, on_failure=("emergency.target",))
    parts = systemd_units.parts(
        replace(one, program=words, settings=settings), place, drop_ins, None
    )
    for part in parts:
        path = Path(part.path)
        path.parent.mkdir(exist_ok=True)
        path.write_text(part.text or "", encoding="utf-8")
    units = [part.path for part in parts if part.path.endswith((".service", ".timer"))]
    done = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_secrets_are_in_the_private_file_only() -> None:
    parts = systemd_units.parts(job(environment=SECRETS), LOGGED_ON, (), None)
    private = [part for part in parts if part.secret]
    assert [(Path(part.path).name, part.mode) for part in private] == [
        ("resticprofile-backup@profile-home.env", 0o600)
    ]
    assert private[0].text == (
        'RESTIC_PASSWORD="pa\\"ss\\\\word\\$"\nRESTIC_REPOSITORY="sftp:backup:/srv/50%"\n'
    )
    assert not any("word" in (part.text or "") for part in parts if not part.secret)


def test_no_drop_in_file_takes_the_place_of_another() -> None:
    one, two = (DropIn(file=f"{name}/limits.conf", text="[Service]\n") for name in ("one", "two"))
    timer = DropIn(file="limits.conf", text="[Timer]\n")
    assert len(systemd_units.parts(job(), SYSTEM, (one, timer), None)) == 4
    with pytest.raises(Error, match="two drop-in files become"):
        systemd_units.parts(job(), SYSTEM, (one, two), None)


@pytest.mark.parametrize(
    ("place", "nice", "written"),
    [
        (SYSTEM, -5, True),
        (AS_USER, -5, True),
        (replace(LOGGED_ON, privileged=False), -5, False),
        (replace(LOGGED_ON, privileged=False), 5, True),
    ],
)
def test_a_user_manager_can_only_lower_the_priority(place: Place, nice: int, written: bool) -> None:
    """It would not start the service otherwise."""
    one = job(nice=nice, io_class=1 if nice < 0 else 2)
    service = systemd_units.parts(one, place, (), None)[0]
    assert (f"\nNice={nice}\n" in (service.text or "")) is written
    assert ("\nIOSchedulingClass=" in (service.text or "")) is written


def test_a_job_without_captured_variables_has_no_private_file() -> None:
    assert not any(part.secret for part in systemd_units.parts(job(), LOGGED_ON, (), None))


def render(text: str, data: UnitData, file: str) -> str:
    return TemplateSet().render(text, data, file=file)


def templates(unit: str = "", timer: str = "", ending: str = ".tmpl") -> Templates:
    return Templates(
        unit=Template(file=f"unit{ending}", text=unit) if unit else None,
        timer=Template(file=f"timer{ending}", text=timer) if timer else None,
        render=render,
        base=BaseData(now=datetime(2026, 1, 2, tzinfo=timezone.utc), hostname="host"),
    )


GO_UNIT = """[Unit]
Description={{ .JobDescription }} on {{ .Hostname }}
{{ if .AfterNetworkOnline }}After=network-online.target
{{ end }}
[Service]
Type=notify
WorkingDirectory={{ .WorkingDirectory }}
ExecStart={{ .CommandLine }}
{{ if .Nice }}Nice={{ .Nice }}
{{ end -}}
{{ if .CPUSchedulingPolicy }}CPUSchedulingPolicy={{ .CPUSchedulingPolicy }}
{{ end -}}
{{ if .IOSchedulingClass }}IOSchedulingClass={{ .IOSchedulingClass }}
{{ end -}}
{{ if .User }}User={{ .User }}
{{ end -}}
{{ range .Environment -}}
Environment="{{ . }}"
{{ end -}}
"""
GO_TIMER = """[Unit]
Description={{ .TimerDescription }}
[Timer]
{{ range .OnCalendar -}}
OnCalendar={{ . }}
{{ end -}}
Unit={{ .SystemdProfile }}
Persistent=false
[Install]
WantedBy=timers.target
"""


def test_a_unit_template_of_the_reference_still_works() -> None:
    one = job(settings=ALL, nice=5, io_class=2, environment=SECRETS)
    service, timer, _ = systemd_units.parts(one, AS_USER, (), templates(GO_UNIT, GO_TIMER))
    assert service.text == (
        "[Unit]\n"
        "Description=resticprof backup for profile home in /etc/resticprof/profiles.toml on host\n"
        "After=network-online.target\n"
        "\n[Service]\nType=notify\nWorkingDirectory=/srv\n"
        "ExecStart=/usr/bin/resticprof --no-prio --no-ansi --config /etc/resticprof/profiles.toml"
        " run-schedule backup@home\n"
        "Nice=5\nCPUSchedulingPolicy=idle\nIOSchedulingClass=2\nUser=anna\n"
        'Environment="HOME=/home/anna"\n'
        "\n[Service]\n"
        "EnvironmentFile=/etc/systemd/system/resticprofile-backup@profile-home.env\n"
    )
    assert timer.text == (
        "[Unit]\nDescription=backup timer for profile home in /etc/resticprof/profiles.toml\n"
        "[Timer]\nOnCalendar=*-*-* 02:00\nOnCalendar=Sat 03:15 Europe/Berlin\n"
        "Unit=resticprofile-backup@profile-home.service\nPersistent=false\n"
        "[Install]\nWantedBy=timers.target\n"
    )


def test_a_template_may_be_written_in_jinja() -> None:
    unit = "[Service]\nExecStart={{ command_line }}\nEnvironmentFile={{ environment_file }}"
    made = systemd_units.parts(
        job(environment=SECRETS), LOGGED_ON, (), templates(unit, ending=".j2")
    )
    assert (made[0].text or "").splitlines()[2:] == [
        "EnvironmentFile=/home/anna/.config/systemd/user/resticprofile-backup@profile-home.env"
    ]
