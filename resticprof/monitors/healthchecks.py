"""https://healthchecks.io, and servers that run it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar

from resticprof.errors import MonitorError
from resticprof.model.monitor import Monitor, States
from resticprof.model.report import sentence
from resticprof.model.run import Event, Fact, HttpRequest, HttpResponse, State
from resticprof.model.table import Key
from resticprof.model.types import Secret
from resticprof.monitors import payload, request, utf8

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk

ENDINGS = {State.START: "/start", State.FINISH: "", State.FAIL: "/fail", State.LOG: "/log"}

LIMIT = "ping-body-limit"
"""The header, and the fact, that says how many bytes of a body the server keeps."""

_NUMBER = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_UUID = re.compile(rf"/{_NUMBER}/?$", re.IGNORECASE)
_END = re.compile(rf"/?({_NUMBER}|[^/\s]+/[^/\s]+)/?$", re.IGNORECASE)


class Healthchecks(Monitor, kw_only=True):
    """Healthchecks pings: start, success, failure, log (pinging API)."""

    EVENTS: ClassVar[tuple[str, ...]] = ("start", "log", "finish", "warn", "fail")
    HOME: ClassVar[str] = "https://hc-ping.com/"

    url: Annotated[
        Secret,
        Key("ping URL; or its end: a UUID, or ping key and slug", aliases=("ping-url",)),
    ]
    states: States = ("start", "finish", "fail")
    send_logs: Annotated[bool, Key("send summary, error and log as the body")] = True
    create_slug: Annotated[
        bool, Key("let the server create a check that does not exist; not for UUIDs")
    ] = False
    body_limit: Annotated[
        int,
        Key(
            "bytes of a body; 0: no limit; a lower limit that the server announces wins",
            aliases=("ping-body-limit",),
        ),
    ] = 100_000
    run_id: Annotated[bool, Key("tie start and end together, for overlapping runs")] = True
    exit_status: Annotated[bool, Key("tell a failure by its exit status instead of `/fail`")] = (
        False
    )

    def messages(self, event: Event) -> Talk:
        """One POST; `log` only if there is something to say."""
        state = self.counts_as(event.state)
        body = b"" if state is State.START else self._body(event, state)
        if state is State.LOG and not body:
            return
        text = (("Content-Type", "text/plain; charset=utf-8"),)
        answer = yield HttpRequest(
            method="POST",
            url=request.ping(self._base(), self._ending(state, event), self._query(event)),
            headers=text if body else (),
            body=body,
        )
        _check_counted(answer)
        if limit := _announced(answer):
            yield Fact(LIMIT, limit)

    def _base(self) -> Secret:
        url = self.url.reveal()
        return self.url if "://" in url else Secret(self.HOME + url.lstrip("/"))

    def _ending(self, state: State, event: Event) -> str:
        code = event.report.exit_code
        if state is State.FAIL and self.exit_status and 1 <= code <= 255:
            return f"/{code}"
        return ENDINGS[state]

    def _query(self, event: Event) -> list[tuple[str, str]]:
        query = []
        if self.create_slug and not _UUID.search(request.parts(self._base()).path):
            query.append(("create", "1"))
        if self.run_id:
            query.append(("rid", event.report.run_id))
        return query

    def _body(self, event: Event, state: State) -> bytes:
        """At most what we were told to send, and what the server said it keeps.

        Without logs only the sentence, and only if no other event is going to tell the outcome.
        """
        if not self.send_logs:
            alone = state is State.LOG and not payload.is_only_log(event)
            return utf8.encode(sentence(event)) if alone else b""
        limits = [self.body_limit, int(event.facts.get(LIMIT, 0))]
        limit = min((limit for limit in limits if limit > 0), default=0)
        return payload.body(event, verbosity=self.verbosity, limit=limit)

    def check(self) -> list[str]:
        """The URL may be only the end of one."""
        problems = Monitor.check(self)
        url = request.known(self.url)
        if url is not None and "://" in url:
            problems += request.url_problems("url", self.url)
        elif url is not None and not _END.match(url.partition("?")[0]):
            problems.append("`url` must be a URL, a UUID, or PING-KEY/SLUG")
        if self.body_limit < 0:
            problems.append("`body-limit` must not be negative")
        return problems

    def advice(self) -> list[str]:
        """A UUID names a check that exists already."""
        url = request.known(self.url)
        if self.create_slug and url is not None and _UUID.search(f"/{url.partition('?')[0]}"):
            return ["`create-slug` has no effect on a URL with a UUID"]
        return []


def _check_counted(answer: HttpResponse) -> None:
    """hc-ping.com says `OK (not found)` and `OK (rate limited)` with the status 200."""
    said = answer.body[:100].decode(errors="replace").strip()
    if "(not found)" in said:
        raise MonitorError(f"the server knows no such check: `{said}`")
    if "(rate limited)" in said:
        raise MonitorError(f"the server did not count the ping: `{said}`")


def _announced(answer: HttpResponse) -> str:
    limit = answer.headers.get(LIMIT, "")
    return limit if limit.isascii() and limit.isdigit() else ""


SERVICE = Healthchecks
