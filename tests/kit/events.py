"""Events of made-up runs, and what a monitor says about them."""

from __future__ import annotations

import gzip
import logging
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error
from resticprof.model.run import (
    ANSWER,
    Event,
    Fact,
    Failure,
    HttpRequest,
    HttpResponse,
    LogLine,
    Notification,
    Outcome,
    Report,
    State,
    StepReport,
    Summary,
)
from resticprof.model.types import public, reveal
from resticprof.monitors.talk import converse

if TYPE_CHECKING:
    from resticprof.model.monitor import Monitor
    from resticprof.model.run import Message

RUN_ID = "5c2f6b0e-6a0f-4f0e-9d51-0c1f5a0b7e11"
STARTED = datetime(2026, 2, 3, 4, 5, 6, 789, timezone(timedelta(hours=1)))
OK = HttpResponse(status=200)

SUMMARY = Summary(
    files_new=12,
    files_changed=3,
    files_unmodified=5120,
    files_total=5135,
    bytes_added=14_890_000,
    bytes_added_packed=10_276_044,
    bytes_total=3_650_722_201,
    snapshot_id="4bba301e7f3c",
)

FAILURE = Failure(
    message="backup on profile 'home': exit status 12",
    command_line='"restic" "backup" "/home"',
    exit_code=12,
    stderr="repository 4bba301e opened\nFatal: wrong password or no key found\n",
)

OUTCOMES = {
    State.START: None,
    State.LOG: None,
    State.FINISH: Outcome.SUCCESS,
    State.WARN: Outcome.WARNING,
    State.FAIL: Outcome.FAILED,
}


def log_lines(*texts: str, level: int = logging.INFO) -> tuple[LogLine, ...]:
    """Numbered lines, a second apart, from the start of the run."""
    return tuple(
        LogLine(level, text, STARTED + timedelta(seconds=number), number)
        for number, text in enumerate(texts, start=1)
    )


LOG = (
    *log_lines("profile 'home': starting 'backup'"),
    LogLine(logging.DEBUG, "environment: nothing new", STARTED + timedelta(seconds=1), 2),
    LogLine(ANSWER, "processed 5135 files, 3.400 GiB in 1:16", STARTED + timedelta(seconds=76), 3),
    LogLine(logging.WARNING, "päth/ü: permission denied", STARTED + timedelta(seconds=76), 4),
)


def report(state: State = State.FINISH, **changes: object) -> Report:
    """What is known of the run when `state` is told."""
    ended = state not in (State.START, State.LOG)
    codes = {State.FAIL: 12, State.WARN: 3}
    known: dict[str, object] = {
        "run_id": RUN_ID,
        "profile": "home",
        "command": "backup",
        "host": "nas",
        "started": STARTED,
        "ended": STARTED + timedelta(seconds=76.25) if ended else None,
        "config_file": "/etc/resticprof/profiles.toml",
        "repository": "sftp:nas:/srv/restic/home",
        "outcome": OUTCOMES[state],
        "exit_code": codes.get(state, 0),
        "failure": FAILURE if state is State.FAIL else None,
        "summary": SUMMARY if state in (State.FINISH, State.WARN) else None,
        "unreadable": ("/home/a", "/home/b") if state is State.WARN else (),
        "log": () if state is State.START else LOG,
    }
    if ended:
        code = codes.get(state, 0)
        known["steps"] = (StepReport(name="backup", exit_code=code, seconds=76.0),)
    return Report(**{**known, **changes})


def event(state: State, **changes: object) -> Event:
    """The event; changes of its own fields, and of those of its report."""
    own = {name: changes.pop(name) for name in ("test", "facts", "sentence") if name in changes}
    return Event(state=state, report=report(state, **changes), **own)


def told(monitor: Monitor, about: Event, *answers: HttpResponse | Error) -> list[Message]:
    """The messages of one event; each gets the next answer, then 200. Errors come out again."""
    messages: list[Message] = []
    listen(monitor, about, messages, *answers)
    return messages


def listen(
    monitor: Monitor, about: Event, messages: list[Message], *answers: HttpResponse | Error
) -> None:
    """The same, into a list of one's own: it is full even when an error comes out."""
    waiting = list(answers)

    def deliver(message: Message) -> HttpResponse:
        messages.append(message)
        if isinstance(message, Fact):
            return OK
        answer = waiting.pop(0) if waiting else OK
        if isinstance(answer, Error):
            raise answer
        return answer

    converse(monitor.messages(about), deliver)


def request(monitor: Monitor, about: Event) -> HttpRequest:
    """The one request of an event."""
    [found] = [message for message in told(monitor, about) if isinstance(message, HttpRequest)]
    return found


def document(sent: HttpRequest) -> object:
    """The JSON document of a request."""
    body = sent.body or b""
    if ("Content-Encoding", "gzip") in sent.headers:
        body = gzip.decompress(body)
    return msgspec.json.decode(body)


def as_text(message: Message) -> str:
    """A message for golden files: as it is sent, and as it is shown where that differs."""
    if isinstance(message, Fact):
        return f"remember {message.name} = {message.value}"
    if isinstance(message, Notification):
        lines = [f"NOTIFY {message.kind} with {message.backend}"]
        lines += [
            f"  {label or '-'}: {url.reveal()}"
            for url, label in zip(message.urls, message.labels, strict=True)
        ]
        return "\n".join([*lines, f"title: {message.title}", message.body])
    lines = [f"{message.method} {reveal(message.url)}"]
    if public(message.url) != reveal(message.url):
        lines.append(f"shown {public(message.url)}")
    for name, value in message.headers:
        masked = "" if public(value) == reveal(value) else f"  (shown {public(value)})"
        lines.append(f"{name}: {reveal(value)}{masked}")
    body = message.body or b""
    if ("Content-Encoding", "gzip") in message.headers:
        body = gzip.decompress(body)
    if body:
        lines.append(pretty(body))
    if message.public_body not in (None, body):
        sent = pretty(body).splitlines()
        masked = [line for line in pretty(message.public_body).splitlines() if line not in sent]
        lines.append("\n".join(f"shown {line}" for line in masked))
    return "\n".join(lines)


def pretty(body: bytes) -> str:
    """JSON over several lines; anything else as it is."""
    return msgspec.json.format(body, indent=2).decode() if body[:1] == b"{" else body.decode()
