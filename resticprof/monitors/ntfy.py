"""https://ntfy.sh, and servers that run it: push notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from resticprof.model.monitor import Kind, Monitor, States
from resticprof.model.report import error_block, interpolate, variables
from resticprof.model.run import Event, State
from resticprof.model.table import Key, Table
from resticprof.model.types import Secret, Text, reveal
from resticprof.monitors import message, payload, request, utf8

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk

PRIORITIES = {"max": 5, "urgent": 5, "high": 4, "default": 3, "low": 2, "min": 1}

MESSAGE_SIZE = 4096
DOCUMENT_SIZE = 2 * MESSAGE_SIZE - 1
"""Bytes of a message, and of a JSON request, that a server reads (ntfy documentation)."""


class NtfyAction(Table):
    """A button of a notification."""

    action: Annotated[str, Key("what it does", values=("view", "http", "broadcast", "copy"))] = (
        "view"
    )
    label: Annotated[str, Key("what it says")] = ""
    url: Annotated[str | None, Key("`view`, `http`: where it leads")] = None
    method: Annotated[str | None, Key("`http`: method")] = None
    headers: Annotated[dict[str, Secret] | None, Key("`http`: headers")] = None
    body: Annotated[str | None, Key("`http`: body")] = None
    intent: Annotated[str | None, Key("`broadcast`: Android intent")] = None
    extras: Annotated[dict[str, str] | None, Key("`broadcast`: further values")] = None
    value: Annotated[str | None, Key("`copy`: text to copy")] = None
    clear: Annotated[bool, Key("remove the notification afterwards")] = False


class NtfyMessage(Table):
    """The notification of one event."""

    title: Annotated[str | None, Key("title; default: what happened to whom", template=True)] = None
    message: Annotated[str | None, Key("text; default: the one-line summary", template=True)] = None
    priority: Annotated[
        str | int, Key("`max`, `urgent`, `high`, `default`, `low`, `min`, or 5 to 1")
    ] = "default"
    tags: Annotated[tuple[str, ...], Key("tags and emoji names; a comma separates, too")] = (
        "resticprof",
    )
    click: Annotated[str | None, Key("URL that a tap opens", template=True)] = None
    icon: Annotated[str | None, Key("URL of an icon", template=True)] = None
    actions: Annotated[tuple[NtfyAction, ...], Key("up to three buttons")] = ()
    markdown: Annotated[bool, Key("the text is Markdown")] = False
    email: Annotated[str | None, Key("address that gets it as a mail, too", template=True)] = None
    delay: Annotated[str | None, Key("when to deliver it, such as `30min`", template=True)] = None

    @property
    def number(self) -> int | None:
        """The priority as ntfy counts it; None when there is no such priority."""
        if isinstance(self.priority, int) or self.priority.isdigit():
            return int(self.priority) if 1 <= int(self.priority) <= 5 else None
        return PRIORITIES.get(self.priority.lower())


class Ntfy(Monitor, kw_only=True):
    """ntfy notifications, published as JSON."""

    MAIN_KEY: ClassVar[str] = "topic"
    KIND: ClassVar[Kind] = "notification"

    topic: Annotated[
        Text, Key("topic to publish to; on a public server it is as good as a password")
    ]
    url: Annotated[Text, Key("address of the server", aliases=("server",))] = "https://ntfy.sh"
    username: Annotated[Text, Key("user, together with `password`")] = ""
    password: Annotated[Secret | None, Key("password of the user")] = None
    access_token: Annotated[Secret | None, Key("access token; wins over user and password")] = None
    states: States = ("fail",)
    start: Annotated[NtfyMessage | None, Key("notification of a start")] = None
    finish: Annotated[NtfyMessage | None, Key("notification of a success")] = None
    warn: Annotated[
        NtfyMessage | None, Key("notification of a warning; default: `finish` or `fail`")
    ] = None
    fail: Annotated[NtfyMessage | None, Key("notification of a failure")] = None
    sequence: Annotated[
        bool, Key("later notifications of a run replace earlier ones (ntfy 2.16)")
    ] = False

    def messages(self, event: Event) -> Talk:
        """One POST to the server itself; the topic is part of the document."""
        about = self._about(event)
        data: dict[str, object] = {
            "topic": self.topic,
            "title": message.filled(about.title, event, message.title(event)),
            "message": self._text(about, event),
            "priority": about.number or PRIORITIES["default"],
            "tags": [tag.strip() for text in about.tags for tag in text.split(",") if tag.strip()],
            **_extras(about, event),
        }
        if self.sequence:
            data["sequence_id"] = event.report.run_id
        login = request.authorization(self.access_token, self.username, self.password)
        yield request.post_json(self.url, _fitting(data), headers=login)

    def _about(self, event: Event) -> NtfyMessage:
        tables = {
            State.START: self.start,
            State.FINISH: self.finish,
            State.WARN: self.warn,
            State.FAIL: self.fail,
        }
        return message.chosen(tables, event.state, self.counts_as(event.state)) or NtfyMessage()

    def _text(self, about: NtfyMessage, event: Event) -> str:
        text = message.body(about.message, event)
        if not self.send_logs or event.state is State.START:
            return message.shortened_bytes(text, MESSAGE_SIZE)
        head = "\n\n".join(part for part in (text, error_block(event.report)) if part)
        lines = payload.texts(event.report, self.verbosity)
        return payload.composed(head, lines, limit=MESSAGE_SIZE)

    def check(self) -> list[str]:
        """Half a login, and priorities that there are not."""
        problems = [*Monitor.check(self), *request.url_problems("url", self.url)]
        if request.known(self.topic) == "":
            problems.append("`topic` is empty")
        if self.access_token is None and bool(self.username) != (self.password is not None):
            problems.append("`username` and `password` need each other")
        tables = {"start": self.start, "finish": self.finish, "warn": self.warn, "fail": self.fail}
        problems += [
            f"`{name}`: `priority` must be one of {', '.join(PRIORITIES)}, or 1 to 5"
            for name, table in tables.items()
            if table is not None and table.number is None
        ]
        return problems

    def advice(self) -> list[str]:
        """Two logins at once."""
        if self.access_token is not None and (self.username or self.password):
            return ["`access-token` is used, `username` and `password` are not"]
        return []


def _extras(about: NtfyMessage, event: Event) -> dict[str, object]:
    """What ntfy need not be told unless it was configured."""
    known = variables(event)
    texts = {"click": about.click, "icon": about.icon, "email": about.email, "delay": about.delay}
    found: dict[str, object] = {
        name: interpolate(text, known) for name, text in texts.items() if text is not None
    }
    if about.markdown:
        found["markdown"] = True
    if about.actions:
        found["actions"] = [_wire_form(action) for action in about.actions]
    return found


def _wire_form(action: NtfyAction) -> dict[str, object]:
    """A button without what is not set."""
    return {
        name: value
        for name, value in msgspec.structs.asdict(action).items()
        if value not in (None, False)
    }


def _fitting(data: dict[str, object]) -> dict[str, object]:
    """The same, with a message short enough for the whole document to be read."""
    text = str(data["message"])
    while text and (length := len(request.encoded(data, reveal))) > DOCUMENT_SIZE:
        size = utf8.size(text)
        text = message.shortened_bytes(text, min(size * DOCUMENT_SIZE // length, size - 1))
        data = {**data, "message": text}
    return data


SERVICE = Ntfy
