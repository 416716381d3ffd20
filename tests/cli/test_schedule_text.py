"""What is said about scheduled jobs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from resticprof.cli import schedule_text
from resticprof.model.schedule import JobStatus

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"active": True, "next_run": NOW + timedelta(hours=2)}, "(in 2h0m0s)"),
        ({"active": True, "elapsed": True}, "none, systemd knows no time to come"),
        ({"active": False}, "none, the timer is not active"),
        ({"active": False, "enabled": False}, "none, the timer is not enabled"),
        ({"active": None, "enabled": False}, "none, the timer is not enabled"),
        ({"enabled": False, "drift": "not installed"}, "none"),
        ({"active": None}, "unknown"),
    ],
)
def test_status_tells_why_there_is_no_next_run(state: dict[str, object], words: str) -> None:
    job = JobStatus(
        title="backup@home", name="home", scope="user", config_file="/profiles.toml", **state
    )
    _, *lines = schedule_text.status([job], NOW).splitlines()
    rows = dict(line.strip().split(":", 1) for line in lines)
    assert rows["next run"].strip().endswith(words)
