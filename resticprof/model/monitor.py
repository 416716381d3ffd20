"""What a monitoring service is: its keys, and the requests it makes for an event."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated

from resticprof.model.run import Event, HttpRequest, HttpResponse
from resticprof.model.table import Key, Table
from resticprof.model.types import Duration, Text

Talk = Generator[HttpRequest, HttpResponse, None]
"""The requests of one event, in order; each answer comes back as the value of `yield`."""


class MonitorHeader(Table):
    """One header that is added to each request of a monitor."""

    name: str = ""
    value: Text = ""


class Monitor(Table):
    """The keys that every service shares; a service adds its own (docs/monitoring.md)."""

    name: Annotated[str, Key("tells several entries of one service apart")] = ""
    enabled: Annotated[bool, Key("`false` switches the service off")] = True
    states: Annotated[
        tuple[str, ...], Key("events that are sent", values=("start", "log", "finish", "warn", "fail"))
    ] = ()
    commands: Annotated[tuple[str, ...], Key("commands that are reported; empty: all")] = ()
    timeout: Annotated[Duration, Key("time limit of each request")] = Duration(10)
    retries: Annotated[int, Key("further attempts after a connection error, 429 or 5xx")] = 2
    skip_tls_verification: Annotated[bool, Key("accept any certificate (not recommended)")] = False
    ca_certificates: Annotated[
        tuple[str, ...], Key("PEM files to trust besides `global.ca-certificates`", expand="EHR")
    ] = ()
    tls_client_cert: Annotated[str | None, Key("client certificate, PEM", expand="EHR")] = None
    tls_client_key: Annotated[str | None, Key("its key, PEM", expand="EHR")] = None
    headers: Annotated[tuple[MonitorHeader, ...], Key("headers to add")] = ()
    send_logs: Annotated[bool, Key("send the log with the outcome, where the service takes one")] = False
    verbosity: Annotated[
        int, Key("what is in that log: -1 errors, 0 warnings, 1 steps, 2 debug; -2: no monitoring")
    ] = 1
    on_warning: Annotated[
        str, Key("restic's exit status 3 counts as", values=("", "finish", "fail", "log"))
    ] = ""
    on_lock_failure: Annotated[
        str, Key("a lock that cannot be had counts as", values=("fail", "log", "ignore"))
    ] = "fail"
    on_skip: Annotated[
        str, Key("a run that was skipped counts as", values=("finish", "log", "ignore"))
    ] = "log"

    def messages(self, event: Event) -> Talk:
        """The requests that tell this service about `event`; none when it does not want to know."""
        raise NotImplementedError
