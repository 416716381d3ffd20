"""What stands around restic in a run: shell hooks, HTTP hooks, and what monitors are told."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from resticprof.commands import hooks, template_data, webhooks
from resticprof.commands.hooks import Shell
from resticprof.model import masking
from resticprof.model import report as reports
from resticprof.model.run import Event, Report, State
from resticprof.model.types import Text, reveal
from resticprof.system import environment

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from resticprof.commands.plan import Plan
    from resticprof.commands.session import Session
    from resticprof.commands.story import Story
    from resticprof.model.config import Webhook

log = logging.getLogger("resticprof")


class Surroundings:
    """The hooks and requests of one run, with the variables as they are at that moment."""

    def __init__(self, plan: Plan, session: Session, story: Story) -> None:
        self._plan = plan
        self._session = session
        self._story = story
        self._background: list[threading.Thread] = []

    def report(self) -> Report:
        """The run as it is known now, with the end of its log."""
        report = self._story.report(self._session.logs.tail.lines())
        return scrubbed(report, self._session.logs.scrubber.scrub)

    def event(self, state: State) -> Event:
        """The run as monitors and texts see it."""
        report = self.report()
        sentence = reports.summary_sentence(report)
        return Event(state=state, report=report, sentence=sentence, environment=self.environment())

    # ---- environment --------------------------------------------------------------------

    def variables(self) -> dict[str, Text]:
        """The variables of restic and of hooks; the files are read again each time.

        Those with a secret name are secret, and hidden in the log from now on.
        """
        profile = self._plan.profile
        found = environment.of_profile(
            files=profile.env_file,
            variables={name: reveal(value) for name, value in profile.env.items()},
        )
        known: dict[str, Text] = {
            name: masking.variable_secret(name, value) for name, value in found.items()
        }
        secrets = masking.secrets_in((profile, known))
        self._session.logs.scrubber.learn(secrets)
        return {**known, "PROFILE_NAME": profile.name, "PROFILE_COMMAND": self._plan.command}

    def environment(self) -> dict[str, str]:
        """The same as plain text, for a child."""
        return {name: reveal(value) for name, value in self.variables().items()}

    def _hook_environment(self) -> dict[str, str]:
        """The same, with the results so far and the error context for hooks."""
        base = self.environment()
        results = {
            name: value
            for name, value in reports.variables(self.event(self._state())).items()
            if name in RESULTS and name not in base
        }
        return {**base, **results, **hooks.failure_variables(self._story.failure)}

    def _state(self) -> State:
        if self._story.failure is not None:
            return State.FAIL
        return State.FINISH if self._story.outcome else State.START

    # ---- shell hooks --------------------------------------------------------------------

    def hooks(self, lines: tuple[str, ...], name: str, *, may_skip: bool = False) -> None:
        """Run shell lines until one fails: `HookError`, or `Skipped` for exit status 75."""
        if lines:
            hooks.run_lines(lines, self._label(name), self.shell(), may_skip=may_skip)

    def all_hooks(self, lines: tuple[str, ...], name: str) -> None:
        """Run every shell line; failures are told in the log."""
        if lines:
            hooks.run_all(lines, self._label(name), self.shell())

    def on_error(self, lines: tuple[str, ...]) -> None:
        """Run `on-error` lines with their `{names}` replaced by quoted values."""
        if lines and self._story.failure is not None:
            values = _error_values(self.report())
            self.all_hooks(tuple(hooks.interpolate(line, values) for line in lines), "on-error")

    def _label(self, name: str) -> str:
        return f"{name} on profile '{self._plan.profile.name}'"

    def shell(self) -> Shell:
        """How shell lines are started at this moment."""
        limit = self._plan.section.hook_timeout or self._plan.profile.hook_timeout
        return Shell(
            path=self._session.shell,
            environment=self._hook_environment,
            timeout=float(limit) if limit else None,
            signals=self._session.signals,
            streams=self._session.routes.of_hooks(),
        )

    # ---- HTTP hooks ---------------------------------------------------------------------

    def send(self, requests: tuple[Webhook, ...]) -> None:
        """Send HTTP hooks; a failure is one warning and changes nothing."""
        if requests:
            sending = webhooks.Sending(
                variables=self._request_variables(),
                render=self._renderer(),
                global_=self._session.global_,
                dry_run=self._plan.restic_dry_run,
            )
            self._background += webhooks.send(requests, sending)

    def join(self) -> None:
        """Wait for requests in the background; each has its own time limit."""
        for thread in self._background:
            thread.join()

    def _request_variables(self) -> dict[str, str]:
        event = self.event(self._state())
        return {**reports.variables(event), **hooks.failure_variables(event.report.failure)}

    def _renderer(self) -> Callable[[str, str], str]:
        report, stdout = self.report(), self._story.stdout

        def render(text: str, file: str) -> str:
            return template_data.render_body(text, file, report, stdout)

        return render


def scrubbed(report: Report, scrub: Callable[[str], str]) -> Report:
    """The report without known secrets: it goes to services, files and texts."""
    failure = report.failure
    if failure is not None:
        failure = msgspec.structs.replace(
            failure,
            message=scrub(failure.message),
            command_line=scrub(failure.command_line),
            stderr=scrub(failure.stderr),
        )
    steps = tuple(
        msgspec.structs.replace(step, error=scrub(step.error), stderr=scrub(step.stderr))
        for step in report.steps
    )
    unreadable = tuple(map(scrub, report.unreadable))
    return msgspec.structs.replace(report, failure=failure, steps=steps, unreadable=unreadable)


RESULTS = frozenset(
    {
        "STATE",
        "RUN_ID",
        "SUMMARY",
        "DURATION",
        "DURATION_SECONDS",
        "SNAPSHOT_ID",
        "FILES_NEW",
        "FILES_CHANGED",
        "FILES_UNMODIFIED",
        "FILES_PROCESSED",
        "DATA_ADDED",
        "DATA_ADDED_PACKED",
        "BYTES_PROCESSED",
        "WARNING_COUNT",
    }
)
"""Results that hooks find in their environment, unless the profile or the system sets the name."""


def _error_values(report: Report) -> dict[str, str]:
    failure = report.failure
    output = failure.stderr.splitlines() if failure else []
    tail = (["..."] if len(output) > 25 else []) + output[-25:]
    summary = report.summary
    return {
        "configuration_filename": report.config_file,
        "repository": report.repository,
        "error": failure.message if failure else "",
        "output": "\n".join(tail),
        "profile": report.profile,
        "command": report.command,
        "exit_code": str(report.exit_code),
        "run_id": report.run_id,
        "snapshot_id": (summary.snapshot_id or "") if summary else "",
    }
