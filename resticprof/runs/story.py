"""What has happened in a run so far, and the report of it."""

from __future__ import annotations

import contextlib
import logging
import signal
import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import msgspec

from resticprof import __version__
from resticprof.errors import INTERNAL, PLEASE, CommandError, Error, Interrupted, LockedError
from resticprof.model.run import Failure, LogLine, Outcome, Report, State, StepReport, Summary
from resticprof.model.types import Secret, public
from resticprof.system.streams import without_control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.runs.plan import Plan

log = logging.getLogger("resticprof")

WARNING = 3  # restic ended its work, but not all of it could be done


class Story:
    """Collects the facts of one run; `report` is a snapshot of them."""

    def __init__(self, plan: Plan, *, host: str, user: str) -> None:
        self.plan = plan
        self.run_id = str(uuid.uuid4())
        self.host = host
        self.user = user
        self.started = now()
        self.ended: datetime | None = None
        self.outcome: Outcome | None = None
        self.exit_code = 0
        self.failure: Failure | None = None
        self.skip_reason = ""
        self.steps: list[StepReport] = []
        self.summary: Summary | None = None
        self.unreadable: tuple[str, ...] = ()
        self.stdout = ""  # tail of the main command's output, for body templates
        self.restic_version = ""
        self.warned = False

    # ---- what happens -------------------------------------------------------------------

    def add(self, step: StepReport, *, tolerated: bool = False) -> None:
        """One restic command has ended."""
        self.steps.append(msgspec.structs.replace(step, stderr=_plain(step.stderr)))
        self.warned = self.warned or tolerated

    def result(self, summary: Summary | None, unreadable: tuple[str, ...], stdout: str) -> None:
        """What came of the command that was asked for."""
        self.summary, self.unreadable, self.stdout = summary, unreadable, _plain(stdout)

    def succeed(self) -> None:
        """restic is done and all is well so far; a hook after it may still fail the run."""
        self.outcome = Outcome.WARNING if self.warned else Outcome.SUCCESS

    def skip(self, reason: str) -> None:
        """The run was left out on purpose."""
        self.outcome, self.skip_reason = Outcome.SKIPPED, reason

    def fail(self, error: Exception) -> None:
        """The run ends with this error. It is the first one: later ones are `spared`."""
        self.outcome = Outcome.FAILED
        self.exit_code = error.exit_code if isinstance(error, Error) else INTERNAL
        self.failure = _failure(error, self.plan.title)
        log.error("%s", self.failure.message, exc_info=_traceback(error))

    @contextlib.contextmanager
    def spared(self) -> Iterator[None]:
        """What goes wrong in here is told in the log, and keeps nothing else from happening.

        It does not change how the run ended; only a mistake of ours never looks like success.
        """
        try:
            yield
        except Error as error:
            log.error("%s", error)
        except Exception:
            log.exception(PLEASE)
            self.exit_code = self.exit_code or INTERNAL

    def end(self) -> None:
        """Stop the clock."""
        self.ended = self.ended or now()

    # ---- what is told -------------------------------------------------------------------

    @property
    def decided(self) -> bool:
        """Whether the run has failed, or is over: what is still to be done is done in any case."""
        return self.failure is not None or self.ended is not None

    @property
    def state(self) -> State:
        """The run in one word, for monitors and texts; the last one is the terminal event."""
        if self.outcome is None:
            return State.START
        if self.outcome is Outcome.WARNING or self.exit_code == WARNING:
            return State.WARN
        return State.FAIL if self.outcome is Outcome.FAILED else State.FINISH

    def report(self, log_lines: tuple[LogLine, ...] = ()) -> Report:
        """The run as it is known now. As soon as it has an outcome it has a duration, too."""
        profile = self.plan.profile
        repository = profile.repository
        return Report(
            run_id=self.run_id,
            profile=profile.name,
            command=self.plan.command,
            group=self.plan.group,
            host=self.host,
            user=self.user,
            config_file=self.plan.config_file,
            repository=public(repository) if isinstance(repository, Secret) else "",
            dry_run=self.plan.restic_dry_run,
            started=self.started,
            ended=self.ended or (now() if self.outcome else None),
            outcome=self.outcome,
            exit_code=self.exit_code,
            failure=self.failure,
            steps=tuple(self.steps),
            summary=self.summary,
            unreadable=self.unreadable,
            skip_reason=self.skip_reason,
            restic_version=self.restic_version,
            version=__version__,
            log=log_lines,
        )


def _traceback(error: Exception) -> Exception | None:
    """An error that we explain needs none."""
    return None if isinstance(error, Error) else error


def _failure(error: Exception, title: str) -> Failure:
    """The error context of hooks."""
    match error:
        case CommandError():
            return Failure(
                message=_plain(str(error)),
                command_line=_plain(error.command_line),
                exit_code=max(error.child_exit_code, -1),
                stderr=_plain(error.stderr),
            )
        case Interrupted():
            name = signal.Signals(error.signal).name
            return Failure(message=f"{title}: interrupted by {name}")
        case Error():
            reason = "lock" if isinstance(error, LockedError) else ""
            return Failure(message=_plain(str(error)), reason=reason)
        case _:
            return Failure(message=_plain(f"{title}: {PLEASE}: {type(error).__name__}: {error}"))


def _plain(text: str) -> str:
    """Text that every variable and every request can hold: UTF-8, and nothing for a terminal."""
    return without_control(text).replace("\0", "").encode(errors="replace").decode()


def now() -> datetime:
    """The current time, aware, in the local zone."""
    return datetime.now(timezone.utc).astimezone()
