"""Notifications through the real library and the real program, to a server of ours."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from resticprof.errors import MonitorError, NotAvailable
from resticprof.model.run import Notification
from resticprof.model.types import Secret
from resticprof.system import apprise
from resticprof.system.signals import Signals
from tests.kit import broken

BACKENDS = ("library", "executable")

PROGRAM = f"""#!{sys.executable}
import json, os, sys
config = next(word.partition("=")[2] for word in sys.argv if word.startswith("--config="))
with open(os.environ["SEEN"], "w") as seen:
    json.dump({{
        "argv": sys.argv[1:],
        "body": sys.stdin.read(),
        "config": open(config).read(),
        "mode": os.stat(config).st_mode,
    }}, seen)
sys.exit(int(os.environ.get("STATUS", "0")))
"""


def notification(*urls: str, **changes: object) -> Notification:
    known = {"title": "a title", "body": "first line\nünd {b}", "kind": "failure"}
    return Notification(urls=tuple(Secret(url) for url in urls), **{**known, **changes})


@pytest.fixture(params=BACKENDS)
def backend(request, monkeypatch):
    """Each way of sending; it must be there."""
    if request.param == "library":
        pytest.importorskip("apprise")
    else:
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        request.getfixturevalue("need")("apprise")
    return request.param


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program `apprise` that writes down what it was given."""
    folder = tmp_path / "bin"
    folder.mkdir()
    file = folder / "apprise"
    file.write_text(PROGRAM)
    file.chmod(0o755)
    seen = tmp_path / "seen.json"
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("SEEN", str(seen))
    return lambda: json.loads(seen.read_text())


@pytest.fixture
def no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "apprise", None)


pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the library


def test_a_service_gets_title_text_and_kind(backend, server):
    apprise.send(notification(f"json://127.0.0.1:{server.port}/in?a=b", backend=backend))
    [request] = server.requests
    data = json.loads(request.body)
    assert (request.method, request.path) == ("POST", "/in")
    assert (data["title"], data["message"]) == ("a title", "first line\nünd {b}")
    assert data["type"] == "failure"


def test_one_service_that_fails_is_told(backend, server):
    server.reply("/bad", 500)
    urls = [f"json://127.0.0.1:{server.port}/{path}" for path in ("good", "bad")]
    with pytest.raises(MonitorError, match=r"^service 2 could not be notified$"):
        apprise.send(notification(*urls, labels=("a",), backend=backend))
    assert {request.path for request in server.requests} == {"/good", "/bad"}


def test_an_unknown_service_is_named_without_its_url(backend):
    with pytest.raises(MonitorError) as caught:
        apprise.send(notification("nope://secret@h", labels=("mine",), backend=backend))
    assert "`mine`" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_unknown_service_does_not_keep_others_from_hearing(backend, server):
    urls = ["nope://h", f"json://127.0.0.1:{server.port}/good"]
    with pytest.raises(MonitorError, match=r"service 1"):
        apprise.send(notification(*urls, backend=backend))
    assert [request.path for request in server.requests] == ["/good"]


def test_a_service_that_hangs_is_left_in_time(monkeypatch):
    pytest.importorskip("apprise")
    monkeypatch.setattr(apprise, "TIMEOUT", 0.5)
    with broken.Broken(broken.hang) as dead:
        url = f"json://127.0.0.1:{dead.port}/?rto=100"
        with pytest.raises(MonitorError, match=r"^service 1 did not answer in time$"):
            apprise.send(notification(url, backend="library"))


def test_a_signal_ends_the_wait(backend):
    def interrupt(connection):
        os.kill(os.getpid(), signal.SIGTERM)
        broken.hang(connection)

    with Signals() as signals, broken.Broken(interrupt) as dead:
        url = f"json://127.0.0.1:{dead.port}/?rto=100"
        with pytest.raises(MonitorError, match="interrupted"):
            apprise.send(notification(url, backend=backend))
        assert signals.pending


def test_nobody_to_notify_is_told(backend):
    with pytest.raises(MonitorError, match="nobody to notify"):
        apprise.send(notification(backend=backend))


def test_the_library_prints_nothing(server, capfd):
    pytest.importorskip("apprise")
    server.reply("/bad", 500)
    url = f"json://me:hidden@127.0.0.1:{server.port}/bad"
    with pytest.raises(MonitorError):
        apprise.send(notification(url, "nope://hidden", backend="library"))
    assert "hidden" not in "".join(capfd.readouterr())


def test_the_program_gets_urls_and_text_where_nobody_else_can_read_them(program):
    apprise.send(notification("json://secret@h", backend="executable"))
    seen = program()
    assert "secret" not in " ".join(seen["argv"])
    assert "first line" not in " ".join(seen["argv"])
    assert "--notification-type=failure" in seen["argv"]
    assert seen["body"] == "first line\nünd {b}"
    assert json.loads(seen["config"])["urls"] == ["json://secret@h"]
    assert stat.S_IMODE(seen["mode"]) == 0o600
    [config] = [word.partition("=")[2] for word in seen["argv"] if word.startswith("--config=")]
    assert not Path(config).exists()


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (1, "could not be notified"),
        (2, "too old"),
        (3, "nobody to notify"),
        (4, "could not be notified"),
        (5, "in time"),
        (77, "exit status 77"),
    ],
)
def test_every_status_of_the_program_is_explained(program, monkeypatch, status, reason):
    monkeypatch.setenv("STATUS", str(status))
    with pytest.raises(MonitorError, match=reason):
        apprise.send(notification("json://h", backend="executable"))


def test_the_program_is_used_when_there_is_no_library(program, no_library):
    apprise.send(notification("json://h"))
    assert program()["argv"]


@pytest.mark.parametrize("backend", ["auto", "library", "executable"])
def test_without_apprise_it_says_how_to_get_it(no_library, monkeypatch, tmp_path, backend):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotAvailable, match=r"pip install resticprof\[apprise\]"):
        apprise.send(notification("json://h", backend=backend))
