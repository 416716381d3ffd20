"""Services are found by file name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from resticprof.errors import UsageError
from resticprof.monitors import registry
from resticprof.monitors.uptime_kuma import UptimeKuma

SERVICES = """apprise cronhub cronitor healthchecks loki ntfy pagerduty pushover sentry
uptime-kuma watchgoose zabbix"""


def test_there_are_twelve_services():
    assert registry.names() == tuple(SERVICES.split())


@pytest.mark.parametrize("name", ["uptime-kuma", "uptime_kuma"])
def test_a_service_is_found_by_either_spelling(name):
    assert registry.load(name) is UptimeKuma


def test_an_unknown_service_is_answered_with_those_that_there_are():
    with pytest.raises(UsageError, match="no monitoring service `kuma`; there are apprise,"):
        registry.load("kuma")


def test_only_the_service_that_is_asked_for_is_imported():
    code = (
        "import sys\n"
        "from resticprof.monitors import registry\n"
        "registry.load('cronhub')\n"
        "print(*(name for name in sys.modules if name.startswith('resticprof.monitors.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True
    )
    imported = {name.rpartition(".")[2] for name in done.stdout.split()}
    assert imported - {"registry", "request", "utf8"} == {"cronhub"}
