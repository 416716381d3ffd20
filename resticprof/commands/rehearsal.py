"""What services would be told: events of runs that never were, for dry runs and tests."""

from __future__ import annotations

import logging
import uuid
from typing import TYPE_CHECKING

from resticprof import __version__
from resticprof.errors import Error
from resticprof.model import masking
from resticprof.model import report as reports
from resticprof.model.config import Group, Profile
from resticprof.model.run import Event, Failure, LogLine, Outcome, Report, State
from resticprof.monitors import registry
from resticprof.runs.story import now
from resticprof.telling import delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.model.monitor import Monitor
    from resticprof.runs.session import Session

OUTCOMES = {
    State.FINISH: Outcome.SUCCESS,
    State.WARN: Outcome.WARNING,
    State.FAIL: Outcome.FAILED,
}
CODES = {State.WARN: 3, State.FAIL: 1}


def event(
    who: Profile | Group, command: str, session: Session, state: State, *, test: bool = False
) -> Event:
    """An event of a run that never was; `test`: it is going to be sent, and says so.

    Whoever shows it hides the secrets of its environment with the scrubber of the session.
    """
    moment = now()
    environment = delivery.variables(who, follow=test)
    session.logs.scrubber.learn(masking.secret_variables(environment))
    why = "this is a test; nothing has failed" if test else "what failed stands here"
    report = Report(
        run_id=str(uuid.uuid4()),
        profile=who.name if isinstance(who, Profile) else "",
        group=who.name if isinstance(who, Group) else "",
        command=command,
        host=session.host,
        user=session.user,
        config_file=session.config_file,
        started=moment,
        ended=moment if state in OUTCOMES else None,
        outcome=OUTCOMES.get(state),
        exit_code=CODES.get(state, 0),
        failure=Failure(message=why) if state is State.FAIL else None,
        version=__version__,
        log=(LogLine(logging.INFO, "the log of the run stands here", moment, 1),),
    )
    return Event(
        state=state,
        report=report,
        sentence=reports.summary_sentence(report),
        test=test,
        environment=environment,
    )


def lines(
    about: Event, monitors: tuple[Monitor, ...], session: Session, *, when: str = ""
) -> Iterator[str]:
    """What each service would be told, for a dry run; nothing is sent or started."""
    for monitor in monitors:
        if monitor.wants(about):
            title = f"dry-run: {when}{registry.title(monitor)}: {about.state.value}"
            for text in _texts(monitor, about):
                first, *rest = session.logs.scrubber.scrub(text).splitlines()
                yield f"{title}: {first}"
                yield from (f"         {line}" for line in rest)


def _texts(monitor: Monitor, about: Event) -> list[str]:
    if any(masking.needs_command(secret) for secret in masking.all_secrets(monitor)):
        return ["(nothing is started, not even the command that prints its secret)"]
    try:
        return delivery.rehearsed(monitor, about)
    except Error as error:
        return [f"would fail: {error}"]
