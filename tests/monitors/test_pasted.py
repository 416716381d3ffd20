"""The examples of borgmatic's documentation, pasted below `monitor`, are understood as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from resticprof.config.convert import Converter
from resticprof.config.formats import yaml
from resticprof.config.monitors import by_command
from resticprof.config.tree import Node
from resticprof.model.run import State
from resticprof.monitors.talk import REHEARSAL
from tests.kit.events import event, told

HEALTHCHECKS = """
healthchecks:
    ping_url: https://hc-ping.com/addffa72-da17-40ae-be9c-ff591afb942a
"""

HEALTHCHECKS_OPTIONS = """
healthchecks:
    ping_url: https://hc-ping.com/addffa72-da17-40ae-be9c-ff591afb942a
    verify_tls: false
    send_logs: false
    ping_body_limit: 200000
    create_slug: true
    states:
        - start
        - finish
        - fail
        - log
"""

CRONITOR = """
cronitor:
    ping_url: https://cronitor.link/d3x0c1
"""

CRONHUB = """
cronhub:
    ping_url: https://cronhub.io/start/1f5e3410-254c-11e8-b61d-55875966d031
"""

PAGERDUTY = """
pagerduty:
    integration_key: a177cad45bd374409f78906a810a3074
"""

NTFY = """
ntfy:
    topic: my-unique-topic
    server: https://ntfy.my-domain.com
    username: myuser
    password: secret

    start:
        title: A borgmatic backup started
        message: Watch this space...
        tags: borgmatic
        priority: min
    finish:
        title: A borgmatic backup completed successfully
        message: Nice!
        tags: borgmatic,+1
        priority: min
    fail:
        title: A borgmatic backup failed
        message: You should probably fix it
        tags: borgmatic,-1,skull
        priority: max
    states:
        - start
        - finish
        - fail
"""

NTFY_TOKEN = """
ntfy:
    topic: my-unique-topic
    server: https://ntfy.my-domain.com
    access_token: tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2
"""

LOKI = """
loki:
    url: http://localhost:3100/loki/api/v1/push

    labels:
        app: borgmatic
        config: __config
        hostname: __hostname
        my_label: example.org
    tls:
        cert_path: /etc/loki/cert.pem
        key_path: /etc/loki/key.pem
"""

APPRISE = """
apprise:
    services:
        - url: gotify://hostname/token
          label: gotify
        - url: mastodons://access_key@hostname/@user
          label: mastodon
    send_logs: false
    logs_size_limit: 500
    start:
        title: Ping!
        body: Starting backup process.
    finish:
        title: Ping!
        body: Backups successfully made.
    fail:
        title: Ping!
        body: Your backups have failed.
    states:
        - start
        - finish
        - fail
"""

UPTIME_KUMA = """
uptime_kuma:
    push_url: https://kuma.my-domain.com/api/push/abcd1234
    states:
        - start
        - finish
        - fail
"""

ZABBIX = """
zabbix:
    server: http://cloud.zabbix.com/zabbix/api_jsonrpc.php

    username: myuser
    password: secret
    api_key: b2ecba64d8beb47fc161ae48b164cfd7104a79e8e48e6074ef5b141d8a0aeeca

    host: "borg-server"
    key: borg.status
    itemid: 55105

    start:
        value: "STARTED"
    finish:
        value: "OK"
    fail:
        value: "ERROR"
    states:
        - start
        - finish
        - fail
"""

PUSHOVER = """
pushover:
    token: 7ms6TXHpTokTou2P6x4SodDeentHRa
    user: hwRwoWsXMBWwgrSecfa9EfPey55WSN
    start:
        message: "Backup <b>Started</b>"
        priority: -2
        title: "Backup Started"
        html: true
        ttl: 10
    fail:
        message: "Backup <font color='#ff6961'>Failed</font>"
        priority: 2
        expire: 1200
        retry: 30
        device: "pixel8"
        title: "Backup Failed"
        html: true
        sound: "siren"
        url: "https://ticketing-system.example.com/login"
        url_title: "Login to ticketing system"
    states:
        - start
        - finish
        - fail
"""

SENTRY = """
sentry:
    data_source_name_url: https://5f80ec@o294220.ingest.us.sentry.io/203069
    monitor_slug: mymonitor
    environment: production
    states:
        - start
        - finish
        - fail
"""

WATCHGOOSE = """
watchgoose:
    ping_url: https://watchgoose.com/addffa72-da17-40ae-be9c-ff591afb942a
    ping_body_limit: 10000
"""

PLAIN_STRINGS = """
healthchecks: https://hc-ping.com/addffa72-da17-40ae-be9c-ff591afb942a
cronitor: https://cronitor.link/d3x0c1
cronhub: https://cronhub.io/start/1f5e3410-254c-11e8-b61d-55875966d031
pagerduty: a177cad45bd374409f78906a810a3074
ntfy: my-unique-topic
"""

EXAMPLES = {
    "healthchecks": HEALTHCHECKS,
    "healthchecks with options": HEALTHCHECKS_OPTIONS,
    "cronitor": CRONITOR,
    "cronhub": CRONHUB,
    "pagerduty": PAGERDUTY,
    "ntfy": NTFY,
    "ntfy with a token": NTFY_TOKEN,
    "loki": LOKI,
    "apprise": APPRISE,
    "uptime kuma": UPTIME_KUMA,
    "zabbix": ZABBIX,
    "pushover": PUSHOVER,
    "sentry": SENTRY,
    "watchgoose": WATCHGOOSE,
    "plain strings": PLAIN_STRINGS,
}


def read(text):
    """The monitors of a pasted text; there must be nothing wrong with it."""
    converter = Converter(Path("/etc/resticprof"))
    profile = Node({"monitor": yaml.parse(text, "profiles.yaml")})
    monitors = by_command(converter, profile, "home", None)["backup"]
    assert [str(problem) for problem in (*converter.problems, *converter.unknown)] == []
    return monitors


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_understood_and_every_state_can_be_told(name):
    for monitor in read(EXAMPLES[name]):
        for state in (State.START, State.FINISH, State.FAIL):
            told(monitor, event(state), *[REHEARSAL] * 5)


def test_values_arrive_under_our_names():
    [monitor] = read(HEALTHCHECKS_OPTIONS)
    assert monitor.url.reveal().endswith("ff591afb942a")
    assert monitor.skip_tls_verification
    assert not monitor.send_logs
    assert monitor.body_limit == 200_000
    assert monitor.create_slug
    assert monitor.states == ("start", "finish", "fail", "log")


def test_nested_names_arrive_too():
    [loki] = read(LOKI)
    assert (loki.tls_client_cert, loki.tls_client_key) == (
        "/etc/loki/cert.pem",
        "/etc/loki/key.pem",
    )
    assert loki.labels["my_label"] == "example.org"
    [pushover] = read(PUSHOVER)
    assert pushover.fail.url_title == "Login to ticketing system"
    [ntfy] = read(NTFY)
    assert ntfy.url == "https://ntfy.my-domain.com"
    assert ntfy.finish.tags == ("borgmatic,+1",)
