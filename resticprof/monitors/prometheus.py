"""A run as metrics for Prometheus, in a file for node_exporter or pushed to a Pushgateway.

Metrics that start with `resticprofile_backup_` have the reference's names, which dashboards use.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

from resticprof.model import expansion
from resticprof.model.run import HttpRequest, Outcome, Report, StepReport, Summary
from resticprof.model.types import Secret, Text, public, reveal
from resticprof.monitors import exposition
from resticprof.monitors.exposition import Family, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

BACKUP = "resticprofile_backup_"
LAST_SUCCESS = "resticprof_last_success_timestamp_seconds"

BACKUP_NUMBERS = {
    "files_new": ("files_new", "Number of new files added to the backup."),
    "files_changed": ("files_changed", "Number of files with changes."),
    "files_unmodified": ("files_unmodified", "Number of files unmodified since last backup."),
    "files_processed": ("files_total", "Total number of files scanned by the backup."),
    "dir_new": ("dirs_new", "Number of new directories added to the backup."),
    "dir_changed": ("dirs_changed", "Number of directories with changes."),
    "dir_unmodified": ("dirs_unmodified", "Number of directories unmodified since last backup."),
    "added_bytes": ("bytes_added", "Bytes added to the repository."),
    "added_bytes_packed": ("bytes_added_packed", "Bytes added to the repository, compressed."),
    "processed_bytes": ("bytes_total", "Bytes scanned by the backup."),
}
"""End of the metric's name to the field of the summary and the help text."""

RUN_NUMBERS = {
    "resticprof_last_run_snapshots_kept": ("snapshots_kept", "Snapshots that forget kept."),
    "resticprof_last_run_snapshots_removed": ("snapshots_removed", "Snapshots forget removed."),
    "resticprof_last_run_removed_bytes": ("bytes_removed", "Bytes that prune freed."),
    "resticprof_last_run_errors": (
        "errors",
        "Damages that check found, or items that the backup could not read.",
    ),
}
"""Metric to the field of the summary and the help text; each has a label `command`."""


# ---- from a run to metrics --------------------------------------------------------------------


def families(report: Report, labels: Mapping[str, str] | None = None) -> tuple[Family, ...]:
    """The metrics of a run that has ended, sorted by name; what is not known is absent.

    A run that was skipped on purpose, and a dry run, have none: nothing must be written then.
    """
    if report.dry_run or report.outcome in (None, Outcome.SKIPPED):
        return ()
    common = _names_made_valid(labels or {}) | {"profile": report.profile}
    if report.group:
        common["group"] = report.group
    found: dict[str, Family] = {}
    for name, help_text, value, own in _values(report):
        sample = Sample(tuple(sorted((common | own).items())), value)
        family = found.get(name, Family(name, help_text, ()))
        found[name] = msgspec.structs.replace(family, samples=(*family.samples, sample))
    return tuple(found[name] for name in sorted(found))


_Value = tuple[str, str, float, dict[str, str]]


def _values(report: Report) -> Iterator[_Value]:
    """Name, help, value and own labels of each metric."""
    versions = {
        "resticprof_build_info": report.version,
        "resticprofile_build_info": report.version,
        "restic_build_info": report.restic_version,
    }
    for name, version in versions.items():
        if version:
            program = name.removesuffix("_build_info")
            yield name, f"{program} build information.", 1, {"version": version}
    steps = _steps(report)
    if "backup" in steps:
        yield from _of_backup(report, steps["backup"])
    for command, step in steps.items():
        yield from _of_command(report, command, step)


def _steps(report: Report) -> dict[str, StepReport | None]:
    """The commands of a run with the last report of each; none for one that did not start."""
    steps: dict[str, StepReport | None] = {report.command: None}
    return steps | {step.name: step for step in report.steps}


def _of_backup(report: Report, step: StepReport | None) -> Iterator[_Value]:
    """The reference's metrics: about restic's part alone."""
    status = 0 if step is None else _status(step)
    yield f"{BACKUP}status", "Backup status: 0=fail, 1=warning, 2=success.", status, {}
    yield f"{BACKUP}time_seconds", "Last backup run (unixtime).", _time(report, step), {}
    if step is not None:
        yield f"{BACKUP}duration_seconds", "The backup duration (in seconds).", step.seconds, {}
        for end, help_text, value in _known(step.summary, BACKUP_NUMBERS):
            yield f"{BACKUP}{end}", help_text, value, {}


def _of_command(report: Report, command: str, step: StepReport | None) -> Iterator[_Value]:
    """Our own: about the whole run for the command that was asked for, else about its step."""
    label = {"command": command}
    if step is None or command == report.command:
        succeeded = report.outcome is not Outcome.FAILED
        status = 1 if _warned(report) else 2 if succeeded else 0
        exit_code, seconds, time = report.exit_code, report.seconds, _time(report)
    else:
        succeeded = not step.error
        status, exit_code, seconds = _status(step), step.exit_code, step.seconds
        time = _time(report, step)
    last = "resticprof_last_run_"
    yield f"{last}status", "Status of the last run: 0=fail, 1=warning, 2=success.", status, label
    yield f"{last}exit_code", "Exit status of the last run.", exit_code, label
    yield f"{last}duration_seconds", "How long the last run took.", seconds, label
    yield f"{last}timestamp_seconds", "When the last run ended.", time, label
    if succeeded:
        yield LAST_SUCCESS, "When the last successful run ended.", time, label
    if step is not None:
        for name, help_text, value in _known(step.summary, RUN_NUMBERS):
            yield name, help_text, value, label


def _known(
    summary: Summary | None, numbers: Mapping[str, tuple[str, str]]
) -> Iterator[tuple[str, str, float]]:
    for name, (field, help_text) in numbers.items():
        value = getattr(summary, field, None)
        if value is not None:
            yield name, help_text, value


def _status(step: StepReport) -> int:
    if step.exit_code == 3:
        return 1
    return 0 if step.error or step.exit_code else 2


def _warned(report: Report) -> bool:
    return report.outcome is Outcome.WARNING or report.exit_code == 3


def _time(report: Report, step: StepReport | None = None) -> float:
    """When the run ended, or one step of it."""
    return ((step and step.ended) or report.time).timestamp()


def _names_made_valid(labels: Mapping[str, str]) -> dict[str, str]:
    """Prometheus refuses names such as `data-center`."""
    return {
        re.sub(r"^(?=\d)|\W", "_", name, flags=re.ASCII): value
        for name, value in labels.items()
        if name
    }


# ---- the file of node_exporter ---------------------------------------------------------------


def updated(old: str, report: Report, metrics: Iterable[Family]) -> str:
    """The text of a file with this run in it.

    What other profiles and commands have written stays, and so does the time of the last success
    when this run has none. Numbers of an older run of the same command go.
    """
    kept = {
        family.name: msgspec.structs.replace(
            family,
            samples=tuple(
                sample for sample in family.samples if not _outdated(family.name, sample, report)
            ),
        )
        for family in exposition.read(old)
    }
    for family in metrics:
        new = {sample.labels for sample in family.samples}
        others = kept[family.name].samples if family.name in kept else ()
        stays = tuple(sample for sample in others if sample.labels not in new)
        kept[family.name] = msgspec.structs.replace(family, samples=(*stays, *family.samples))
    return exposition.text(kept[name] for name in sorted(kept) if kept[name].samples)


def _outdated(name: str, sample: Sample, report: Report) -> bool:
    if sample.label("profile") != report.profile or sample.label("group") != report.group:
        return False
    if name.startswith(BACKUP):
        return "backup" in _steps(report)
    if name.endswith("_build_info"):
        return True
    return name.startswith("resticprof_last_run_") and sample.label("command") in _steps(report)


# ---- Pushgateway --------------------------------------------------------------------------------


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """Where and how to push."""

    url: Text
    job: str | None = None  # `$command` is replaced; None: `<profile>.<command>`
    format: str = "text"  # or protobuf
    labels: Mapping[str, str] = {}


def push(report: Report, target: Push) -> HttpRequest | None:
    """The request; POST leaves the group's other metrics, such as the last success, as they are.

    `None` when the run has no metrics.
    """
    labels = {name: value for name, value in target.labels.items() if name != "job"}
    metrics = families(report, labels)  # the gateway refuses metrics that have a job of their own
    if not metrics:
        return None
    path = f"/metrics/{_segment(job_name(report, target.job))}"
    in_text = target.format == "text"
    body = exposition.text(metrics).encode("utf-8", "replace")
    return HttpRequest(
        method="POST",
        url=Secret(_joined(reveal(target.url), path), public=_joined(public(target.url), path)),
        headers=(("Content-Type", exposition.TEXT if in_text else exposition.PROTOBUF),),
        body=body if in_text else exposition.protobuf(metrics),
        accept=(200, 202),
    )


def job_name(report: Report, template: str | None) -> str:
    """The job: by its template, in which only the command is known."""
    if not template:
        return f"{report.profile}.{report.command}"
    return expansion.expand(
        template, lambda name: report.command if name.lower() == "command" else ""
    )


def _joined(url: str, path: str) -> str:
    return ("" if "://" in url else "http://") + url.rstrip("/") + path


def _segment(job: str) -> str:
    """`job/name`; a name with a slash, or without any character, is sent in base64."""
    if not job:
        return "job@base64/="
    if "/" in job:
        encoded = base64.urlsafe_b64encode(job.encode("utf-8", "replace")).decode().rstrip("=")
        return f"job@base64/{encoded}"
    return f"job/{quote(job, safe='', errors='replace')}"
