"""The documented examples of HTTP hooks: in every format they send the same requests, over TLS."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.kit.server import Tunnel

EXAMPLES = Path(__file__).parent.parent / "config" / "formats" / "examples"
FORMATS = ("toml", "yaml", "hcl", "json")
BACKUP = "831e288e-1293-46f8-ac31-70ea7f875650"
CHECK = "e0f62e41-b75f-450f-8cdd-7f25e466d2dc"

MORE = {
    "toml": '[profile.backup]\nsource = "/source"\nsend-after = {{ url = "{url}/done" }}\n',
    "yaml": "profile:\n  backup:\n    source: /source\n    send-after:\n      url: {url}/done\n",
    "hcl": 'profile {{\n  backup = {{\n    source = "/source"\n    send-after = {{\n'
    '      url = "{url}/done"\n    }}\n  }}\n}}\n',
}


@pytest.fixture(params=FORMATS)
def example(request, project, fake_restic, tls_server):
    """Runs an example as it is printed; its hosts are those of the test server, over HTTPS."""
    tls_server.reply("/400", 400)
    tls_server.reply("/500", 500)
    shutil.copy(Path(__file__).parent / "body-template.json", project.path)
    with Tunnel(tls_server) as tunnel:
        project.env |= {"https_proxy": tunnel.url, "SSL_CERT_FILE": str(tls_server.ca)}

        def run(name, *words):
            file = f"profiles.{request.param}"
            shutil.copy(EXAMPLES / f"{name}.{request.param}", project.path / file)
            return project.run("-c", file, "-n", "profile", *words)

        yield run


def urls(server):
    """`METHOD host/path` of every request."""
    return [f"{one.method} {one.headers['host']}{one.path}" for one in server.requests]


def test_success_of_a_backup_is_sent_to_every_target(example, tls_server):
    outcome = example("healthchecks", "backup").expect(0)
    sent = urls(tls_server)
    assert [url for url in sent if "hc-ping" in url] == [
        f"HEAD hc-ping.com/{BACKUP}/start",
        f"HEAD hc-ping.com/{BACKUP}",
    ]
    assert [url for url in sent if "httpstat" in url] == [
        "HEAD httpstat.us/400",
        "HEAD httpstat.us/500",
    ]
    assert len(sent) == 4
    for answer in ("HTTP 400 Bad Request", "HTTP 500 Internal Server Error"):
        assert f"httpstat.us: {answer}" in outcome.err


def test_failure_of_a_backup_is_sent_with_what_restic_said(example, tls_server, fake_restic):
    fake_restic.answer("backup", code=1, err=("Fatal: the disk is on fire",))
    example("healthchecks", "backup").expect(1)
    *_, fail = tls_server.requests
    assert urls(tls_server)[-1] == f"POST hc-ping.com/{BACKUP}/fail"
    assert fail.headers["content-type"] == "text/plain; charset=UTF-8"
    assert fail.text == "backup on profile 'profile': exit status 1\n\nFatal: the disk is on fire\n"


def test_check_has_targets_of_its_own(example, tls_server):
    example("healthchecks", "check").expect(0)
    assert urls(tls_server) == [f"HEAD hc-ping.com/{CHECK}/start", f"HEAD hc-ping.com/{CHECK}"]


def test_backup_is_followed_by_the_retention(example, fake_restic):
    example("healthchecks", "backup").expect(0)
    assert [call.argv for call in fake_restic.calls] == [
        ("backup", "--exclude=/**/.git/", "/source"),
        ("forget", "--path=/source"),
    ]


def test_body_template_is_filled(example, tls_server):
    example("body-template", "backup").expect(0)
    [request] = tls_server.requests
    assert urls(tls_server) == ["POST my/monitoring.example.com/"]
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.text) == {
        "profileName": "profile",
        "profileCommand": "backup",
        "exitCode": "",
    }


def test_body_template_knows_the_exit_status_of_a_failure(example, tls_server, fake_restic):
    fake_restic.answer("backup", code=12)
    example("body-template", "backup").expect(12)
    assert json.loads(tls_server.requests[0].text)["exitCode"] == "12"


@pytest.mark.parametrize("kind", FORMATS)
def test_ca_certificates_of_the_global_example_are_trusted(project, fake_restic, tls_server, kind):
    text = (EXAMPLES / f"global.{kind}").read_text(encoding="utf-8")
    if kind == "json":
        send_after = {"url": f"{tls_server.url}/done"}
        more = {"profile": {"backup": {"source": "/source", "send-after": send_after}}}
        text = json.dumps(json.loads(text) | more)
    else:
        text += "\n" + MORE[kind].format(url=tls_server.url)
    project.write(f"profiles.{kind}", text)
    shutil.copy(tls_server.ca, project.path / "ca-chain.cert.pem")
    project.run("-c", f"profiles.{kind}", "-n", "profile", "backup").expect(0)
    assert tls_server.lines == ["GET /done"]
