"""A run in words: the one-line summary, the error block, the variables for texts. Pure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from resticprof.model.expansion import expand, from_mapping
from resticprof.model.run import Outcome
from resticprof.model.types import Duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from resticprof.model.run import Event, Failure, Report, StepReport, Summary

MEANINGS = {
    2: "restic crashed",
    3: "some files could not be read",
    10: "no repository",
    11: "repository is locked",
    12: "wrong password",
    130: "interrupted",
}
"""What restic's exit statuses mean (restic documentation, scripting)."""

ERROR_NAMES = frozenset(
    {
        "ERROR",
        "ERROR_MESSAGE",
        "ERROR_COMMANDLINE",
        "ERROR_EXIT_CODE",
        "ERROR_STDERR",
        "RESTIC_STDERR",
    }
)
"""The variables of the error context."""

STDERR_LINES = 10
STDERR_WIDTH = 300
"""How much of an error's output the error block repeats; the rest is in the log."""


def summary_sentence(report: Report) -> str:
    """One line for people: `backup home: OK in 1m16s, 12 new / 3 changed, …`.

    It repeats nothing that restic wrote, so it may go to services that must not see the log.
    """
    who = f"{report.command} {report.profile or report.group}"
    if report.outcome is None:
        return f"{who}: started"
    if report.outcome is Outcome.SKIPPED:
        return f"{who}: SKIPPED ({report.skip_reason or 'on purpose'})"
    seconds = duration(report.seconds)
    if report.outcome is Outcome.FAILED:
        return f"{who}: FAILED ({_cause(report)}) after {seconds}{_saved(report)}"
    how = "OK" if report.outcome is Outcome.SUCCESS else f"WARNING ({_warnings(report)})"
    return ", ".join([f"{who}: {how} in {seconds}", *_numbers(report)])


def mark(event: Event) -> str:
    """What every text of the event begins with; empty for an ordinary one."""
    return ("[test] " if event.test else "") + event.mark


def sentence(event: Event) -> str:
    """The summary that goes with an event."""
    return mark(event) + (event.sentence or summary_sentence(event.report))


def took_place(report: Report) -> bool:
    """Whether the command was tried at all: it was neither skipped nor locked out."""
    locked_out = report.failure is not None and report.failure.reason == "lock"
    return report.outcome is not Outcome.SKIPPED and not locked_out


def error_block(report: Report) -> str:
    """What failed: message, command line, end of its output. Empty when nothing failed."""
    failure = report.failure
    if failure is None:
        return ""
    lines = [failure.message]
    if failure.command_line:
        lines.append(f"command: {failure.command_line[: 2 * STDERR_WIDTH]}")
    if failure.exit_code >= 0:
        lines.append(f"exit status: {failure.exit_code}")
    output = [line.rstrip() for line in failure.stderr.splitlines() if line.strip()]
    if len(output) > STDERR_LINES:
        lines.append("...")
    lines += [line[:STDERR_WIDTH] for line in output[-STDERR_LINES:]]
    return "\n".join(lines)


def variables(event: Event) -> dict[str, str]:
    """The variables of texts, HTTP hooks and `on-error`, by name.

    What is not known is not there, so that nobody takes an unknown number for 0. Those of the
    profile's environment come first: ours win.
    """
    report = event.report
    found = {
        **event.environment,
        "PROFILE_NAME": report.profile or report.group,
        "PROFILE_COMMAND": report.command,
        "STATE": event.state.value,
        "RUN_ID": report.run_id,
        "HOSTNAME": report.host,
        "CONFIG_FILE": report.config_file,
        "REPOSITORY": report.repository,
        "SUMMARY": sentence(event),
        "LOG": "\n".join(line.text for line in report.log if line.level >= logging.INFO),
    }
    if report.ended is not None:
        found["DURATION"] = duration(report.seconds)
        found["DURATION_SECONDS"] = str(round(report.seconds))
    found.update(error_variables(report.failure))
    counts = {**_counts(report.summary), "WARNING_COUNT": warning_count(report)}
    found.update({name: str(count) for name, count in counts.items() if count is not None})
    return found


def error_variables(failure: Failure | None) -> dict[str, str]:
    """The error context by the names of the reference; only a command has an exit status."""
    if failure is None:
        return {}
    found = {"ERROR": failure.message, "ERROR_MESSAGE": failure.message}
    if failure.command_line:
        found["ERROR_COMMANDLINE"] = failure.command_line
        found["ERROR_EXIT_CODE"] = str(failure.exit_code)
    if failure.stderr:
        found["ERROR_STDERR"] = found["RESTIC_STDERR"] = failure.stderr
    return found


def interpolate(text: str, known: Mapping[str, str]) -> str:
    """Replace `${NAME}` and `$NAME`; unknown names become nothing, `$$` becomes `$`."""
    return expand(text, from_mapping(known))


def warning_count(report: Report) -> int | None:
    """How many items restic could not read; None when nobody counted."""
    if report.command == "backup" and report.summary and report.summary.errors is not None:
        return report.summary.errors
    if report.unreadable or report.outcome is Outcome.SUCCESS:
        return len(report.unreadable)
    return None


def duration(seconds: float) -> str:
    """`1m16s`, `3.2s`, `300ms`: as exact as it is useful."""
    return str(Duration(round(seconds) if seconds >= 10 else round(seconds, 1)))


def size(count: int) -> str:
    """`14.2 MiB`; restic's units."""
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if round(value, 1) < 1024:
            return f"{value:.1f} {unit}"
    return f"{value / 1024:.1f} PiB"


def _cause(report: Report) -> str:
    """Why it failed, without paths: restic's status, or the message of a hook."""
    failure = report.failure
    if failure is not None and failure.reason == "lock":
        return "another run holds the lock"
    last = report.steps[-1] if report.steps else None
    if (
        last
        and last.exit_code
        and (failure is None or max(last.exit_code, -1) == failure.exit_code)
    ):
        step = "" if last.name == report.command else f"{last.name}: "
        return step + _of_restic(last)
    if failure is None:
        return f"exit {report.exit_code}"
    return failure.message.partition("\n")[0]


def _of_restic(step: StepReport) -> str:
    """`exit 12: wrong password`, `signal: killed`, `stopped after 2h0m0s, its time limit`"""
    if step.error and not step.error.startswith("exit "):
        return step.error
    status, meaning = f"exit {step.exit_code}", _meaning(step)
    return f"{status}: {meaning}" if meaning else status


def _meaning(step: StepReport) -> str:
    """What restic's exit status says; 3 is about files in a backup only."""
    if step.exit_code == 3 and step.name != "backup":
        return step.meaning
    return MEANINGS.get(step.exit_code) or step.meaning


def _saved(report: Report) -> str:
    """What went well before the failure: whoever is woken by it may go on sleeping."""
    snapshot = report.summary.snapshot_id if report.summary else None
    return f", snapshot {snapshot[:8]} was saved" if snapshot else ""


def _warnings(report: Report) -> str:
    count = warning_count(report)
    if not count:
        return MEANINGS[3]
    return f"{count} {'item' if count == 1 else 'items'} could not be read"


def _numbers(report: Report) -> list[str]:
    """The parts of the sentence after the duration; what is not known is left out."""
    summary = report.summary
    if summary is None:
        return []
    parts = [
        _joined(
            (summary.files_new, "new"),
            (summary.files_changed, "changed"),
            (summary.files_unmodified, "unmodified"),
        ),
        _added(summary),
        _joined((summary.snapshots_removed, "snapshots removed"), (summary.snapshots_kept, "kept")),
    ]
    if summary.bytes_removed is not None:
        parts.append(f"{size(summary.bytes_removed)} freed")
    if report.command == "check" and summary.errors is not None:
        parts.append(f"{summary.errors or 'no'} {'error' if summary.errors == 1 else 'errors'}")
    if summary.snapshot_id:
        parts.append(f"snapshot {summary.snapshot_id[:8]}")
    return [part for part in parts if part]


def _joined(*counts: tuple[int | None, str]) -> str:
    return " / ".join(f"{count} {what}" for count, what in counts if count is not None)


def _added(summary: Summary) -> str:
    """`+14.2 MiB (9.8 MiB stored) of 3.4 GiB`"""
    if summary.bytes_added is None:
        return ""
    text = f"+{size(summary.bytes_added)}"
    if summary.bytes_added_packed is not None:
        text += f" ({size(summary.bytes_added_packed)} stored)"
    return f"{text} of {size(summary.bytes_total)}" if summary.bytes_total is not None else text


def _counts(summary: Summary | None) -> dict[str, int | str | None]:
    if summary is None:
        return {}
    return {
        "SNAPSHOT_ID": summary.snapshot_id,
        "FILES_NEW": summary.files_new,
        "FILES_CHANGED": summary.files_changed,
        "FILES_UNMODIFIED": summary.files_unmodified,
        "FILES_PROCESSED": summary.files_total,
        "DATA_ADDED": summary.bytes_added,
        "DATA_ADDED_PACKED": summary.bytes_added_packed,
        "BYTES_PROCESSED": summary.bytes_total,
    }


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
