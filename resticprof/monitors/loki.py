"""https://grafana.com/oss/loki: the state of each run and its log, as log lines."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timezone
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, ClassVar, NamedTuple

import msgspec

from resticprof.model.monitor import Kind, Monitor, States
from resticprof.model.report import error_block, sentence
from resticprof.model.run import Event, Fact, HttpRequest, State
from resticprof.model.table import Key
from resticprof.model.types import Duration, Secret, Text
from resticprof.monitors import message, payload, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.model.monitor import Talk
    from resticprof.model.run import Report

WORDS = {State.START: "Started", State.FINISH: "Finished", State.FAIL: "Failed"}

LEVELS = {logging.DEBUG: "debug", logging.INFO: "info", logging.WARNING: "warn"}

LINE_SIZE = 200_000
"""Bytes of a line; Loki refuses more than 256 KB unless it is told otherwise."""

LOST = "... some lines of the log are missing here"

LAST_LINE, LAST_TIME = "loki-line", "loki-time"
"""Facts: number of the last line that was accepted, and its time in nanoseconds."""

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*$")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Entry(NamedTuple):
    """A line on its way: `number` is that of the log line, 0 for a line of ours."""

    time: int  # nanoseconds
    text: str
    metadata: dict[str, str]
    number: int = 0


class Loki(Monitor, kw_only=True):
    """Loki pushes: `Started backup`, the log while it grows, `Finished backup` and the summary."""

    KIND: ClassVar[Kind] = "log"
    EVENTS: ClassVar[tuple[str, ...]] = ("start", "log", "finish", "warn", "fail")

    url: Annotated[Text, Key("push endpoint, ending in `/loki/api/v1/push`")]
    labels: Annotated[
        dict[str, str],
        Key(
            "labels of the stream; `__hostname`, `__config`, `__config_path`, `__profile`, "
            "`__command` and `__group` stand for their values"
        ),
    ]
    states: States = ("start", "finish", "fail")
    send_logs: Annotated[bool, Key("send the log, while the run goes on")] = True
    tenant: Annotated[str | None, Key("tenant (`X-Scope-OrgID`)")] = None
    username: Annotated[Text, Key("user, together with `password`")] = ""
    password: Annotated[Secret | None, Key("password of the user")] = None
    bearer_token: Annotated[Secret | None, Key("token, instead of user and password")] = None
    metadata: Annotated[
        bool, Key("add run id, level, exit status and snapshot as structured metadata")
    ] = True
    gzip: Annotated[bool, Key("compress")] = True
    batch_lines: Annotated[int, Key("lines of one push")] = 100
    batch_interval: Annotated[Duration, Key("how long a line may wait for its push")] = Duration(5)

    def messages(self, event: Event) -> Talk:
        """Everything new, in batches; what was accepted is remembered, the rest comes again."""
        entries = list(self._entries(event))
        size = max(1, self.batch_lines)
        for start in range(0, len(entries), size):
            batch = entries[start : start + size]
            yield self._push(event.report, batch)
            yield Fact(LAST_TIME, str(batch[-1].time))
            if number := max(entry.number for entry in batch):
                yield Fact(LAST_LINE, str(number))

    def wants(self, event: Event) -> bool:
        """`log` events carry the lines, whether or not `states` lists them."""
        listed = (*self.states, "log") if self.send_logs else self.states
        return Monitor.wants(msgspec.structs.replace(self, states=listed), event)

    def due(self, waiting: int, seconds: float) -> bool:
        """A full batch, or a line that has waited long enough."""
        full, late = waiting >= self.batch_lines, seconds >= self.batch_interval
        return self.send_logs and waiting > 0 and (full or late)

    def _entries(self, event: Event) -> Iterator[Entry]:
        """New lines of the log, then lines of ours; each later than the one before it."""
        last = int(event.facts.get(LAST_TIME, 0))
        for entry in (*self._log(event), *self._own(event)):
            last = max(entry.time, last + 1)
            yield entry._replace(time=last)

    def _log(self, event: Event) -> Iterator[Entry]:
        if not self.send_logs:
            return
        sent = int(event.facts.get(LAST_LINE, 0))
        run = {"run_id": event.report.run_id}
        lines = payload.lines(event.report, self.verbosity)
        new = [line for line in lines if line.number > sent or not line.number]
        if new and event.report.log[0].number > sent + 1:  # more than we keep between two pushes
            yield Entry(_nanoseconds(new[0].time), LOST, {**run, "level": "warn"})
        for line in new:
            level = LEVELS.get(line.level, "error" if line.level > logging.WARNING else "info")
            text = message.shortened_bytes(line.text, LINE_SIZE)
            yield Entry(_nanoseconds(line.time), text, {**run, "level": level}, line.number)

    def _own(self, event: Event) -> Iterator[Entry]:
        """The status line; with the outcome the summary; with a failure its error."""
        report, told = event.report, self.counts_as(event.state)
        texts = []
        if told in WORDS:
            texts.append(f"{WORDS[told]} {report.command}")
        if self._has_outcome(event):
            texts.append(sentence(event))
        if told is State.FAIL and self.send_logs:
            texts += error_block(report).splitlines()
        time = report.started if told is State.START else report.time
        metadata = _metadata(event, told)
        for text in texts:
            yield Entry(_nanoseconds(time), message.shortened_bytes(text, LINE_SIZE), metadata)

    def _has_outcome(self, event: Event) -> bool:
        """A `log` event tells the outcome only when there will be no other event for it."""
        if event.state is State.LOG:
            return not payload.is_only_log(event)
        return event.state is not State.START

    def _push(self, report: Report, entries: list[Entry]) -> HttpRequest:
        """The time is a string: Loki refuses numbers."""
        values: list[list[object]] = [
            [str(entry.time), entry.text, *([entry.metadata] if self.metadata else [])]
            for entry in entries
        ]
        stream = {"stream": self._labels(report), "values": values}
        headers = request.authorization(self.bearer_token, self.username, self.password)
        if self.tenant:
            headers += (("X-Scope-OrgID", self.tenant),)
        push = request.post_json(self.url, {"streams": [stream]}, headers=headers)
        return _compressed(push) if self.gzip else push

    def _labels(self, report: Report) -> dict[str, str]:
        known = placeholders(report)
        return {name: known.get(value, value) for name, value in self.labels.items()}

    def check(self) -> list[str]:
        """What Loki would refuse, when there is nobody left to hear of it."""
        problems = [*Monitor.check(self), *request.url_problems("url", self.url)]
        if not self.labels:
            problems.append("`labels` needs at least one label")
        problems += [problem for name in self.labels for problem in _label_problems(name)]
        if bool(self.username) != (self.password is not None):
            problems.append("`username` and `password` need each other")
        if self.bearer_token is not None and self.username:
            problems.append("`bearer-token` and `username` exclude each other")
        if self.batch_lines < 1:
            problems.append("`batch-lines` must be at least 1")
        return problems

    def advice(self) -> list[str]:
        """Placeholders that look misspelt."""
        names = tuple(placeholders(None))
        return [
            f"`labels.{label}`: there is no placeholder `{value}`; there are {', '.join(names)}"
            for label, value in self.labels.items()
            if value.startswith("__") and value not in names
        ]


def placeholders(report: Report | None) -> dict[str, str]:
    """What a label may be set to, and what it stands for."""
    return {
        "__hostname": report.host if report else "",
        "__config": PurePath(report.config_file).name if report else "",
        "__config_path": report.config_file if report else "",
        "__profile": report.profile if report else "",
        "__command": report.command if report else "",
        "__group": report.group if report else "",
    }


def _label_problems(name: str) -> list[str]:
    if not _LABEL.match(name):
        near = re.sub(r"[^a-zA-Z0-9_]", "_", name)
        return [f"`labels.{name}`: letters, digits and `_` only; did you mean `{near}`?"]
    if name.startswith("__"):
        return [f"`labels.{name}`: names that begin with `__` belong to Loki"]
    return []


def _metadata(event: Event, told: State) -> dict[str, str]:
    report = event.report
    level = "warn" if event.state is State.WARN else "info"
    metadata = {"run_id": report.run_id, "level": "error" if told is State.FAIL else level}
    if event.state is not State.START:
        metadata["exit_code"] = str(report.exit_code)
    if report.summary is not None and report.summary.snapshot_id:
        metadata["snapshot_id"] = report.summary.snapshot_id
    return metadata


def _compressed(push: HttpRequest) -> HttpRequest:
    """With the same bytes for the same text; people are shown the text."""
    import gzip

    return msgspec.structs.replace(
        push,
        headers=(*push.headers, ("Content-Encoding", "gzip")),
        body=gzip.compress(push.body or b"", mtime=0),
    )


def _nanoseconds(time: datetime) -> int:
    """Since the epoch, exact: a float has too few digits."""
    since = time - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


SERVICE = Loki
