"""The entry point: every command joins the app, and errors become an exit status."""

from __future__ import annotations

import sys
import traceback

from resticprof.cli import help as _help
from resticprof.cli import inspect, monitor, schedule
from resticprof.cli.app import app
from resticprof.errors import Error

COMMANDS = (_help, inspect, schedule, monitor)
"""Importing them is what puts their commands into the app, in this order."""


def main() -> None:
    """Run the command line; the only place where errors become an exit status."""
    try:
        app(_with_battery_limit(sys.argv[1:]), prog_name="resticprof")
    except Error as error:
        _say(str(error))
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(141)
    except Exception:  # noqa: BLE001 - an unexpected end must not look like success
        traceback.print_exc()
        _say("this is a mistake in resticprof; please report it with the lines above")
        sys.exit(70)


def _say(text: str) -> None:
    sys.stderr.write(f"resticprof: {text}\n")


def _with_battery_limit(words: list[str]) -> list[str]:
    """`--ignore-on-battery` alone means at any charge; no command of restic has such a flag."""
    return ["--ignore-on-battery=100" if word == "--ignore-on-battery" else word for word in words]
