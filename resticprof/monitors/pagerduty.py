"""https://pagerduty.com: alerts that open with a failure and resolve with the next success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from resticprof.model.monitor import Kind, Monitor, States
from resticprof.model.report import interpolate, sentence, variables
from resticprof.model.run import Event, State
from resticprof.model.table import Key, Table
from resticprof.model.types import Secret
from resticprof.monitors import message, payload, request

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk

SUMMARY_LENGTH = 1024
DEDUP_KEY_LENGTH = 255
STDERR_LIMIT = 2000
"""Bytes of an error's output; an event may have 512 KB in all (Events API v2)."""


class PagerDutyLink(Table):
    """A link in the incident."""

    href: Annotated[str, Key("where it leads")] = ""
    text: Annotated[str, Key("what it says")] = ""


class PagerDuty(Monitor, kw_only=True):
    """PagerDuty events: `trigger` on failure, `resolve` on success (Events API v2)."""

    MAIN_KEY: ClassVar[str] = "integration-key"
    KIND: ClassVar[Kind] = "notification"
    EVENTS: ClassVar[tuple[str, ...]] = ("finish", "warn", "fail")

    integration_key: Annotated[Secret, Key("integration key (routing key) of the service")]
    api_url: Annotated[str, Key("where events go; accounts in the EU have their own host")] = (
        "https://events.pagerduty.com/v2/enqueue"
    )
    states: States = ("finish", "fail")
    send_logs: Annotated[
        bool, Key("send command line, output of the error, and log with a failure")
    ] = False
    severity: Annotated[
        str, Key("severity of a failure", values=("critical", "error", "warning", "info"))
    ] = "error"
    auto_resolve: Annotated[bool, Key("`finish` resolves what `fail` opened")] = True
    dedup_key: Annotated[
        str,
        Key("events with the same key belong together; `${VARIABLES}` are replaced", template=True),
    ] = "resticprof/${HOSTNAME}/${PROFILE_NAME}/${PROFILE_COMMAND}"
    logs_size_limit: Annotated[int, Key("bytes of the log; 0: no limit")] = 10_000
    group: Annotated[str, Key("`group` of the alert")] = "backups"
    component: Annotated[str, Key("`component` of the alert")] = "resticprof"
    links: Annotated[tuple[PagerDutyLink, ...], Key("links in the incident")] = ()

    def messages(self, event: Event) -> Talk:
        """One event; nothing when it went well and nothing is to be resolved."""
        if not self._is_told(event):
            return
        resolved = self.counts_as(event.state) is State.FINISH
        data = {"event_action": "resolve"} if resolved else self._trigger(event)
        yield request.post_json(
            self.api_url,
            {"routing_key": self.integration_key, "dedup_key": self._dedup_key(event), **data},
            accept=(202,),
        )

    def outdates(self, event: Event, older: Event) -> bool:
        """An older word on the same incident would open it again, or resolve it."""
        return self._is_told(event) and self._dedup_key(event) == self._dedup_key(older)

    def _is_told(self, event: Event) -> bool:
        return self.auto_resolve or self.counts_as(event.state) is State.FAIL

    def _dedup_key(self, event: Event) -> str:
        """A test has a key of its own, so that it cannot resolve a true incident."""
        key = interpolate(self.dedup_key, variables(event))
        return (f"test/{key}" if event.test else key)[:DEDUP_KEY_LENGTH]

    def _trigger(self, event: Event) -> dict[str, object]:
        report = event.report
        trigger: dict[str, object] = {
            "event_action": "trigger",
            "payload": {
                "summary": message.shortened(sentence(event), SUMMARY_LENGTH),
                "severity": "warning" if event.state is State.WARN else self.severity,
                "source": report.host,
                "timestamp": report.time.isoformat(timespec="microseconds"),
                "component": self.component,
                "group": self.group,
                "class": f"{report.command} failure",
                "custom_details": self._details(event),
            },
        }
        if self.links:
            trigger["links"] = [{"href": link.href, "text": link.text} for link in self.links]
        return trigger

    def _details(self, event: Event) -> dict[str, object]:
        report, failure = event.report, event.report.failure
        details: dict[str, object] = {
            "hostname": report.host,
            "configuration filename": report.config_file,
            "server time": report.time.isoformat(timespec="microseconds"),
            "logs": self._logs(event) if self.send_logs else "",
            "run id": report.run_id,
            "exit status": report.exit_code,
        }
        if report.summary is not None and report.summary.snapshot_id:
            details["snapshot"] = report.summary.snapshot_id
        if self.send_logs and failure is not None:
            details["command line"] = failure.command_line
            details["stderr"] = payload.ending(failure.stderr.splitlines(), STDERR_LIMIT)
        return details

    def _logs(self, event: Event) -> str:
        texts = payload.texts(event.report, self.verbosity)
        return payload.composed("", texts, limit=self.logs_size_limit)

    def check(self) -> list[str]:
        """As for every URL."""
        return [*Monitor.check(self), *request.url_problems("api-url", self.api_url)]


SERVICE = PagerDuty
