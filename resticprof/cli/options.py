"""The options that stand before the command."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from resticprof import __version__
from resticprof.model.types import Duration


def _option(*names: str, variable: str, **about: Any) -> Any:
    """An option that a variable can give as well: ours, or the one that the reference reads."""
    variables = [f"{prefix}_{variable}" for prefix in ("RESTICPROF", "RESTICPROFILE")]
    return typer.Option(*names, envvar=variables, show_envvar=False, **about)


def _text(default: str = "") -> Callable[[str], str]:
    """Text without the blanks around it; nothing but blanks, as in a variable, is the default."""
    return lambda text: text.strip() or default


def _duration(text: str | float) -> float:
    try:
        return float(Duration.parse(str(text)))  # typer hands in the default as well
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"resticprof {__version__}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", is_eager=True, callback=_version, help="show the version")
]
Config = Annotated[
    str,
    _option(
        "--config",
        "-c",
        parser=_text("profiles"),
        metavar="FILE",
        variable="CONFIG",
        help="configuration file, with or without extension",
    ),
]
Format = Annotated[
    str,
    _option(
        "--format",
        "-f",
        parser=_text(),
        metavar="FORMAT",
        variable="FORMAT",
        help="format of that file: toml, yaml, json, hcl",
    ),
]
Name = Annotated[
    str | None,
    _option(
        "--name",
        "--profile",
        "-n",
        parser=_text(),
        metavar="NAME",
        variable="NAME",
        help="profile or group",
    ),
]
Log = Annotated[
    str,
    _option(
        "--log",
        "-l",
        parser=_text(),
        metavar="TARGET",
        variable="LOG",
        help="file, temp:name, syslog: or tcp://host:port",
    ),
]
CommandOutput = Annotated[
    str,
    _option(
        "--command-output",
        parser=_text("auto"),
        metavar="WORDS",
        variable="COMMAND_OUTPUT",
        help="auto, log, console or all",
    ),
]
DryRun = Annotated[
    bool,
    _option("--dry-run", variable="DRY_RUN", help="print the plan of the run and touch nothing"),
]
NoLock = Annotated[bool, _option("--no-lock", variable="NO_LOCK", help="take no lock file")]
LockWait = Annotated[
    float,
    _option(
        "--lock-wait",
        parser=_duration,
        metavar="DURATION",
        variable="LOCK_WAIT",
        show_default=False,
        help="wait for locks: 30s, 1h30m",
    ),
]
Quiet = Annotated[bool, _option("--quiet", "-q", variable="QUIET", help="warnings and errors only")]
Verbose = Annotated[bool, _option("--verbose", "-v", variable="VERBOSE", help="tell more")]
Trace = Annotated[bool, _option("--trace", variable="TRACE", help="tell everything")]
Stderr = Annotated[
    bool, _option("--stderr", variable="STDERR", help="restic's output on stderr too")
]
NoAnsi = Annotated[bool, _option("--no-ansi", variable="NO_ANSI", help="no colours")]
Theme = Annotated[
    str,
    _option(
        "--theme",
        parser=_text("light"),
        metavar="THEME",
        variable="THEME",
        help="light, dark or none",
    ),
]
NoPriority = Annotated[
    bool,
    _option("--no-prio", variable="NO_PRIORITY", help="do not change CPU and IO priority"),
]
Wait = Annotated[bool, _option("--wait", "-w", variable="WAIT", help="wait for Enter at the end")]
Battery = Annotated[
    int,
    _option(
        "--ignore-on-battery",
        variable="IGNORE_ON_BATTERY",
        show_default=False,
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
        metavar="NUMBER",
        help="what monitors get: -2 nothing, -1 errors … 2 debug",
    ),
]
NoMonitor = Annotated[bool, typer.Option("--no-monitor", help="tell no monitoring service")]
