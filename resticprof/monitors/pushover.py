"""https://pushover.net: push notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from resticprof.model.monitor import Kind, Monitor, States
from resticprof.model.report import interpolate, variables
from resticprof.model.run import Event, State
from resticprof.model.table import Key, Table
from resticprof.model.types import Secret, Text
from resticprof.monitors import message, request

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk

LENGTHS = {"message": 1024, "title": 250, "url": 512, "url_title": 100}
"""Characters that Pushover accepts; it refuses more (Pushover API)."""

EMERGENCY = 2
"""The priority that is repeated until somebody acknowledges it."""

RETRY, EXPIRE = 30, 600
SHORTEST_RETRY, LONGEST_EXPIRE = 30, 10_800


class PushoverMessage(Table):
    """The notification of one event."""

    message: Annotated[str | None, Key("text; default: the one-line summary", template=True)] = None
    title: Annotated[
        str | None, Key("title; default: the name of the application", template=True)
    ] = None
    priority: Annotated[int, Key("-2 to 2; 2 must be acknowledged")] = 0
    retry: Annotated[int | None, Key("seconds between repetitions, priority 2 only")] = None
    expire: Annotated[int | None, Key("seconds until it gives up, priority 2 only")] = None
    device: Annotated[str | None, Key("devices that get it; default: all")] = None
    html: Annotated[bool | None, Key("the text is HTML")] = None
    monospace: Annotated[bool | None, Key("show the text in a fixed-width font")] = None
    sound: Annotated[str | None, Key("sound to play")] = None
    ttl: Annotated[int | None, Key("seconds until it is deleted; not with priority 2")] = None
    url: Annotated[str | None, Key("link to add", template=True)] = None
    url_title: Annotated[str | None, Key("text of the link", template=True)] = None

    def problems(self) -> list[str]:
        """Options that Pushover refuses together, found before there is something to report."""
        found = []
        if not -2 <= self.priority <= EMERGENCY:
            found.append("`priority` must be from -2 to 2")
        if self.priority != EMERGENCY and (self.retry is not None or self.expire is not None):
            found.append("`retry` and `expire` need `priority = 2`")
        if self.retry is not None and self.retry < SHORTEST_RETRY:
            found.append(f"`retry` must be at least {SHORTEST_RETRY}")
        if self.expire is not None and not 0 < self.expire <= LONGEST_EXPIRE:
            found.append(f"`expire` must be from 1 to {LONGEST_EXPIRE}")
        if self.html and self.monospace:
            found.append("`html` and `monospace` exclude each other")
        return found


class Pushover(Monitor, kw_only=True):
    """Pushover messages."""

    MAIN_KEY: ClassVar[str] = "token"
    KIND: ClassVar[Kind] = "notification"

    token: Annotated[Secret, Key("token of the application")]
    user: Annotated[Secret, Key("key of the user or group")]
    api_url: Annotated[str, Key("where messages go")] = "https://api.pushover.net/1/messages.json"
    states: States = ("fail",)
    start: Annotated[PushoverMessage | None, Key("notification of a start")] = None
    finish: Annotated[PushoverMessage | None, Key("notification of a success")] = None
    warn: Annotated[
        PushoverMessage | None, Key("notification of a warning; default: `finish` or `fail`")
    ] = None
    fail: Annotated[PushoverMessage | None, Key("notification of a failure")] = None

    def messages(self, event: Event) -> Talk:
        """One form."""
        about = message.chosen(self._tables(), event.state, self.counts_as(event.state))
        fields = _fields(about or PushoverMessage(), event)
        secrets: list[tuple[str, Text]] = [("token", self.token), ("user", self.user)]
        yield request.post_form(self.api_url, (*secrets, *fields.items()))

    def _tables(self) -> dict[State, PushoverMessage | None]:
        return {
            State.START: self.start,
            State.FINISH: self.finish,
            State.WARN: self.warn,
            State.FAIL: self.fail,
        }

    def check(self) -> list[str]:
        """The problems of every table."""
        problems = [*Monitor.check(self), *request.url_problems("api-url", self.api_url)]
        for state, table in self._tables().items():
            if table is not None:
                problems += [f"`{state.value}`: {problem}" for problem in table.problems()]
        return problems


def _fields(about: PushoverMessage, event: Event) -> dict[str, str]:
    """The fields of the form; what is not set is not sent, what is too long is cut."""
    known = variables(event)
    texts = {"title": about.title, "url": about.url, "url_title": about.url_title}
    fields = {"message": message.body(about.message, event)}
    fields |= {name: interpolate(text, known) for name, text in texts.items() if text is not None}
    fields = {name: message.shortened(text, LENGTHS[name]) for name, text in fields.items()}
    values = {
        "priority": about.priority or None,
        "retry": (about.retry or RETRY) if about.priority == EMERGENCY else None,
        "expire": (about.expire or EXPIRE) if about.priority == EMERGENCY else None,
        "device": about.device,
        "html": _digit(about.html),
        "monospace": _digit(about.monospace),
        "sound": about.sound,
        "ttl": about.ttl,
    }
    return fields | {name: str(value) for name, value in values.items() if value is not None}


def _digit(flag: bool | None) -> int | None:  # noqa: FBT001 - a value to be written, not a switch
    return None if flag is None else int(flag)


SERVICE = Pushover
