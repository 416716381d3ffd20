"""https://cronitor.io: telemetry pings of a job monitor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from resticprof.model.monitor import Monitor, States
from resticprof.model.report import sentence, warning_count
from resticprof.model.run import Event, HttpRequest, State, Summary
from resticprof.model.table import Key
from resticprof.model.types import Secret
from resticprof.monitors import message, request

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk
    from resticprof.model.run import Report

WORDS = {State.START: "run", State.FINISH: "complete", State.FAIL: "fail"}

NAME_LENGTH = 50
MESSAGE_LENGTH = 1000
"""Where Cronitor's own client cuts host and environment, and messages."""

_CODE = re.compile(r"[A-Za-z0-9]{3,12}$")


class Cronitor(Monitor, kw_only=True):
    """Cronitor pings: `run`, `complete`, `fail` (telemetry API)."""

    url: Annotated[
        Secret,
        Key("telemetry URL of the monitor, or its short code", aliases=("ping-url",)),
    ]
    states: States = ("start", "finish", "fail")
    environment: Annotated[str, Key("name of the environment")] = ""
    metrics: Annotated[
        bool, Key("send run id, host, exit status, duration and the numbers of the backup")
    ] = True
    message: Annotated[bool, Key("send the one-line summary with the outcome")] = True

    def messages(self, event: Event) -> Talk:
        """One GET: `/run` behind a short code, `state=run` for URLs with a key."""
        state = self.counts_as(event.state)
        url = self.url.reveal()
        if _CODE.match(url):
            url = f"https://cronitor.link/{url}"
        keyed = request.parts(url).path.startswith(("/p/", "/ping/"))
        query = [("state", WORDS[state])] if keyed else []
        query += self._query(event, ended=state is not State.START)
        yield HttpRequest(
            method="GET",
            url=request.ping(url, "" if keyed else f"/{WORDS[state]}", query),
        )

    def _query(self, event: Event, *, ended: bool) -> list[tuple[str, str]]:
        report = event.report
        query = []
        if self.metrics:
            query += [("series", report.run_id), ("host", report.host[:NAME_LENGTH])]
        if self.environment:
            query.append(("env", self.environment[:NAME_LENGTH]))
        if self.metrics and ended:
            query.append(("status_code", str(report.exit_code)))
            query += [("metric", metric) for metric in _metrics(report)]
        if self.message and ended:
            query.append(("message", message.shortened(sentence(event), MESSAGE_LENGTH)))
        return query

    def check(self) -> list[str]:
        """A bare code is short for its URL."""
        problems = Monitor.check(self)
        url = request.known(self.url)
        if url is not None and not _CODE.match(url) and not url.startswith(("http://", "https://")):
            problems.append("`url` must be a URL or a code of 3 to 12 letters and digits")
        return problems


def _metrics(report: Report) -> list[str]:
    """`name:value`; numbers that nobody knows are not sent."""
    summary = report.summary or Summary()
    counts = {
        "count": summary.files_total,
        "error_count": warning_count(report),
        "bytes_added": summary.bytes_added,
    }
    known = [f"{name}:{count}" for name, count in counts.items() if count is not None]
    return [f"duration:{round(report.seconds, 3):g}", *known]


SERVICE = Cronitor
