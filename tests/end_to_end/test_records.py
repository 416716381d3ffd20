"""Status file, Prometheus file and Pushgateway together, as other programs find them."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
import urllib.request

import pytest

PROFILES = """
version = "1"

[common]
repository = "local:/r"
status-file = "status.json"
prometheus-save-to-file = "metrics.prom"
prometheus-push = "{url}"
[common.prometheus-labels]
data-center = "a \\"b\\" \\\\ c"
[common.backup]
source = ["/etc"]
{more}
"""

SUMMARY = (
    "Files:          12 new,     3 changed,  5120 unmodified",
    "Dirs:            1 new,     2 changed,    33 unmodified",
    "Added to the repository: 14.200 MiB (9.800 MiB stored)",
    "processed 5135 files, 3.400 GiB in 1:16",
    "snapshot 1a2b3c4d saved",
)


def members(count):
    """So many profiles that record into the same files."""
    return "".join(f'[p{number}]\ninherit = "common"\n' for number in range(count))


def metrics(text):
    """Each sample and its value."""
    return dict(re.findall(r"^([a-z]\S*\{.*\}) (\S+)$", text, re.MULTILINE))


def of_profile(found, name):
    return {key: value for key, value in found.items() if f'profile="{name}"' in key}


@pytest.fixture
def gateway(need, tmp_path):
    """A real Pushgateway."""
    need("prometheus-pushgateway", "promtool")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    words = ["prometheus-pushgateway", f"--web.listen-address=127.0.0.1:{port}"]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{port}"
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{url}/-/ready")
                break
            except OSError:
                time.sleep(0.05)
        yield url
        process.terminate()


def checked(text):
    """The text, if Prometheus' own tool has nothing to say about it."""
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=text, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return text


@pytest.mark.parametrize("form", ["text", "protobuf"])
def test_gateway_has_what_is_in_the_file(project, fake_restic, gateway, form):
    more = f'[p]\ninherit = "common"\nprometheus-push-format = "{form}"\n'
    project.write("profiles.toml", PROFILES.format(url=gateway, more=more))
    fake_restic.answer("backup", out=SUMMARY)
    project.run("p.backup").expect(0)
    pushed = urllib.request.urlopen(f"{gateway}/metrics").read().decode()
    there = {
        re.sub(r'instance="",job="p.backup",', "", key): float(value)
        for key, value in metrics(pushed).items()
        if 'job="p.backup"' in key and "push_" not in key
    }
    text = checked((project.path / "metrics.prom").read_text())
    assert there == {key: float(value) for key, value in metrics(text).items()}
    label = r'{data_center="a \"b\" \\ c",profile="p"}'
    assert there[f"resticprofile_backup_files_new{label}"] == 12
    assert there[f"resticprofile_backup_added_bytes_packed{label}"] == 10276045


@pytest.mark.parametrize("cause", ["lock", "hook", "configuration"])
def test_failure_before_restic_is_recorded_everywhere(project, fake_restic, gateway, cause):
    more = (
        members(1)
        + {
            "lock": 'lock = "lock"\n',
            "hook": 'run-before = ["exit 4"]\n',
            "configuration": 'retry = "many"\n',
        }[cause]
    )
    project.write("profiles.toml", PROFILES.format(url=gateway, more=more))
    project.write("lock", "me on Tuesday, 03-Feb-26 04:05:06 CET from here\n1")
    assert project.run("p0.backup").code != 0
    assert not fake_restic.calls
    entry = json.loads((project.path / "status.json").read_text())["profiles"]["p0"]["backup"]
    assert entry["success"] is False
    assert entry["error"]
    found = of_profile(metrics(checked((project.path / "metrics.prom").read_text())), "p0")
    label = r'{data_center="a \"b\" \\ c",profile="p0"}'
    assert found[f"resticprofile_backup_status{label}"] == "0"
    pushed = urllib.request.urlopen(f"{gateway}/metrics").read().decode()
    assert 'resticprofile_backup_status{data_center="a' in pushed


def test_concurrent_runs_lose_no_record(project, fake_restic):
    count = 200
    text = PROFILES.format(url="", more=members(count)).replace('prometheus-push = ""\n', "")
    project.write("profiles.toml", text)
    fake_restic.answer("backup", out=SUMMARY)
    started = [project.start(f"p{number}.backup") for number in range(count)]
    for process in started:
        _, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
    profiles = json.loads((project.path / "status.json").read_text())["profiles"]
    assert len(profiles) == count
    assert all(entry["backup"]["files_new"] == 12 for entry in profiles.values())
    found = metrics((project.path / "metrics.prom").read_text())
    assert all(len(of_profile(found, f"p{number}")) > 10 for number in range(count))
    left = {file.name for file in project.path.iterdir()}
    assert left == {"profiles.toml", "status.json", "metrics.prom"}
