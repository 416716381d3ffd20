"""https://github.com/caronc/apprise: one library, or its API server, for many services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from resticprof.model.masking import mask_url
from resticprof.model.monitor import Kind, Monitor, States
from resticprof.model.report import error_block
from resticprof.model.run import Event, HttpRequest, Notification, State
from resticprof.model.table import Key, Table
from resticprof.model.types import MASK, Secret, Text, reveal
from resticprof.monitors import message, payload, request, utf8

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk

KINDS: dict[State, Literal["info", "success", "warning", "failure"]] = {
    State.START: "info",
    State.LOG: "info",
    State.FINISH: "success",
    State.WARN: "warning",
    State.FAIL: "failure",
}


class AppriseService(Table, kw_only=True):
    """One service that Apprise knows."""

    url: Annotated[Secret, Key("Apprise URL, such as `gotify://host/token`")]
    label: Annotated[str, Key("what to call it in messages")] = ""


class AppriseMessage(Table):
    """The notification of one event."""

    title: Annotated[str | None, Key("title; default: what happened to whom", template=True)] = None
    body: Annotated[str | None, Key("text; default: the one-line summary", template=True)] = None


class Apprise(Monitor, kw_only=True):
    """Apprise notifications: by the library, the `apprise` program, or an Apprise API server."""

    MAIN_KEY: ClassVar[str] = "api-url"
    KIND: ClassVar[Kind] = "notification"
    EVENTS: ClassVar[tuple[str, ...]] = ("start", "log", "finish", "warn", "fail")

    services: Annotated[tuple[AppriseService, ...], Key("who is notified")] = ()
    api_url: Annotated[Text, Key("address of an Apprise API server that sends for us")] = ""
    api_key: Annotated[Secret | None, Key("key of a configuration on that server")] = None
    tag: Annotated[str, Key("with `api-key`: the services of that configuration to notify")] = ""
    backend: Annotated[
        str,
        Key("how to send without a server", values=("auto", "library", "executable")),
    ] = "auto"
    states: States = ("fail",)
    send_logs: Annotated[bool, Key("send error and log behind the text")] = True
    logs_size_limit: Annotated[
        int, Key("bytes of text and log together; only the log is cut; 0: no limit")
    ] = 1500
    start: Annotated[AppriseMessage | None, Key("notification of a start")] = None
    log: Annotated[AppriseMessage | None, Key("notification of the log")] = None
    finish: Annotated[AppriseMessage | None, Key("notification of a success")] = None
    warn: Annotated[
        AppriseMessage | None, Key("notification of a warning; default: `finish` or `fail`")
    ] = None
    fail: Annotated[AppriseMessage | None, Key("notification of a failure")] = None

    def messages(self, event: Event) -> Talk:
        """One notification for all services."""
        lines = self._lines(event)
        if payload.is_only_log(event) and not lines:
            return
        about = self._about(event)
        notification = Notification(
            urls=tuple(service.url for service in self.services),
            labels=tuple(service.label for service in self.services),
            title=message.filled(about.title, event, message.title(event)),
            body=self._body(about, event, lines),
            kind=KINDS[event.state],
            backend=self.backend,
            told=event.told,
        )
        yield self._for_server(notification) if self.api_url else notification

    def _about(self, event: Event) -> AppriseMessage:
        tables = {
            State.START: self.start,
            State.LOG: self.log,
            State.FINISH: self.finish,
            State.WARN: self.warn,
            State.FAIL: self.fail,
        }
        return message.chosen(tables, event.state, self.counts_as(event.state)) or AppriseMessage()

    def _lines(self, event: Event) -> list[str]:
        if not self.send_logs or event.state is State.START:
            return []
        return payload.texts(event.report, self.verbosity)

    def _body(self, about: AppriseMessage, event: Event, lines: list[str]) -> str:
        only_log = payload.is_only_log(event) and about.body is None
        text = "" if only_log else message.body(about.body, event)
        error = error_block(event.report) if self.send_logs else ""
        head = "\n\n".join(part for part in (text, error) if part)
        limit = max(self.logs_size_limit, utf8.size(head)) if self.logs_size_limit else 0
        return payload.composed(head, lines, limit=limit)

    def _for_server(self, notification: Notification) -> HttpRequest:
        """With a key: the services that the server knows by it; else those of `services`."""
        data: dict[str, object] = {
            "title": notification.title,
            "body": notification.body,
            "type": notification.kind,
            "format": "text",
        }
        if self.api_key is None and self.services:
            data["urls"] = list(notification.urls)
        if self.tag:
            data["tag"] = self.tag
        front = f"{reveal(self.api_url).rstrip('/')}/notify/"
        shown = f"{mask_url(front)}{MASK if self.api_key is not None else ''}"
        url = Secret(front + (self.api_key.reveal() if self.api_key else ""), public=shown)
        return request.post_json(url, data, accept=(200,))

    def check(self) -> list[str]:
        """Nobody to notify, or no way to do it."""
        problems = Monitor.check(self)
        if self.api_url:
            problems += request.url_problems("api-url", self.api_url)
        if not self.services and not self.api_url:
            problems.append("`services` or `api-url` must be given")
        if self.api_key is not None and not self.api_url:
            problems.append("`api-key` needs `api-url`")
        if self.services and self.api_key is not None:
            problems.append("`services` and `api-key` exclude each other")
        if self.tag and self.api_key is None:
            problems.append("`tag` needs `api-key`")
        problems += [
            f"`services[{number}]`: `url` must look like `service://…`"
            for number, service in enumerate(self.services)
            if "://" not in (request.known(service.url) or "://")
        ]
        return problems


SERVICE = Apprise
