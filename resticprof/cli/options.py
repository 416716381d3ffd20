"""The options that stand before the command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from resticprof.model.types import Duration


def _names(*names: str) -> list[str]:
    """Our variable first, then the one that the reference reads."""
    return [f"{prefix}_{name}" for name in names for prefix in ("RESTICPROF", "RESTICPROFILE")]


def _text(default: str = "") -> Callable[[str], str]:
    """Text without the blanks around it; nothing but blanks, as in a variable, is the default."""
    return lambda text: text.strip() or default


def _duration(text: str | float) -> float:
    try:
        return float(Duration.parse(str(text)))  # typer hands in the default as well
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


Config = Annotated[
    str,
    typer.Option(
        "--config",
        "-c",
        parser=_text("profiles"),
        metavar="FILE",
        envvar=_names("CONFIG"),
        help="configuration file, with or without extension",
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        parser=_text(),
        metavar="FORMAT",
        envvar=_names("FORMAT"),
        help="format of that file: toml, yaml, json, hcl",
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        "--profile",
        "-n",
        parser=_text(),
        metavar="NAME",
        envvar=_names("NAME"),
        help="profile or group",
    ),
]
Log = Annotated[
    str,
    typer.Option(
        "--log",
        "-l",
        parser=_text(),
        metavar="TARGET",
        envvar=_names("LOG"),
        help="file, temp:name, syslog: or tcp://host:port",
    ),
]
CommandOutput = Annotated[
    str,
    typer.Option(
        "--command-output",
        parser=_text("auto"),
        metavar="WORDS",
        envvar=_names("COMMAND_OUTPUT"),
        help="auto, log, console or all",
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", envvar=_names("DRY_RUN"), help="print the plan of the run and touch nothing"
    ),
]
NoLock = Annotated[
    bool, typer.Option("--no-lock", envvar=_names("NO_LOCK"), help="take no lock file")
]
LockWait = Annotated[
    float,
    typer.Option(
        "--lock-wait",
        parser=_duration,
        metavar="DURATION",
        envvar=_names("LOCK_WAIT"),
        help="wait for locks: 30s, 1h30m",
    ),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", envvar=_names("QUIET"), help="warnings and errors only")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", envvar=_names("VERBOSE"), help="tell more")
]
Trace = Annotated[bool, typer.Option("--trace", envvar=_names("TRACE"), help="tell everything")]
Stderr = Annotated[
    bool, typer.Option("--stderr", envvar=_names("STDERR"), help="restic's output on stderr too")
]
NoAnsi = Annotated[bool, typer.Option("--no-ansi", envvar=_names("NO_ANSI"), help="no colours")]
Theme = Annotated[
    str,
    typer.Option(
        "--theme",
        parser=_text("light"),
        metavar="THEME",
        envvar=_names("THEME"),
        help="light, dark or none",
    ),
]
NoPriority = Annotated[
    bool,
    typer.Option(
        "--no-prio", envvar=_names("NO_PRIORITY"), help="do not change CPU and IO priority"
    ),
]
Wait = Annotated[
    bool, typer.Option("--wait", "-w", envvar=_names("WAIT"), help="wait for Enter at the end")
]
Battery = Annotated[
    int,
    typer.Option(
        "--ignore-on-battery",
        envvar=_names("IGNORE_ON_BATTERY"),
        metavar="[PERCENT]",
        help="skip the run on battery power, or below this charge",
    ),
]
MonitoringVerbosity = Annotated[
    int | None,
    typer.Option(
        "--monitoring-verbosity",
        min=-2,
        max=2,
        help="what monitors get: -2 nothing, -1 errors … 2 debug",
    ),
]
NoMonitor = Annotated[bool, typer.Option("--no-monitor", help="tell no monitoring service")]
