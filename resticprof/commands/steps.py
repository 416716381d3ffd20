"""The restic commands of a run: build each one when its turn comes, run it, and judge it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from resticprof.commands import arguments
from resticprof.commands.patience import Attempt, Move, Patience, Rules, next_move
from resticprof.commands.plan import Plan, Step
from resticprof.commands.session import DATA_COMMANDS
from resticprof.commands.stream_errors import StreamErrors
from resticprof.errors import CommandError, ResticError
from resticprof.model.run import Command, Result, StepReport
from resticprof.restic import failures, output
from resticprof.restic.failures import Cause
from resticprof.system import process
from resticprof.system.process import Input, Streams

if TYPE_CHECKING:
    from resticprof.commands.session import Session
    from resticprof.commands.story import Story
    from resticprof.commands.surroundings import Surroundings
    from resticprof.system.lock import Lock

log = logging.getLogger("resticprof")

WARNING = 3  # restic ended its work, but could not read some source data


class Done(msgspec.Struct, frozen=True):
    """One attempt at a step: how restic ended, and what it said."""

    result: Result
    collector: output.Collector


class Steps:
    """Runs the steps of a plan in order; the first failure is a `ResticError`."""

    def __init__(self, plan: Plan, session: Session, story: Story, around: Surroundings) -> None:
        self._plan = plan
        self._session = session
        self._story = story
        self._around = around
        self._patience = Patience(session.invocation.lock_wait)
        self._unlocked = False
        self.lock: Lock | None = None

    @property
    def patience(self) -> Patience:
        """What is left of `--lock-wait`; the lock file takes from it too."""
        return self._patience

    def initialize(self) -> None:
        """`initialize`: try `restic init`; that the repository exists already is no failure."""
        if self._plan.init is not None:
            self._try(self._plan.init)

    def run(self) -> None:
        """All steps up to the first that fails."""
        for step in self._plan.steps:
            if step.tried:
                self._try(step)
            else:
                self._must(step)

    # ---- judging ------------------------------------------------------------------------

    def _try(self, step: Step) -> None:
        """`init`: a failure is told in restic's words, unless it says that all is well already."""
        done = self._attempt(step, hidden=True)
        if done.result.interrupted:
            raise self._error(step, done)
        if done.result.exit_code == 0:
            log.info("%s: a repository was created", step.command)
        elif self._cause(done) is not Cause.EXISTS:
            why = failures.explanation(done.result.stderr) or process.cause(done.result)
            log.warning("%s: %s", step.command, why)

    def _must(self, step: Step) -> None:
        done, attempts = self._attempts(step)
        tolerated = self._tolerated(step, done.result)
        self._story.add(
            self._report(step, done, attempts, tolerated=tolerated), tolerated=tolerated
        )
        if step.main:
            self._story.result(
                done.collector.summary, done.collector.unreadable, done.result.stdout
            )
        if tolerated:
            log.warning("%s: restic could not read all source files", step.name)
        elif done.result.exit_code != 0:
            raise self._error(step, done)

    def _tolerated(self, step: Step, result: Result) -> bool:
        """restic's warnings of the backup itself count as success when the profile says so."""
        accepts = self._plan.profile.backup.no_error_on_warning
        return result.exit_code == WARNING and step.main and step.command == "backup" and accepts

    def _report(self, step: Step, done: Done, attempts: int, *, tolerated: bool) -> StepReport:
        result = done.result
        return StepReport(
            name=step.name,
            exit_code=result.exit_code,
            seconds=result.seconds,
            error="" if result.exit_code == 0 or tolerated else process.cause(result),
            meaning=self._meaning(done),
            stderr=result.stderr,
            summary=done.collector.summary,
            attempts=attempts,
        )

    def _meaning(self, done: Done) -> str:
        if done.result.exit_code == 0 or self._cause(done) is Cause.OTHER:
            return ""
        return self._cause(done).value

    def _error(self, step: Step, done: Done) -> CommandError:
        result = done.result
        who = f"{self._plan.command} {step.label}".strip()
        error = ResticError(
            f"{who} on profile '{self._plan.profile.name}': {process.cause(result)}",
            command_line=arguments.shown(result.command),
            exit_code=result.exit_code,
            stderr=result.stderr,
        )
        if result.interrupted:
            error.exit_code = 128 + result.interrupted
        return error

    # ---- attempts -----------------------------------------------------------------------

    def _attempts(self, step: Step) -> tuple[Done, int]:
        """Try until it works, or until there is nothing left to try."""
        number = 1
        while True:
            done = self._attempt(step)
            if done.result.exit_code in (0, WARNING) or done.result.interrupted:
                return done, number
            move, delay = self._next(done, number)
            if move is Move.FAIL:
                return done, number
            if move is Move.UNLOCK:
                self._unlock()
            else:
                self._pause(step, done, move, delay)
            number += 1

    def _cause(self, done: Done) -> Cause:
        version = self._session.restic.version
        return failures.cause(done.result.exit_code, done.result.stderr, version)

    def _next(self, done: Done, number: int) -> tuple[Move, float]:
        result, version = done.result, self._session.restic.version
        lock = failures.lock_failure(result.exit_code, result.stderr, version)
        if lock is not None:
            self._patience.spend(max(result.seconds, failures.waited(result.stderr)))
        attempt = Attempt(
            locked=lock is not None,
            lock_age=lock.age_seconds if lock else None,
            heals=failures.can_heal(
                result.exit_code, result.stderr, version, done.collector.summary
            ),
            number=number,
            unlocked=self._unlocked,
        )
        return next_move(attempt, self._rules(), self._patience)

    def _rules(self) -> Rules:
        profile, section, global_ = self._plan.profile, self._plan.section, self._session.global_
        wait = section.retry_wait if section.retry_wait is not None else profile.retry_wait
        return Rules(
            stale_age=float(global_.restic_stale_lock_age),
            may_unlock=profile.force_inactive_lock,
            retry_after=float(global_.restic_lock_retry_after),
            retries=section.retry if section.retry is not None else profile.retry,
            retry_wait=float(wait),
        )

    def _pause(self, step: Step, done: Done, move: Move, delay: float) -> None:
        log.warning("%s: %s; trying again in %.0f s", step.name, self._cause(done).value, delay)
        if move is Move.WAIT:
            self._patience.spend(delay)
        self._session.signals.sleep(delay)

    def _unlock(self) -> None:
        """`restic unlock`, once in a run."""
        self._unlocked = True
        log.warning("removing a stale lock of the repository")
        self._attempt(Step(command="unlock", section="unlock", label="unlock"))

    # ---- one start of restic ------------------------------------------------------------

    def _attempt(self, step: Step, *, hidden: bool = False) -> Done:
        command = arguments.command(self._plan, step, self._context())
        collector = output.collector(step.command)
        limit = self._plan.section.timeout or self._plan.profile.timeout
        result = process.run(
            command,
            self._streams(step, collector, hidden=hidden),
            timeout=float(limit) if limit else None,
            patient=True,
            on_start=self.lock.add_child if self.lock else None,
            signals=self._session.signals,
        )
        return Done(result, collector)

    def _context(self) -> arguments.Context:
        invocation = self._session.invocation
        return arguments.Context(
            restic=self._session.restic,
            global_=self._session.global_,
            host=self._session.host,
            environment=self._around.variables(),
            warn=self._session.warn,
            quiet=invocation.quiet,
            verbose=invocation.verbose,
            lock_wait=self._patience.left,
        )

    def _streams(self, step: Step, collector: output.Collector, *, hidden: bool) -> Streams:
        """Where restic's streams lead: its data to stdout, its words to stderr, both to us."""
        routes = self._session.routes
        reactions = StreamErrors(self._plan.profile.stream_error, self._around.shell)
        return Streams(
            stdin=self._stdin(step),
            stdout=routes.of_data(
                collector.feed,
                swallow=step.main and self._swallows(step),
                read=step.command not in DATA_COMMANDS,
            ),
            stderr=routes.of_errors(collector.feed_error, reactions.feed, hidden=hidden),
        )

    def _swallows(self, step: Step) -> bool:
        """JSON that we asked for is for us; JSON that the user typed is his."""
        extended = step.command == "backup" and self._plan.profile.backup.extended_status
        return extended and "--json" not in step.extra

    def _stdin(self, step: Step) -> Input | tuple[Command, ...]:
        backup = self._plan.profile.backup
        if not (step.main and step.command == "backup"):
            return Input.NOTHING
        if backup.stdin_command:
            shell = self._around.shell()
            return tuple(shell.command(line) for line in backup.stdin_command)
        return Input.OURS if backup.stdin else Input.NOTHING
