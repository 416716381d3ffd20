"""What `systemctl show` says about the timer and the service of a job. Pure."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from resticprof.model.schedule import UnitState

if TYPE_CHECKING:
    from collections.abc import Mapping

PROPERTIES = (
    "Id,ActiveState,SubState,NextElapseUSecRealtime,LastTriggerUSec,"
    "Result,ExecMainStatus,ExecMainStartTimestamp,ExecMainExitTimestamp"
)


def read(text: str) -> dict[str, dict[str, str]]:
    """What was printed: the properties of each unit."""
    blocks = []
    for block in text.split("\n\n"):
        lines = (line.partition("=") for line in block.splitlines())
        blocks.append({name: value for name, _, value in lines})
    return {block.get("Id", ""): block for block in blocks}


def of(name: str, blocks: Mapping[str, Mapping[str, str]]) -> UnitState:
    """The state of the job whose units have this name."""
    timer, service = blocks.get(f"{name}.timer", {}), blocks.get(f"{name}.service", {})
    ended = _moment(service.get("ExecMainExitTimestamp"))
    starts = [
        moment
        for text in (timer.get("LastTriggerUSec"), service.get("ExecMainStartTimestamp"))
        if (moment := _moment(text))
    ]
    result = service.get("Result", "success")
    status = service.get("ExecMainStatus", "0")
    return UnitState(
        active=timer.get("ActiveState") == "active",
        elapsed=timer.get("SubState") == "elapsed",
        running=service.get("ActiveState") in {"active", "activating", "deactivating"},
        last_run=max(starts, default=None),
        last_success=ended if result == "success" else None,
        next_run=_moment(timer.get("NextElapseUSecRealtime")),
        result={"success": "", "exit-code": f"exit status {status}"}.get(result, result),
    )


def _moment(text: str | None) -> datetime | None:
    """A time as `systemctl show` prints it in UTC: `Mon 2026-11-23 00:00:00 UTC`."""
    words = (text or "").split()
    if len(words) != 4:
        return None
    return datetime.fromisoformat(f"{words[1]} {words[2]}").replace(tzinfo=timezone.utc)
