"""Execute body and unit templates for runs and jobs that never were, to find their mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Problem, TemplateError
from resticprof.model.run import Failure, Outcome, Report, Summary
from resticprof.runs import template_data
from resticprof.runs.story import now
from resticprof.schedulers.systemd_units import UnitData

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OUTCOMES: Mapping[str, tuple[Outcome | None, ...]] = {
    "send_before": (None,),
    "send_after": (Outcome.SUCCESS,),
    "send_after_fail": (Outcome.FAILED,),
    "send_finally": (Outcome.SUCCESS, Outcome.FAILED),
}
"""The HTTP hooks of a section, and how the run may look when they are sent; None: it runs."""


def of_body(file: str, stage: str, command: str) -> list[Problem]:
    """The mistake of a body template, with what it is given at this stage of a run."""

    def render(text: str) -> None:
        for outcome in OUTCOMES[stage]:
            template_data.render_body(text, file, _report(command, outcome), "")

    return _mistake(file, render)


def of_unit(file: str) -> list[Problem]:
    """The mistake of a template for units of systemd."""
    data = UnitData(
        **msgspec.structs.asdict(template_data.base_data()),
        job_description="job",
        timer_description="timer",
        working_directory="/",
        command_line="resticprof",
        on_calendar=("daily",),
        systemd_profile="job.service",
        nice=0,
        environment=(),
        environment_file="",
        after_network_online=False,
        cpu_scheduling_policy="",
        io_scheduling_class=0,
        io_scheduling_priority=0,
        user="",
        watchdog="",
    )
    return _mistake(file, lambda text: template_data.render_with_functions(text, data, file))


def _mistake(file: str, render: Callable[[str], object]) -> list[Problem]:
    """What `render` says about the text of a file; one that is not there is told elsewhere."""
    try:
        render(Path(file).read_text(encoding="utf-8", errors="replace"))
    except TemplateError as error:
        return [Problem(error.text, file=error.file, line=error.line)]
    except (OSError, ValueError):
        pass
    return []


def _report(command: str, outcome: Outcome | None) -> Report:
    moment = now()
    return Report(
        run_id="",
        profile="example",
        command=command,
        host="",
        started=moment,
        ended=moment if outcome else None,
        outcome=outcome,
        failure=Failure(message="what failed") if outcome is Outcome.FAILED else None,
        summary=Summary() if command == "backup" and outcome is Outcome.SUCCESS else None,
    )
