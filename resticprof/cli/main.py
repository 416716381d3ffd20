"""The entry point: every command joins the app, and errors become an exit status."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback

from resticprof.cli import completion, generate, inspect, monitor, schedule
from resticprof.cli import help as _help
from resticprof.cli.app import app
from resticprof.errors import INTERNAL, Error, OutputLost
from resticprof.model import masking

COMMANDS = (_help, inspect, schedule, monitor, generate, completion)
"""Importing them is what puts their commands into the app, in this order."""


def main() -> None:
    """Run the command line; the only place where errors become an exit status."""
    _open_standard_streams()
    try:
        app(prog_name="resticprof")
    except Error as error:
        if not (isinstance(error, OutputLost) and error.ended):  # who left wants to hear nothing
            _say(str(error))
        sys.exit(error.exit_code)
    except Exception:  # noqa: BLE001 - an unexpected end must not look like success
        sys.stderr.write(masking.mask_text(traceback.format_exc()))
        _say("this is a mistake in resticprof; please report it with the lines above")
        sys.exit(INTERNAL)
    finally:
        _give_up_what_is_left()


def _open_standard_streams() -> None:
    """A stream that was closed leads nowhere; otherwise the next file would get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115 - for all our life
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)


def _give_up_what_is_left() -> None:
    """Words that a full disk did not take. Python would try again, and change our exit status."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except OSError:
            setattr(sys, name, None)


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"resticprof: {masking.mask_text(text)}\n")
