"""Write down what came of a run: status file, Prometheus text file, Pushgateway."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.errors import Error
from resticprof.model.run import Outcome, Transport
from resticprof.monitors import prometheus
from resticprof.runs import status_file
from resticprof.system import files, http, turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.model.config import Global
    from resticprof.model.run import Report
    from resticprof.monitors.exposition import Family
    from resticprof.runs.plan import Plan

log = logging.getLogger("resticprof")


def record(plan: Plan, report: Report, global_: Global) -> None:
    """A record that cannot be written is a warning: the backup itself is what counts."""
    if report.outcome is Outcome.SKIPPED or report.dry_run:
        return
    profile = plan.profile
    if profile.status_file:
        _attempt("status-file", lambda: status_file.record(profile.status_file or "", report))
    if profile.prometheus_save_to_file or profile.prometheus_push:
        _metrics(plan, report, global_)


def _metrics(plan: Plan, report: Report, global_: Global) -> None:
    profile = plan.profile
    families = prometheus.families(report, profile.prometheus_labels)
    if not families:
        return
    file, url = profile.prometheus_save_to_file, profile.prometheus_push
    if file:
        _attempt("prometheus-save-to-file", lambda: _save(file, report, families))
    if url:
        target = prometheus.Push(
            url=url,
            job=profile.prometheus_push_job,
            format=profile.prometheus_push_format,
            labels=profile.prometheus_labels,
        )
        _attempt("prometheus-push", lambda: _push(report, target, global_))


def _save(file: str, report: Report, families: tuple[Family, ...]) -> None:
    with turns.exclusive(file):
        old = (
            Path(file).read_text(encoding="utf-8", errors="replace") if Path(file).exists() else ""
        )
        files.write_atomically(file, prometheus.updated(old, report, families))


def _push(report: Report, target: prometheus.Push, global_: Global) -> None:
    request = prometheus.push(report, target)
    if request is not None:
        transport = Transport(
            timeout=float(global_.send_timeout), ca_certificates=global_.ca_certificates
        )
        http.send(request, transport)


def _attempt(key: str, write: Callable[[], None]) -> None:
    try:
        write()
    except (Error, OSError) as error:
        log.warning("%s: %s", key, error)
