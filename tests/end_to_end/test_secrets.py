"""Marked secrets are planted everywhere; after runs that fail they are searched for everywhere."""

from __future__ import annotations

import gzip
import json

import pytest

PLANTED = {
    "repository": "plant-repository-0001",
    "password-file": "plant-password-0002",
    "env": "plant-environment-0003",
    "env-file": "plant-env-file-0004",
    "webhook-header": "plant-webhook-0005",
    "monitor-header": "plant-monitor-0006",
    "healthchecks": "5ec2e700-da17-40ae-be9c-ff591afb0007",
    "ntfy-file": "plant-token-0008",
    "loki-env": "plant-loki-0009",
    "pagerduty-command": "plant-pager-0010",
    "zabbix-credential": "plant-zabbix-0011",
    "pushover-plain": "plant-pushover-0012",
    "apprise": "plant-apprise-0013",
    "kuma-query": "plant-kuma-0014",
    "ntfy-suffix": "plant-suffix-0015",
}

PROFILES = """
version = "1"
[default]
repository = "rest:http://me:{repository}@127.0.0.1:9/repo"
password-file = "password"
env-file = "secrets.env"
status-file = "status.json"
prometheus-save-to-file = "metrics.prom"
run-before = ["cat printed-by-a-hook"]
on-error = ["echo on-error {{error}} {{output}} {{repository}}"]
[default.env]
AWS_SECRET_ACCESS_KEY = "{env}"
[default.backup]
source = ["."]
[[default.backup.send-after-fail]]
url = "{url}/webhook"
method = "POST"
headers = [{{ name = "Authorization", value = "{webhook-header}" }}]
body = "${{ERROR}} ${{ERROR_STDERR}} ${{ERROR_COMMANDLINE}} ${{LOG}}"
[default.monitor]
verbosity = 2
send-logs = true
timeout = "2s"
retries = 0
states = ["start", "log", "finish", "fail"]
healthchecks = "{url}/ping/{healthchecks}"
uptime-kuma = "{url}/api/push/{kuma-query}"
pagerduty = {{ integration-key = {{ command = "echo {pagerduty-command}" }}, api-url = "{url}/pd" }}
pushover = {{ token = "{pushover-plain}", user = "someone", api-url = "{url}/pushover" }}
[default.monitor.ntfy]
url = "{url}/ntfy"
topic = "t"
access-token = {{ file = "token" }}
headers = [{{ name = "X-Key", value = "{monitor-header}" }}]
[default.monitor.loki]
url = "{url}/loki"
labels = {{ app = "x" }}
gzip = false
bearer-token = {{ env = "LOKI_TOKEN_OF_MINE" }}
[default.monitor.zabbix]
url = "{url}/zabbix"
itemid = 1
api-key = {{ credential = "zabbix" }}
[default.monitor.apprise]
api-url = "{url}/apprise"
services = [{{ url = "json://me:{apprise}@127.0.0.1:9/" }}]
"""

DEAD = """
[[default.backup.monitor.ntfy]]
[[default.backup.monitor.ntfy]]
name = "dead"
url = "http://127.0.0.1:9"
topic = "t"
username = "me"
password-file = "suffix"
send-logs = true
states = ["fail"]
"""

OWN = {  # who may be sent what: it is his
    "/pd": {"pagerduty-command"},
    "/pushover": {"pushover-plain"},
    "/apprise/notify/": {"apprise"},
}


@pytest.fixture
def planted(project, fake_restic, server):
    """A project in which every secret is somewhere, and a restic that prints them all."""
    texts = {**PLANTED, "url": server.url}
    project.write("profiles.toml", (PROFILES + DEAD).format(**texts))
    project.write("password", PLANTED["password-file"])
    project.write("secrets.env", f"B2_ACCOUNT_KEY={PLANTED['env-file']}\n")
    project.write("token", PLANTED["ntfy-file"]).chmod(0o600)
    project.write("suffix", PLANTED["ntfy-suffix"]).chmod(0o600)
    project.write("credentials/zabbix", PLANTED["zabbix-credential"])
    project.env["LOKI_TOKEN_OF_MINE"] = PLANTED["loki-env"]
    project.env["CREDENTIALS_DIRECTORY"] = str(project.path / "credentials")
    project.env["XDG_STATE_HOME"] = str(project.home / "state")
    server.reply("/zabbix", 200, body=b'{"result": {"data": []}}')
    server.reply("/pd", 202)
    # What only a command knows is hidden as soon as the command was run, and that is not yet.
    words = [word for name, word in PLANTED.items() if name != "pagerduty-command"]
    project.write("printed-by-a-hook", "\n".join(words))
    printed = tuple(f"Fatal: {word} is wrong" for word in words)
    fake_restic.answer("backup", code=1, err=printed)
    return project


def leaks(text, *, allowed=frozenset()):
    """The names of the secrets in a text."""
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    return sorted(name for name, word in PLANTED.items() if word in text and name not in allowed)


def bodies(server):
    """Every body that was sent, by path; compressed ones as text."""
    for request in server.requests:
        body = request.body
        if request.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        yield request.path, request.query, body


def test_no_secret_leaves_and_none_is_written(planted, server):
    outcome = planted.run("--trace", "--log", "run.log", "backup").expect(1)
    paths = {request.path for request in server.requests}
    assert {
        "/ntfy",
        "/loki",
        "/pd",
        "/zabbix",
        "/pushover",
        "/apprise/notify/",
        "/webhook",
    } <= paths
    found = {
        f"{path}?{query}": leaks(body + query.encode(), allowed=OWN.get(path, frozenset()))
        for path, query, body in bodies(server)
    }
    assert {path: names for path, names in found.items() if names} == {}
    written = [
        *planted.path.glob("run.log"),
        *planted.path.glob("status.json"),
        *planted.path.glob("metrics.prom"),
        *planted.home.rglob("*.json"),
    ]
    assert len(written) == 4
    assert {file.name: names for file in written if (names := leaks(file.read_bytes()))} == {}
    [letter] = planted.home.rglob("*.json")
    assert json.loads(letter.read_text())["name"] == "dead"
    assert (leaks(outcome.out), leaks(outcome.err)) == ([], [])


NAMED = """
[default.monitor.ntfy.fail]
message = "${{AWS_SECRET_ACCESS_KEY}} ${{B2_ACCOUNT_KEY}}"
click = "https://wiki.lan/?key=${{AWS_SECRET_ACCESS_KEY}}"
[[default.monitor.ntfy.fail.actions]]
action = "http"
url = "https://wiki.lan"
headers = {{ X-Mine = "{webhook-header}" }}
extras = {{ X_TOKEN = "{webhook-header}" }}
"""


def test_what_the_user_sends_is_not_shown(planted, server):
    texts = {**PLANTED, "url": server.url}
    planted.write("profiles.toml", (PROFILES + NAMED + DEAD).format(**texts))
    for words in (
        ("--dry-run", "backup"),
        ("backup", "--dry-run"),
        ("--dry-run", "monitor", "test"),
        ("monitor", "list"),
        ("show",),
    ):
        outcome = planted.run(*words)
        assert "ntfy" in outcome.out + outcome.err
        assert (words, leaks(outcome.out), leaks(outcome.err)) == (words, [], [])


def test_no_secret_is_shown(planted):
    for words in (
        ("--trace", "backup"),
        ("--trace", "--dry-run", "backup"),
        ("--trace", "backup", "--dry-run"),
        ("show",),
        ("show", "--json"),
        ("show", "--explain"),
        ("monitor", "list"),
        ("monitor", "list", "--json"),
        ("--trace", "monitor", "test"),
        ("--trace", "--dry-run", "monitor", "test"),
        ("--trace", "monitor", "flush"),
        ("check-config",),
    ):
        outcome = planted.run(*words)
        assert (words, leaks(outcome.out), leaks(outcome.err)) == (words, [], [])
