"""What has happened in a run so far, and the report of it."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from resticprof import __version__
from resticprof.errors import CommandError, Error, LockedError
from resticprof.model.run import Failure, LogLine, Outcome, Report, StepReport, Summary
from resticprof.model.types import Secret, public

if TYPE_CHECKING:
    from resticprof.commands.plan import Plan


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

    def add(self, step: StepReport, *, tolerated: bool = False) -> None:
        """One restic command has ended."""
        self.steps.append(step)
        self.warned = self.warned or tolerated

    def result(self, summary: Summary | None, unreadable: tuple[str, ...], stdout: str) -> None:
        """What came of the command that was asked for."""
        self.summary, self.unreadable, self.stdout = summary, unreadable, stdout

    def succeed(self) -> None:
        """Everything up to the last hook went well."""
        self.outcome = Outcome.WARNING if self.warned else Outcome.SUCCESS

    def skip(self, reason: str) -> None:
        """The run was left out on purpose."""
        self.outcome, self.skip_reason = Outcome.SKIPPED, reason

    def fail(self, error: BaseException) -> None:
        """The first error counts; what fails after it is only told in the log."""
        if self.failure is not None:
            return
        self.outcome = Outcome.FAILED
        self.exit_code = error.exit_code if isinstance(error, Error) else 70
        message = str(error) or type(error).__name__
        if isinstance(error, CommandError):
            self.failure = Failure(
                message=message,
                command_line=error.command_line,
                exit_code=error.child_exit_code,
                stderr=error.stderr,
            )
        else:
            locked = isinstance(error, LockedError)
            self.failure = Failure(message=message, reason="lock" if locked else "")

    def end(self) -> None:
        """Stop the clock."""
        self.ended = self.ended or now()

    def report(self, log: tuple[LogLine, ...] = ()) -> Report:
        """The run as it is known now."""
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
            ended=self.ended,
            outcome=self.outcome,
            exit_code=self.exit_code,
            failure=self.failure,
            steps=tuple(self.steps),
            summary=self.summary,
            unreadable=self.unreadable,
            skip_reason=self.skip_reason,
            restic_version=self.restic_version,
            version=__version__,
            log=log,
        )


def now() -> datetime:
    """The current time, aware, in the local zone."""
    return datetime.now(timezone.utc).astimezone()
