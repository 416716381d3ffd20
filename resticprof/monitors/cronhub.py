"""https://cronhub.io, for servers that still answer for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, ClassVar

from resticprof.errors import MonitorError
from resticprof.model.monitor import Monitor, States
from resticprof.model.run import Event, HttpRequest, State
from resticprof.model.table import Key
from resticprof.model.types import MASK, Secret
from resticprof.monitors import request

if TYPE_CHECKING:
    from resticprof.model.monitor import Talk

WORDS = {State.START: "start", State.FINISH: "finish", State.FAIL: "fail"}

_WORD = re.compile(r"/(start|ping|finish|fail)/")


class Cronhub(Monitor, kw_only=True):
    """Cronhub pings: the word in the path of the URL tells the state."""

    DEPRECATED: ClassVar[str] = "Cronhub has shut down; use another service"

    url: Annotated[
        Secret, Key("ping URL; its `/start/` or `/ping/` is replaced", aliases=("ping-url",))
    ]
    states: States = ("start", "finish", "fail")

    def messages(self, event: Event) -> Talk:
        """One GET."""
        whole = request.parts(self.url)
        found = _WORD.search(whole.path)
        if found is None:
            raise MonitorError("the URL has neither `/start/` nor `/ping/` in its path")
        front = f"{whole.path[: found.start()]}/{WORDS[self.counts_as(event.state)]}/"
        yield HttpRequest(
            method="GET",
            url=Secret(
                whole._replace(path=front + whole.path[found.end() :]).geturl(),
                public=f"{whole.scheme}://{whole.netloc.rpartition('@')[2]}{front}{MASK}",
            ),
        )

    def check(self) -> list[str]:
        """Without the word, no state could be told."""
        problems = [*Monitor.check(self), *request.url_problems("url", self.url)]
        url = request.known(self.url)
        if url is not None and not _WORD.search(url.partition("?")[0]):
            problems.append("`url` must contain `/start/` or `/ping/`")
        return problems


SERVICE = Cronhub
