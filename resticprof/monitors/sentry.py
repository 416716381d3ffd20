"""https://sentry.io: check-ins of a cron monitor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from resticprof.errors import MonitorError
from resticprof.model.monitor import Monitor, States
from resticprof.model.run import Event, HttpRequest, State
from resticprof.model.table import Key, Table
from resticprof.model.types import MASK, Secret
from resticprof.monitors import request

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk

WORDS = {State.START: "in_progress", State.FINISH: "ok", State.FAIL: "error"}

UNITS = ("minute", "hour", "day", "week", "month", "year")

_DSN = re.compile(
    r"(?P<scheme>https?)://(?P<key>[^:@/]+)(:[^@/]*)?@(?P<host>[^@?#]+)/(?P<project>[^/?#]+)/?$"
)


class Address(NamedTuple):
    """The parts of a data source name; the host keeps a path prefix, an old secret is dropped."""

    scheme: str
    host: str
    project: str
    key: str


class SentryMonitorConfig(Table):
    """The monitor as Sentry is to have it; check-ins create and update it."""

    schedule_crontab: Annotated[str, Key("when the job runs, as a crontab line says it")] = ""
    schedule_every: Annotated[int, Key("or: how many units lie between two runs")] = 0
    schedule_unit: Annotated[str, Key("unit of `schedule-every`", values=UNITS)] = "day"
    timezone: Annotated[str | None, Key("time zone of the schedule, such as `Europe/Paris`")] = None
    checkin_margin: Annotated[int | None, Key("minutes that a run may start late")] = None
    max_runtime: Annotated[int | None, Key("minutes that a run may take")] = None
    failure_issue_threshold: Annotated[int | None, Key("failures in a row that open an issue")] = (
        None
    )
    recovery_threshold: Annotated[int | None, Key("successes in a row that resolve it")] = None


class Sentry(Monitor, kw_only=True):
    """Sentry check-ins: `in_progress`, `ok`, `error`; the run id is the check-in id."""

    MAIN_KEY: ClassVar[str] = "dsn"

    dsn: Annotated[
        Secret, Key("DSN of the project (client key)", aliases=("data-source-name-url",))
    ]
    monitor_slug: Annotated[str, Key("slug of the cron monitor")]
    states: States = ("start", "finish", "fail")
    environment: Annotated[str, Key("name of the environment; Sentry assumes `production`")] = ""
    duration: Annotated[bool, Key("send the duration with the outcome")] = True
    monitor_config: Annotated[
        SentryMonitorConfig | None, Key("create or update the monitor itself")
    ] = None

    def messages(self, event: Event) -> Talk:
        """One POST: all in the query, or in a document when the monitor comes along."""
        address = _address(self.dsn.reveal())
        if address is None:
            raise MonitorError("`dsn` is not a data source name of Sentry")
        values: dict[str, str | float] = {"status": WORDS[self.counts_as(event.state)]}
        if self.environment:
            values["environment"] = self.environment
        values["check_in_id"] = event.report.run_id
        if self.duration and event.state is not State.START:
            values["duration"] = round(event.report.seconds, 3)
        if self.monitor_config is None:
            query = f"?{urlencode(values)}"
            yield HttpRequest(method="POST", url=self._url(address, query), body=b"")
        else:
            config = _wire_form(self.monitor_config)
            yield request.post_json(self._url(address, ""), {**values, "monitor_config": config})

    def _url(self, address: Address, query: str) -> Secret:
        front = f"{address.scheme}://{address.host}/api/{address.project}"
        front += f"/cron/{quote(self.monitor_slug, safe='')}"
        return Secret(f"{front}/{address.key}/{query}", public=f"{front}/{MASK}/{query}")

    def check(self) -> list[str]:
        """A DSN that cannot be read, and a schedule that is none or two."""
        problems = Monitor.check(self)
        dsn = request.known(self.dsn)
        if dsn is not None and _address(dsn) is None:
            problems.append("`dsn` must look like https://KEY@HOST/PROJECT")
        if not self.monitor_slug:
            problems.append("`monitor-slug` is empty")
        config = self.monitor_config
        if config is not None and bool(config.schedule_crontab) == (config.schedule_every > 0):
            problems.append("`monitor-config` needs either `schedule-crontab` or `schedule-every`")
        return problems


def _address(dsn: str) -> Address | None:
    found = _DSN.match(dsn)
    if found is None:
        return None
    return Address(found["scheme"], found["host"], found["project"], found["key"])


def _wire_form(config: SentryMonitorConfig) -> dict[str, object]:
    """Sentry's names: the schedule is a table of its own, what is not set is not sent."""
    if config.schedule_crontab:
        schedule: dict[str, object] = {"type": "crontab", "value": config.schedule_crontab}
    else:
        schedule = {
            "type": "interval",
            "value": config.schedule_every,
            "unit": config.schedule_unit,
        }
    rest = {
        name: value
        for name, value in msgspec.structs.asdict(config).items()
        if value is not None and not name.startswith("schedule_")
    }
    return {"schedule": schedule, **rest}


SERVICE = Sentry
