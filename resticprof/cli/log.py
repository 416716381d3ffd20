"""The log of this process, as the command line asks for it."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from resticprof.model import masking
from resticprof.system.logs import LEVELS, Logs

if TYPE_CHECKING:
    from resticprof.model.run import Invocation


@contextlib.contextmanager
def logging_for(invocation: Invocation, *, marked: bool = False) -> Iterator[Logs]:
    """The log of this process, on stderr until the configuration says otherwise."""
    logs = Logs(
        level=_level(invocation),
        theme=invocation.theme,
        ansi=not invocation.no_ansi,
        marked=marked,
    )
    logs.scrubber.learn(masking.secret_variables(os.environ))
    try:
        yield logs
    finally:
        logs.close()


def _level(invocation: Invocation) -> int:
    if invocation.quiet and not invocation.verbose:
        return logging.WARNING
    return LEVELS[min(invocation.verbose, 3)]
