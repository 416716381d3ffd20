"""What stands around restic in a run: shell hooks, HTTP hooks, and what monitors are told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from resticprof.model import masking
from resticprof.model import report as reports
from resticprof.model.run import Event, Report, State
from resticprof.runs import hooks, template_data
from resticprof.runs.hooks import Shell
from resticprof.runs.variables import ORIGIN, RESULTS, Variables
from resticprof.telling import webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from resticprof.model.config import Webhook
    from resticprof.runs.plan import Plan
    from resticprof.runs.session import Session
    from resticprof.runs.story import Story
    from resticprof.system.lock import Lock

log = logging.getLogger("resticprof")


class Surroundings:
    """The hooks and requests of one run, with the variables as they are at that moment.

    Once it is decided how the run ended, no signal that came before deters them.
    """

    def __init__(self, plan: Plan, session: Session, story: Story) -> None:
        self.variables = Variables(plan, session, story)
        self._plan = plan
        self._session = session
        self._story = story
        self._background: list[webhooks.Messenger] = []
        self._lock: Lock | None = None
        self._begun = False

    def begin(self, lock: Lock | None) -> None:
        """From here on the profile is ours, and there may be something to clear up."""
        self._lock, self._begun = lock, True

    def note_child(self, pid: int) -> None:
        """A process works under our lock: the lock counts for as long, even if we are killed."""
        if self._lock:
            self._lock.add_child(pid)

    def report(self) -> Report:
        """The run as it is known now, with the end of its log."""
        report = self._story.report(self._session.logs.tail.lines())
        return reports.scrubbed(report, self._session.logs.scrubber.scrub)

    def event(self, state: State | None = None) -> Event:
        """The run as monitors and texts see it."""
        report = self.report()
        return Event(
            state=state or self._story.state,
            report=report,
            sentence=reports.summary_sentence(report),
            environment=self.variables.of_texts(),
        )

    # ---- shell hooks --------------------------------------------------------------------

    def hooks(self, name: str, lines: tuple[str, ...], *, may_skip: bool = False) -> None:
        """Run shell lines until one fails: `HookError`, or `Skipped` for exit status 75."""
        if lines:
            hooks.run_lines(lines, self._label(name), self.shell(), may_skip=may_skip)

    def after_fail(self) -> None:
        """`run-after-fail` of the section and, if that went well, of the profile."""
        with self._story.spared():
            self.hooks(f"run-after-fail {self._plan.command}", self._plan.section.run_after_fail)
            self.hooks("run-after-fail", self._plan.profile.run_after_fail)

    def clear_up(self) -> None:
        """`run-finally`: every line, whatever comes of the others.

        Not if the run never began: what would be cleared up is in use by who holds the lock.
        """
        section, profile = self._plan.section.run_finally, self._plan.profile.run_finally
        names = {f"run-finally {self._plan.command}": section, "run-finally": profile}
        for name, lines in names.items() if self._begun else ():
            for line in lines:
                with self._story.spared():
                    self.hooks(name, (line,))

    def on_error(self) -> None:
        """`on-error`, once the monitors were told of the failure."""
        lines = self._plan.on_error
        if self._story.failure is None:
            return
        if self._plan.restic_dry_run:
            for line in lines:
                log.info("dry-run: on-error: %s", masking.mask_text(line))
            return
        values = hooks.error_values(self.report())
        for line in lines:
            with self._story.spared():
                hooks.run_lines(
                    (hooks.interpolate(line, values),), self._label("on-error"), self.shell(values)
                )

    def _label(self, name: str) -> str:
        return f"{name} on profile '{self._plan.profile.name}'"

    def shell(self, values: Mapping[str, str] | None = None) -> Shell:
        """How shell lines are started at this moment; `values` are those of `on-error`."""
        limit = self._plan.section.hook_timeout or self._plan.profile.hook_timeout
        names = RESULTS if values is None else RESULTS | ORIGIN
        further = {hooks.variable_of(name): value for name, value in (values or {}).items()}
        return Shell(
            path=self._session.shell,
            environment=lambda: {**self.variables.of_hooks(self.event(), names), **further},
            timeout=float(limit) if limit else None,
            signals=self._session.signals,
            streams=self._session.routes.of_hooks(),
            on_start=self.note_child,
            undeterred=self._story.decided,
        )

    # ---- HTTP hooks ---------------------------------------------------------------------

    def send(self, requests: tuple[Webhook, ...]) -> None:
        """Send HTTP hooks; a failure is one warning and changes nothing."""
        if not requests:
            return
        if self._story.decided:
            self._session.signals.acknowledge()
        with self._story.spared():
            self._background += webhooks.send(requests, self._sending())

    def join(self) -> None:
        """Wait for what runs in the background, within its time limit; but not after a signal."""
        if self._session.signals.received:
            webhooks.give_up(self._background)
        else:
            webhooks.wait(self._background, self._session.signals)

    def _sending(self) -> webhooks.Sending:
        event = self.event()
        stdout = self._session.logs.scrubber.scrub(self._story.stdout)

        def render(text: str, file: str) -> str:
            return template_data.render_body(text, file, event.report, stdout)

        failure = hooks.failure_variables(event.report.failure)
        return webhooks.Sending(
            variables={**reports.variables(event), **failure},
            render=render,
            global_=self._session.global_,
            signals=self._session.signals,
            dry_run=self._plan.restic_dry_run,
        )
