"""Write down what came of a run: status file, Prometheus text file, Pushgateway."""

from __future__ import annotations

import logging

log = logging.getLogger("resticprof")


def record(plan, report, session) -> None:
    pass
