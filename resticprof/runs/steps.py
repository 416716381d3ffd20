"""The restic commands of a run, in their order: try each until it works, and judge how it ended."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from resticprof.errors import ResticError
from resticprof.model import report as reports
from resticprof.model.run import Result, StepReport
from resticprof.restic import failures
from resticprof.restic.failures import Cause
from resticprof.runs import arguments, claims
from resticprof.runs.patience import Attempt, Move, Patience, Rules, next_move, stale
from resticprof.runs.plan import Plan, Step
from resticprof.runs.start import Done, Starter
from resticprof.runs.story import WARNING, now
from resticprof.system import process, turns

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.runs.session import Session
    from resticprof.runs.story import Story
    from resticprof.runs.surroundings import Surroundings

log = logging.getLogger("resticprof")


class Steps:
    """Runs the steps of a plan in order; the first failure is a `ResticError`."""

    def __init__(self, plan: Plan, session: Session, story: Story, around: Surroundings) -> None:
        self._plan = plan
        self._session = session
        self._story = story
        self._around = around
        self.patience = Patience(session.invocation.lock_wait)
        self._starter = Starter(plan, session, around, self.patience)
        self._unlocked = False

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
        with self._alone():
            done = self._aside(step)
        if done.result.exit_code == 0:
            log.info("%s: a repository was created", step.command)
        elif self._cause(done) is not Cause.EXISTS:
            why = failures.explanation(done.result.stderr) or process.cause(done.result)
            log.warning("%s: %s", step.command, why)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two runs that create the same repository at the same time would make it useless."""
        with contextlib.ExitStack() as stack:
            for claim in sorted(claims.claims(self._plan, self._around.variables.of_restic())):
                stack.enter_context(turns.one_at_a_time(claim))
            yield

    def _must(self, step: Step) -> None:
        done, attempts = self._attempts(step)
        result = done.result
        flaw = self._flaw(step, done)
        report = StepReport(
            name=step.name,
            exit_code=result.exit_code,
            seconds=result.seconds,
            ended=now(),
            error="" if result.exit_code == 0 or flaw else process.cause(result),
            meaning=self._meaning(done),
            stderr=result.stderr,
            summary=done.collector.summary,
            attempts=attempts,
        )
        self._story.add(report, tolerated=step.main and bool(flaw))
        if step.main:
            collector = done.collector
            self._story.result(collector.summary, collector.unreadable, result.stdout)
        if flaw:
            log.warning("%s: %s", step.name, flaw)
        elif result.exit_code != 0:
            raise self._error(step, result)

    def _flaw(self, step: Step, done: Done) -> str:
        """What is wrong with a result that is no failure all the same; usually nothing.

        restic's warnings of the backup itself count as success when the profile says so. Without
        a rule, a retention has always kept everything; from 0.17 on restic fails then.
        """
        code = done.result.exit_code
        if step.main and step.command == "backup":
            if code == WARNING and self._plan.profile.backup.no_error_on_warning:
                return "restic could not read all source files"
            if code == 0 and done.collector.unreadable:
                return "not all sources are in the snapshot"
        if code != 0 and not step.main and self._cause(done) is Cause.NO_RULE:
            return "there is no `keep-*` rule, so nothing is forgotten"
        return ""

    def _cause(self, done: Done) -> Cause:
        version = self._session.restic.version
        return failures.cause(done.result.exit_code, done.result.stderr, version)

    def _meaning(self, done: Done) -> str:
        if done.result.exit_code == 0 or self._cause(done) is Cause.OTHER:
            return ""
        return self._cause(done).value

    def _error(self, step: Step, result: Result) -> ResticError:
        who = f"{self._plan.command} {step.label}".strip()
        return ResticError(
            f"{who} on profile '{self._plan.profile.name}': {process.cause(result)}",
            command_line=arguments.shown(result.command),
            exit_code=result.exit_code,
            stderr=result.stderr,
            interrupted=result.interrupted,
        )

    # ---- attempts -----------------------------------------------------------------------

    def _attempts(self, step: Step) -> tuple[Done, int]:
        """Try until it works, or until there is nothing left to try; how often it was tried."""
        moves: list[Move] = []
        while True:
            done = self._starter.start(step)
            move, delay = self._next(done, moves.count(Move.RETRY))
            moves.append(move)
            if move is Move.FAIL:
                return done, len(moves)
            why = f"{step.name}: {self._cause(done).value}{self._holder(done)}"
            if move is Move.UNLOCK:
                log.warning("%s; removing the lock, which is stale", why)
                if not self._unlock():
                    return done, len(moves)
            else:
                self._pause(why, moves, delay)

    def _unlock(self) -> bool:
        """Remove a stale lock, once in a run; whether that went well. Why not is told by restic."""
        self._unlocked = True
        done = self._aside(Step(command="unlock", section="unlock", label="unlock"))
        if done.result.exit_code:
            log.error("unlock: %s; not trying again", process.cause(done.result))
        return done.result.exit_code == 0

    def _aside(self, step: Step) -> Done:
        """A command that may fail; but a signal to us ends the run here as everywhere."""
        done = self._starter.start(step)
        if done.result.interrupted:
            raise self._error(step, done.result)
        return done

    def _next(self, done: Done, retried: int) -> tuple[Move, float]:
        """What comes after an attempt; success has nothing to try again either."""
        result, version = done.result, self._session.restic.version
        if result.exit_code in (0, WARNING) or result.interrupted or done.input_is_gone:
            return Move.FAIL, 0.0
        lock = failures.lock_failure(result.exit_code, result.stderr, version)
        if lock is not None:
            self.patience.spend(max(result.seconds, failures.waited(result.stderr)))
        attempt = Attempt(
            locked=lock is not None,
            lock_age=lock.age_seconds if lock else None,
            heals=failures.can_heal(
                result.exit_code, result.stderr, version, done.collector.summary
            ),
            retried=retried,
            unlocked=self._unlocked,
        )
        rules = self._rules()
        if stale(attempt.lock_age, rules.stale_age) and not rules.may_unlock:
            log.info("`force-inactive-lock = true` removes a lock that is so old")
        return next_move(attempt, rules, self.patience)

    def _holder(self, done: Done) -> str:
        """Who has locked the repository, if that is what went wrong."""
        result = done.result
        lock = failures.lock_failure(result.exit_code, result.stderr, self._session.restic.version)
        return f" by {lock.holder}" if lock and lock.holder else ""

    def _rules(self) -> Rules:
        profile, section, global_ = self._plan.profile, self._plan.section, self._session.global_
        wait = section.retry_wait if section.retry_wait is not None else profile.retry_wait
        return Rules(
            stale_age=float(global_.restic_stale_lock_age),
            may_unlock=profile.force_inactive_lock,
            retry_after=float(global_.restic_lock_retry_after),
            retries=self._plan.retries,
            retry_wait=float(wait),
        )

    def _pause(self, why: str, moves: list[Move], delay: float) -> None:
        """Sleep before the next attempt; waiting for a lock takes from `--lock-wait`."""
        wait = reports.duration(delay)
        if moves[-1] is Move.WAIT:
            self.patience.spend(delay)
            left = reports.duration(self.patience.left)
            log.warning("%s; trying again in %s, waiting %s more at most", why, wait, left)
        else:
            retried, limit = moves.count(Move.RETRY), self._plan.retries
            log.warning("%s; trying again in %s (%d of %d)", why, wait, retried, limit)
        self._session.signals.sleep(delay)
