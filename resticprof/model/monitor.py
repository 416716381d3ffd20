"""What a monitoring service is: its keys, and the requests it makes for an event."""

from __future__ import annotations

from collections.abc import Generator
from typing import Annotated, ClassVar, Literal

from resticprof.model.report import took_place
from resticprof.model.run import Event, HttpResponse, Message, State
from resticprof.model.table import Key, Table
from resticprof.model.types import Duration, Text

Talk = Generator[Message, HttpResponse, None]
"""The messages of one event, in order; each answer comes back as the value of `yield`.

A message that cannot be delivered is thrown into the talk as an error, so that the service can
clean up (Zabbix logs out), and comes out of it again. `monitors/talk.py` carries this out.
"""

Kind = Literal["heartbeat", "notification", "log"]
"""A heartbeat service alerts when nothing arrives; a notification service relays what we send."""

States = Annotated[
    tuple[str, ...], Key("events that are sent", values=("start", "log", "finish", "warn", "fail"))
]


class MonitorHeader(Table):
    """One header that is added to each request of a monitor."""

    name: Annotated[str, Key("name of the header")] = ""
    value: Annotated[Text, Key("value of the header")] = ""


class Monitor(Table):
    """The keys that every service shares; a service adds its own (docs/monitoring.md)."""

    MAIN_KEY: ClassVar[str] = "url"  # what a bare string stands for
    KIND: ClassVar[Kind] = "heartbeat"
    EVENTS: ClassVar[tuple[str, ...]] = ("start", "finish", "warn", "fail")  # what it can be told
    DEPRECATED: ClassVar[str] = ""  # why nobody should use it any more

    name: Annotated[str, Key("tells several entries of one service apart")] = ""
    enabled: Annotated[bool, Key("`false` switches the service off")] = True
    states: States = ()
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
    send_logs: Annotated[
        bool, Key("send the log with the outcome, where the service takes one")
    ] = False
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
        """What to tell this service about `event`; ask `wants` first. Pure."""
        raise NotImplementedError

    def wants(self, event: Event) -> bool:
        """Whether `event` is to be told: `states` lists it, or a policy (`on-…`) made it."""
        report, told = event.report, self.counts_as(event.state)
        if not self.enabled or self.verbosity < -1 or told.value not in self.EVENTS:
            return False
        if self.commands and report.command not in self.commands:
            return False
        if told is State.LOG and (event.state is State.WARN or not took_place(report)):
            return True
        return bool({told.value, event.state.value} & set(self.states))

    def counts_as(self, state: State) -> State:
        """The state that is told: a warning becomes what `on-warning` says.

        A service that knows no `log` is told `finish` for it.
        """
        if state is not State.WARN:
            return state
        if self.on_warning == "log" and "log" in self.EVENTS:
            return State.LOG
        return State.FINISH if self.on_warning in ("finish", "log") else State.FAIL

    def due(self, waiting: int, seconds: float) -> bool:
        """Whether so many new log lines, the oldest so old, are worth a `log` event in between."""
        del waiting, seconds
        return False

    def outdates(self, event: Event, older: Event) -> bool:
        """Whether `older`, which could not be told, must not be any more after `event` was."""
        del event, older
        return False

    def check(self) -> list[str]:
        """What is wrong with the values together; each text names its keys. For load time."""
        problems = [
            f"`states`: there is no `{state}` for this service; there are {_words(self.EVENTS)}"
            for state in self.states
            if state not in self.EVENTS
        ]
        if bool(self.tls_client_cert) != bool(self.tls_client_key):
            problems.append("`tls-client-cert` and `tls-client-key` need each other")
        if self.timeout <= 0:
            problems.append("`timeout` must be more than 0")
        if self.retries < 0:
            problems.append("`retries` must not be negative")
        if not -2 <= self.verbosity <= 2:
            problems.append("`verbosity` must be from -2 to 2")
        return problems

    def advice(self) -> list[str]:
        """What works, but not as it was meant, for one warning each at load time."""
        return [self.DEPRECATED] if self.DEPRECATED else []


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
