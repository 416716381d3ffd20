"""What the machine says about itself, and what it is told."""

import logging
import os
import re
import subprocess
import sys

import pytest

from resticprof.system import machine


def child(code, **options):
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, **options
    ).stdout.strip()


# ---- priorities -----------------------------------------------------------------------------


def test_the_priority_is_handed_down():
    code = """
import subprocess
from resticprof.system import machine
machine.set_priority(15)
print(subprocess.run(["nice"], capture_output=True, text=True).stdout)
"""
    assert child(code) == "15"


def test_a_priority_that_is_not_allowed_is_a_warning():
    code = """
import logging, os
logging.basicConfig(format="%(levelname)s %(message)s")
from resticprof.system import machine
if os.getuid() == 0:
    os.setuid(65534)
machine.set_priority(-10)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stderr == "WARNING priority -10 cannot be set: Permission denied\n"


def test_the_io_priority_is_handed_down():
    code = """
import shutil, subprocess
from resticprof.system import machine
machine.set_io_priority(3, 0)
print(subprocess.run(["ionice"], capture_output=True, text=True).stdout)
"""
    if not any(os.access(f"{folder}/ionice", os.X_OK) for folder in ("/usr/bin", "/bin")):
        pytest.skip("`ionice` is not installed")
    assert child(code) == "idle"


# ---- battery and memory ---------------------------------------------------------------------


def supplies(folder, *batteries):
    (folder / "AC").mkdir()
    (folder / "AC" / "type").write_text("Mains\n")
    for number, battery in enumerate(batteries):
        place = folder / f"BAT{number}"
        place.mkdir()
        for name, value in {"type": "Battery", **battery}.items():
            (place / name).write_text(f"{value}\n")
    return folder


def battery(status, capacity, **more):
    return {"status": status, "capacity": capacity, **more}


@pytest.mark.parametrize(
    ("batteries", "power"),
    [
        ([], (False, 100)),
        ([battery("Discharging", 40)], (True, 40)),
        ([battery("Discharging", 40), battery("Discharging", 60)], (True, 50)),
        ([battery("Discharging", 40), battery("Charging", 60)], (False, 50)),
        ([battery("Discharging", 40), battery("Full", 100)], (False, 70)),
        ([battery("Unknown", 40)], (False, 40)),
        ([battery("Not charging", 80)], (False, 80)),
        ([battery("Discharging", 5, scope="Device")], (False, 100)),
        ([battery("Discharging", "")], (True, 100)),
    ],
)
def test_batteries(tmp_path, batteries, power):
    assert machine.power(supplies(tmp_path, *batteries)) == machine.Power(*power)


def test_a_machine_without_power_supplies_is_not_on_battery(tmp_path):
    assert not machine.power(tmp_path / "none").on_battery


def test_free_memory_is_known_here():
    free = machine.free_memory()
    assert free is not None
    assert 0 < free < 10**8


def test_the_limit_of_a_cgroup_counts_and_its_caches_are_free(tmp_path):
    mebibyte = 1024 * 1024
    (tmp_path / "memory.max").write_text(f"{300 * mebibyte}\n")
    (tmp_path / "memory.current").write_text(f"{250 * mebibyte}\n")
    assert machine._left(tmp_path) == 50
    (tmp_path / "memory.stat").write_text(f"anon 1\ninactive_file {100 * mebibyte}\n")
    assert machine._left(tmp_path) == 150
    (tmp_path / "memory.max").write_text("max\n")
    assert machine._left(tmp_path) is None


# ---- sleep ----------------------------------------------------------------------------------


def inhibitor(folder, monkeypatch, script):
    program = folder / "systemd-inhibit"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_the_machine_is_kept_awake_meanwhile(tmp_path, monkeypatch):
    last = 'while [ $# -gt 1 ]; do shift; done; "$1"'
    script = f'echo "$@" > {tmp_path}/new; mv {tmp_path}/new {tmp_path}/asked; {last}'
    inhibitor(tmp_path, monkeypatch, f"{script}; : > {tmp_path}/ended")
    with machine.kept_awake("backup of home"):
        while not (tmp_path / "asked").exists():
            pass
        assert not (tmp_path / "ended").exists()
    assert (tmp_path / "ended").exists()
    words = (tmp_path / "asked").read_text()
    assert words.startswith("--what=idle:sleep --mode=block --who=resticprof --why=backup of home")


def test_that_the_machine_cannot_be_kept_awake_is_a_warning(tmp_path, monkeypatch, caplog):
    inhibitor(tmp_path, monkeypatch, "echo 'no bus' >&2; exit 1")
    with caplog.at_level(logging.WARNING, "resticprof"), machine.kept_awake("x"):
        pass
    assert re.search(r"prevent-sleep: `.+`: no bus", caplog.text)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with caplog.at_level(logging.WARNING, "resticprof"), machine.kept_awake("x"):
        pass
    assert "`systemd-inhibit` is not installed" in caplog.text
