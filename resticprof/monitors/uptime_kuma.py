"""https://uptime.kuma.pet: a monitor of type Push."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from resticprof.model.monitor import Monitor, States
from resticprof.model.report import sentence
from resticprof.model.run import Event, HttpRequest, State
from resticprof.model.table import Key
from resticprof.model.types import Secret
from resticprof.monitors import message, request

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk

MESSAGE_LENGTH = 250

LONGEST_PING = 10**11
"""Milliseconds; Uptime Kuma refuses more."""


class UptimeKuma(Monitor, kw_only=True):
    """Uptime Kuma push: `up` or `down`, with a text and a number of milliseconds."""

    url: Annotated[Secret, Key("push URL, without its query string", aliases=("push-url",))]
    states: States = ("start", "finish", "fail")
    message: Annotated[
        bool, Key("send the one-line summary as `msg`; otherwise the name of the state")
    ] = True
    ping: Annotated[bool, Key("send the duration as `ping`, for a graph")] = True

    def messages(self, event: Event) -> Talk:
        """One GET. What stood behind `?` is ours to say."""
        state = self.counts_as(event.state)
        text = sentence(event) if self.message else state.value
        query = [
            ("status", "down" if state is State.FAIL else "up"),
            ("msg", message.shortened(text, MESSAGE_LENGTH)),
        ]
        if self.ping and state is not State.START:
            query.append(("ping", str(min(round(event.report.seconds * 1000), LONGEST_PING))))
        bare = Secret(request.parts(self.url)._replace(query="").geturl())
        yield HttpRequest(method="GET", url=request.ping(bare, query=query))

    def check(self) -> list[str]:
        """As for every URL."""
        return [*Monitor.check(self), *request.url_problems("url", self.url)]

    def advice(self) -> list[str]:
        """Uptime Kuma hands the URL out with a query that would contradict ours."""
        if "?" in (request.known(self.url) or ""):
            return ["the query string of `url` is dropped; remove what comes after `?`"]
        return []


SERVICE = UptimeKuma
