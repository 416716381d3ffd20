"""The documented examples of HTTP hooks: in every format they send the same requests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

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
def example(request, project, fake_restic, server):
    """Writes an example with the server's URL in place of the documented hosts, and runs it."""
    server.reply("/400", 400)
    server.reply("/500", 500)

    def run(name, *words):
        text = (EXAMPLES / f"{name}.{request.param}").read_text(encoding="utf-8")
        for host in (
            "https://hc-ping.com",
            "https://httpstat.us",
            "https://my/monitoring.example.com",
        ):
            text = text.replace(host, server.url)
        project.write(f"profiles.{request.param}", text)
        shutil.copy(Path(__file__).parent / "body-template.json", project.path)
        return project.run("-c", f"profiles.{request.param}", "-n", "profile", *words)

    run.format = request.param
    return run


def test_success_of_a_backup_is_sent_to_every_target(example, server):
    example("healthchecks", "backup").expect(0)
    assert server.lines == [
        f"HEAD /{BACKUP}/start",
        "HEAD /400",
        f"HEAD /{BACKUP}",
        "HEAD /500",
    ]


def test_failure_of_a_backup_is_sent_with_what_restic_said(example, server, fake_restic):
    fake_restic.answer("backup", code=1, err=("Fatal: the disk is on fire",))
    example("healthchecks", "backup").expect(1)
    assert server.lines == [f"HEAD /{BACKUP}/start", "HEAD /400", f"POST /{BACKUP}/fail"]
    assert "Fatal: the disk is on fire" in server.requests[-1].text
    assert server.requests[-1].headers["content-type"] == "text/plain; charset=UTF-8"


def test_check_has_targets_of_its_own(example, server):
    example("healthchecks", "check").expect(0)
    assert server.lines == [f"HEAD /{CHECK}/start", f"HEAD /{CHECK}"]


def test_backup_is_followed_by_the_retention(example, fake_restic):
    example("healthchecks", "backup").expect(0)
    assert [call.command for call in fake_restic.calls] == ["backup", "forget"]


def test_body_template_is_filled(example, server):
    example("body-template", "backup").expect(0)
    [request] = server.requests
    assert request.line == "POST /"
    assert request.headers["content-type"] == "application/json"
    assert json.loads(request.text) == {
        "profileName": "profile",
        "profileCommand": "backup",
        "exitCode": "",
    }


def test_body_template_knows_the_exit_status_of_a_failure(example, server, fake_restic):
    fake_restic.answer("backup", code=12)
    example("body-template", "backup").expect(12)
    assert json.loads(server.requests[0].text)["exitCode"] == "12"


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
