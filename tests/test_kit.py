"""The tools of the tests are tested too: whom to trust otherwise?"""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

REQUIRED = {"RESTICPROF_REQUIRE_BINARIES": "1"}


def get(url: str, **words: object) -> bytes:
    with urllib.request.urlopen(url, timeout=10, **words) as answer:
        return answer.read()


def test_server_records_requests_in_order(server):
    server.reply("/a", body=b"first")
    server.reply("/a", body=b"then")
    assert [get(f"{server.url}/a?x=1"), get(f"{server.url}/a"), get(f"{server.url}/a")] == [
        b"first",
        b"then",
        b"then",
    ]
    assert server.lines == ["GET /a?x=1", "GET /a", "GET /a"]


def test_server_sends_the_status_it_is_told(server):
    server.reply("/gone", 410)
    with pytest.raises(urllib.error.HTTPError, match="410"):
        get(f"{server.url}/gone")


def test_tls_server_is_trusted_with_its_ca_only(tls_server, certificates):
    context = ssl.create_default_context(cafile=tls_server.ca)
    get(tls_server.url, context=context)
    other = ssl.create_default_context(cafile=certificates / "other-ca.pem")
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        get(tls_server.url, context=other)


def test_fake_restic_follows_its_script(project, fake_restic):
    fake_restic.answer("check", code=11, out=("one",), err=("two",))
    done = subprocess.run(
        [fake_restic.binary, "check", "--json"], check=False, capture_output=True, env=project.env
    )
    assert (done.returncode, done.stdout, done.stderr) == (11, b"one\n", b"two\n")
    assert [call.argv for call in fake_restic.calls] == [("check", "--json")]
    assert fake_restic.calls[0].env["TZ"] == "UTC"


def test_fake_restic_records_its_input(project, fake_restic):
    words = [fake_restic.binary, "backup", "--stdin"]
    subprocess.run(words, check=True, input=b"data", env=project.env)
    assert fake_restic.calls[0].stdin == "data"


def test_fake_restic_can_ignore_signals(project, fake_restic):
    fake_restic.answer("backup", delay=0.5, ignore_signals=True, code=3)
    with subprocess.Popen([fake_restic.binary, "backup"], env=project.env) as process:
        fake_restic.wait_for_call("backup")
        process.terminate()
        time.sleep(0.1)
    assert (process.returncode, fake_restic.signals) == (3, [15])


def test_real_restic_is_the_one_that_was_chosen(restic):
    assert restic.run("version").startswith("restic {}.{}".format(*restic.version))


@pytest.mark.parametrize(
    ("variable", "outcome"), [({}, "2 skipped"), (REQUIRED, "1 failed, 1 error")]
)
def test_missing_tool_is_a_failure_where_all_tools_are_required(project, variable, outcome):
    project.write(
        "conftest.py",
        "from tests.conftest import *",
    )
    project.write(
        "test_it.py",
        "import pytest\n"
        "def test_one(): pytest.importorskip('no_such_library')\n"
        "@pytest.mark.needs('no-such-program')\n"
        "def test_two(): pass\n",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"],
        check=False,
        capture_output=True,
        cwd=project.path,
        env=project.env | variable,
        encoding="utf-8",
    )
    assert outcome in done.stdout
