"""The true Apprise: its library and its program notify a server on the loopback."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from tests.kit import broken
from tests.kit.watched import Watched

pytest.importorskip("apprise")


@pytest.fixture(params=["library", "executable"])
def scene(request, project, fake_restic, server):
    found = Watched(project, fake_restic, server)
    found.backend = request.param
    if request.param == "executable":
        beside = str(Path(sys.executable).parent)
        program = shutil.which("apprise") or shutil.which("apprise", path=beside)
        if program is None:
            pytest.skip("`apprise` is not installed")
        (project.bin / "apprise").symlink_to(program)
    return found


def configure(scene, *urls, more="", timeout="20s"):
    services = ", ".join(f'{{ url = "{url}", label = "{url[-2:]}" }}' for url in urls)
    scene.write(
        "profiles.toml",
        f"""
[global]
min-memory = 0
[home]
repository = "local:/nowhere"
[home.monitor.apprise]
backend = "{scene.backend}"
states = ["start", "finish", "fail"]
timeout = "{timeout}"
retries = 0
services = [{services}]
{more}
""",
    )


def address(url, path):
    return f"json://{url.removeprefix('http://')}/{path}"


def told(server, path):
    bodies = [json.loads(r.body) for r in server.requests if r.path.strip("/") == path]
    return [(body["type"], body["title"].partition(" on ")[0]) for body in bodies]


def test_everybody_is_notified_of_start_and_end(scene):
    url = scene.server.url
    configure(scene, address(url, "p1"), address(url, "p2"))
    scene.restic.answer("backup", out=("a line of the log",))
    scene.run("-n", "home", "backup").expect(0)
    expected = [("info", "backup home started"), ("success", "backup home finished")]
    assert told(scene.server, "p1") == expected
    assert told(scene.server, "p2") == expected
    message = json.loads(scene.server.requests[-1].body)["message"]
    assert message.startswith("backup home: OK in ")
    assert message.endswith("\n\na line of the log")


def test_a_failure_says_what_failed(scene):
    configure(scene, address(scene.server.url, "p1"), more="logs-size-limit = 200")
    scene.restic.answer("backup", code=12, err=("Fatal: wrong password", "x" * 300))
    scene.run("-n", "home", "backup").expect(12)
    assert told(scene.server, "p1")[-1] == ("failure", "backup home failed")
    message = json.loads(scene.server.requests[-1].body)["message"]
    assert "FAILED (exit 12: wrong password)" in message


def test_one_that_cannot_be_reached_is_a_warning_and_is_kept(scene):
    with broken.refusing() as dead:
        configure(scene, address(scene.server.url, "p1"), address(dead, "p2"))
        outcome = scene.run("-n", "home", "backup").expect(0)
    lines = [line for line in outcome.err.splitlines() if "was not delivered" in line]
    assert len(lines) == 2
    assert "apprise: `finish` was not delivered: `p2` could not be notified" in lines[-1]
    assert told(scene.server, "p1")[-1] == ("success", "backup home finished")
    assert len(scene.letters) == 1


def test_what_waits_is_for_those_that_did_not_get_it(scene):
    for path, answers in (("/p2", (200, 500, 200)), ("/p3", (200, 500, 500, 200))):
        for status in answers:
            scene.server.reply(path, status)
    configure(scene, *(address(scene.server.url, path) for path in ("p1", "p2", "p3")))
    scene.restic.answer("backup", code=1)
    scene.run("-n", "home", "backup").expect(1)
    assert len(scene.letters) == 1
    scene.run("monitor", "flush").expect(1)
    assert len(scene.letters) == 1
    scene.run("monitor", "flush").expect(0)
    assert scene.letters == []
    assert [len(told(scene.server, path)) for path in ("p1", "p2", "p3")] == [2, 3, 4]


def test_services_that_hang_delay_the_end_by_no_more_than_the_budget(scene):
    with broken.Broken(broken.hang) as server:
        urls = [f"{address(server.url, path)}?rto=100" for path in ("p1", "p2")]
        configure(scene, *urls, timeout="1s")
        outcome = scene.run("-n", "home", "backup").expect(0)  # within its 60 s, not after 100 s
    assert "apprise: `finish` was not delivered: no answer within 1 s" in outcome.err
    assert len(scene.letters) == 1


def test_an_address_that_apprise_does_not_know_is_a_warning(scene):
    configure(scene, "nonsense://host/token")
    outcome = scene.run("-n", "home", "backup").expect(0)
    assert "apprise: `finish` was not delivered: " in outcome.err
    assert "token" not in outcome.err
