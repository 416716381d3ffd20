"""Start restic once: its command line, where its streams lead, and what it said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from resticprof.model.run import Command, Result
from resticprof.restic import output
from resticprof.runs import arguments
from resticprof.runs.plan import DATA_COMMANDS
from resticprof.runs.routes import Role
from resticprof.runs.stream_errors import StreamErrors
from resticprof.system import process, service
from resticprof.system.feed import OurInput
from resticprof.system.process import Streams

if TYPE_CHECKING:
    from resticprof.runs.hooks import Shell
    from resticprof.runs.patience import Patience
    from resticprof.runs.plan import Plan, Step
    from resticprof.runs.session import Session
    from resticprof.runs.surroundings import Surroundings


KEPT_INPUT = 1024 * 1024
"""Bytes of our standard input that another attempt can have; one that is locked out reads less."""


class Done(msgspec.Struct, frozen=True):
    """How restic ended, and what it said."""

    result: Result
    collector: output.Collector
    input_is_gone: bool = False  # it had our standard input, and too much of it to repeat it


class Starter:
    """Starts the steps of one run."""

    def __init__(
        self, plan: Plan, session: Session, around: Surroundings, patience: Patience
    ) -> None:
        self._plan = plan
        self._session = session
        self._around = around
        self._patience = patience
        self._input = OurInput(KEPT_INPUT)

    def start(self, step: Step) -> Done:
        """Run restic to its end, whatever that is."""
        collector = output.collector(step.command)
        command = arguments.command(self._plan, step, self._context(collector))
        limit = self._plan.section.timeout or self._plan.profile.timeout
        service.status(f"{self._plan.title}: restic {step.command}")
        streams = self._streams(step, collector)
        result = process.run(
            command,
            streams,
            timeout=float(limit) if limit else None,
            patient=True,
            on_start=self._around.note_child,
            signals=self._session.signals,
        )
        gone = streams.stdin is self._input and self._input.gone
        return Done(result, collector, input_is_gone=gone)

    def _context(self, collector: output.Collector) -> arguments.Context:
        invocation = self._session.invocation
        return arguments.Context(
            restic=self._session.restic,
            global_=self._session.global_,
            host=self._session.host,
            environment=self._around.variables.of_restic(),
            warn=self._session.warn,
            miss=collector.could_not_read,
            quiet=invocation.quiet,
            verbose=invocation.verbose,
            lock_wait=self._patience.left,
        )

    def _streams(self, step: Step, collector: output.Collector) -> Streams:
        """Where restic's streams lead: its data to stdout, its words to stderr, both to us."""
        routes = self._session.routes
        reactions = StreamErrors(self._plan.profile.stream_error, self._shell)
        return Streams(
            stdin=self._stdin(step),
            stdout=routes.of_output(
                self._role(step),
                None if step.command in DATA_COMMANDS else collector.feed,
                swallow=step.main and self._swallows(step),
                counts=step.main and self._plan.retries > 0,  # never after a snapshot was saved
                needed=step.main and self._plan.only_looks,
            ),
            stderr=routes.of_errors(collector.feed_error, reactions.feed, hidden=step.tried),
            source=f"{self._plan.title}: stdin-command",
        )

    def _shell(self) -> Shell:
        """For what runs beside restic: the lock file keeps naming restic, which may outlive us."""
        return msgspec.structs.replace(self._around.shell(), on_start=None)

    def _role(self, step: Step) -> Role:
        if step.tried:
            return Role.NOTHING
        if self._plan.gives_data:
            return Role.DATA if step.main else Role.ASIDE
        return Role.WORDS

    def _swallows(self, step: Step) -> bool:
        """JSON that we asked for is for us; JSON that the user typed is his."""
        extended = step.command == "backup" and self._plan.profile.backup.extended_status
        return extended and "--json" not in step.extra

    def _stdin(self, step: Step) -> OurInput | tuple[Command, ...] | None:
        backup = self._plan.profile.backup
        if not (step.main and step.command == "backup"):
            return None
        if backup.stdin_command:
            shell = self._shell()
            return tuple(shell.command(line) for line in backup.stdin_command)
        wanted = backup.stdin or "--stdin" in step.extra
        return self._input if wanted else None
