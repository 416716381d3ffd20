"""One run: what was asked for, what is going to happen, what happened."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Literal

import msgspec

from resticprof.model.types import Secret, Text


class State(enum.Enum):
    """What a monitor is told."""

    START = "start"
    LOG = "log"
    FINISH = "finish"
    WARN = "warn"
    FAIL = "fail"


class Outcome(enum.Enum):
    """How a run ended."""

    SUCCESS = "success"
    WARNING = "warning"
    SKIPPED = "skipped"
    FAILED = "failed"


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request, ready to be sent. Header values may be secret."""

    method: str
    url: Text
    headers: tuple[tuple[str, Text], ...] = ()
    body: bytes | None = None
    public_body: bytes | None = None  # the body as it may be shown; None: it holds no secret
    accept: tuple[int, ...] = ()  # statuses that mean success; empty: every one below 400


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    status: int
    headers: dict[str, str] = {}  # names in lower case
    body: bytes = b""


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A text for the Apprise library, which sends by itself (`system/apprise.py`)."""

    urls: tuple[Secret, ...]
    labels: tuple[str, ...] = ()  # what to call them in messages
    title: str
    body: str
    kind: Literal["info", "success", "warning", "failure"] = "info"
    backend: str = "auto"  # auto, library, executable
    told: tuple[int, ...] = ()  # places of those that have it already


class Fact(msgspec.Struct, frozen=True):
    """What a service learned; it gets it back as `Event.facts` at the next event of the run."""

    name: str
    value: str


Message = HttpRequest | Notification | Fact
"""What a monitor can ask the frame to deliver, or to remember."""


class Transport(msgspec.Struct, frozen=True, kw_only=True):
    """How requests travel: time limit, and whom to trust. Equal ones share a client."""

    timeout: float = 30.0  # seconds; 0 or less: no limit, as in the reference
    verify: bool = True
    ca_certificates: tuple[str, ...] = ()
    client_cert: str | None = None
    client_key: str | None = None
    strict_redirects: bool = False  # 301 and 302 make no GET of a POST, and https is never left

    @property
    def limit(self) -> float | None:
        """The time limit, if there is one."""
        return self.timeout if self.timeout > 0 else None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """A program to start: the true words, and the same words as they may be shown."""

    argv: tuple[str, ...]
    public: tuple[str, ...] = ()  # masked argv; empty: argv holds no secret
    env: dict[str, str] | None = None  # the whole environment; None: ours
    cwd: str | None = None

    @property
    def shown(self) -> tuple[str, ...]:
        """The words for logs and errors."""
        return self.public or self.argv


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """How a program ended. `exit_code` is -n when signal n ended it. Texts are tails."""

    command: Command
    exit_code: int
    stdout: str = ""
    stderr: str = ""
    seconds: float = 0.0
    timed_out: bool = False
    interrupted: int = 0  # the signal to us that made the program fail; 0: none


class Summary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """restic's numbers; what is not known is absent, never 0. Sizes are bytes."""

    files_new: int | None = None
    files_changed: int | None = None
    files_unmodified: int | None = None
    dirs_new: int | None = None
    dirs_changed: int | None = None
    dirs_unmodified: int | None = None
    files_total: int | None = None
    bytes_added: int | None = None
    bytes_added_packed: int | None = None
    bytes_total: int | None = None
    snapshot_id: str | None = None
    snapshots_kept: int | None = None  # forget
    snapshots_removed: int | None = None  # forget
    bytes_removed: int | None = None  # prune
    errors: int | None = None  # check: num_errors; backup: items that could not be read


class StepReport(msgspec.Struct, frozen=True, kw_only=True):
    """One restic command of a run: `check`, `retention`, `backup`, `init`, …"""

    name: str
    exit_code: int
    seconds: float
    ended: datetime | None = None  # aware
    error: str = ""  # the cause only, such as `exit status 1`; empty: success
    meaning: str = ""  # why it failed, in words of ours: `the password is wrong`
    stderr: str = ""
    summary: Summary | None = None
    attempts: int = 1


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The error context of hooks: what failed, and how."""

    message: str
    command_line: str = ""
    exit_code: int = -1
    stderr: str = ""
    reason: str = ""  # "lock" when the lock could not be had


ANSWER = 25
"""Level of output that was asked for (statistics, listings): between info and warning."""


class LogLine(msgspec.Struct, frozen=True):
    """One line of the log, scrubbed of secrets."""

    level: int  # of logging, or ANSWER
    text: str  # without escapes and line end
    time: datetime  # aware; when it was written
    number: int = 0  # position in the whole log of the run, from 1


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run, for monitors, HTTP hooks, templates, `on-error`, the status file and metrics."""

    run_id: str  # a canonical UUID
    profile: str
    command: str
    host: str
    started: datetime  # aware
    ended: datetime | None = None  # None while it runs
    group: str = ""
    user: str = ""
    config_file: str = ""
    repository: str = ""  # masked
    dry_run: bool = False
    outcome: Outcome | None = None  # None while it runs
    exit_code: int = 0
    failure: Failure | None = None
    steps: tuple[StepReport, ...] = ()
    summary: Summary | None = None  # of the main step
    unreadable: tuple[str, ...] = ()  # first items that restic could not read
    skip_reason: str = ""
    restic_version: str = ""
    version: str = ""
    log: tuple[LogLine, ...] = ()  # a tail

    @property
    def seconds(self) -> float:
        """Length of the run in seconds; 0 while it runs."""
        return (self.ended - self.started).total_seconds() if self.ended else 0.0

    @property
    def time(self) -> datetime:
        """When it happened, for whoever keeps one time for a run: its end, before it its start."""
        return self.ended or self.started


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What a monitor is told, and when it happened."""

    state: State
    report: Report
    sentence: str = ""  # the one-line summary for humans
    test: bool = False  # `monitor test`: must be marked as such
    mark: str = ""  # goes in front of every text, such as `[delayed, 2026-02-03 04:05] `
    facts: dict[str, str] = {}  # what this service was told earlier in the run
    told: tuple[int, ...] = ()  # places of the recipients that have it already
    environment: dict[str, str] = {}  # further variables for texts: those of the profile


OUTPUTS = ("auto", "log", "console", "all")
"""Where the output of commands can go."""


class Invocation(msgspec.Struct, frozen=True, kw_only=True):
    """The options before the command, understood. Durations are seconds."""

    config: str = "profiles"
    format: str = ""
    name: str | None = None
    name_typed: bool = False  # --name on the command line: then the first word is a command
    log: str = ""
    command_output: str = "auto"
    dry_run: bool = False
    no_lock: bool = False
    lock_wait: float = 0.0
    quiet: bool = False
    verbose: int = 0  # as restic counts: 1 -v, 3 --trace
    stderr: bool = False
    no_ansi: bool = False
    theme: str = "light"
    no_prio: bool = False
    wait: bool = False
    ignore_on_battery: int = 0  # percent; 100: always, 0: never
    monitoring_verbosity: int | None = None
    no_monitor: bool = False
