"""Shell hooks: `run-before`, `run-after`, `run-after-fail`, `run-finally`, `on-error`."""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import HookError, Interrupted, NotAvailable, Skipped
from resticprof.model import masking
from resticprof.model import report as reports
from resticprof.model.run import Command, Failure, Report, Result
from resticprof.system import process, service
from resticprof.system.process import Streams
from resticprof.system.signals import Signals

if TYPE_CHECKING:
    from resticprof.model.config import Global

log = logging.getLogger("resticprof")

SKIP = 75  # EX_TEMPFAIL: a run-before hook says that this is not the moment
VARIABLE_LIMIT = 64 * 1024  # bytes; a program with a variable of 128 KiB cannot be started
OUTPUT_LINES = 25  # of a failed command, for `{output}`

_TOKEN = re.compile(
    r"""\\\{(?P<literal>[a-z_]+)\\\} | (?<!\$)\{(?P<name>[a-z_]+)\} | (?P<quote>['"]) | \\.""",
    re.VERBOSE | re.DOTALL,
)


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """How shell lines are started."""

    path: str
    environment: Callable[[], dict[str, str]]  # asked before each line: hooks may add to files
    signals: Signals
    streams: Streams = Streams()
    timeout: float | None = None  # seconds
    on_start: Callable[[int], None] | None = None  # is told each process id
    undeterred: bool = False  # a signal that came before does not keep a line from running

    def command(self, line: str) -> Command:
        """The line as a command for `process`."""
        shown = (self.path, "-c", masking.mask_text(line))
        return Command(argv=(self.path, "-c", line), public=shown, env=self.environment())

    def run(self, line: str, *, stdin: bytes | None = None) -> Result:
        """Run the line to its end."""
        streams = self.streams
        if stdin is not None:
            streams = msgspec.structs.replace(streams, stdin=stdin)
        log.debug("hook: %s", masking.mask_text(line))
        while True:
            try:
                return process.run(
                    self.command(line),
                    streams,
                    timeout=self.timeout,
                    on_start=self.on_start,
                    signals=self.signals,
                )
            except Interrupted:
                if not self.undeterred:
                    raise


def find_shell(global_: Global) -> str:
    """The first shell of `global.shell` that exists; bash or sh without it."""
    wanted = [name for name in global_.shell if name and name != "auto"] or ["bash", "sh"]
    for name in wanted:
        if found := shutil.which(name):
            return found
    raise NotAvailable(f"no shell found; tried {', '.join(wanted)}")


def run_lines(lines: tuple[str, ...], label: str, shell: Shell, *, may_skip: bool = False) -> None:
    """Run shell lines in order; the first failure is a `HookError`, exit 75 may be a `Skipped`."""
    service.status(label)
    for line in lines:
        result = shell.run(line)
        if result.exit_code == SKIP and may_skip:
            raise Skipped(f"{label}: a hook exited with {SKIP}")
        if result.exit_code != 0:
            raise HookError(
                f"{label}: {process.cause(result)}",
                command_line=f'"{masking.mask_text(line)}"',
                exit_code=result.exit_code,
                stderr=result.stderr,
                interrupted=result.interrupted,
            )


def failure_variables(failure: Failure | None) -> dict[str, str]:
    """The error context of hooks, cut so that a hook always starts."""
    return {
        name: (tail if name.endswith("_STDERR") else beginning)(value, VARIABLE_LIMIT)
        for name, value in reports.error_variables(failure).items()
    }


def beginning(text: str, limit: int) -> str:
    """As much of a text as fits into so many bytes."""
    return text.encode()[:limit].decode(errors="ignore")


def tail(text: str, limit: int) -> str:
    """The last lines that fit into so many bytes."""
    data = text.encode()
    if len(data) <= limit:
        return text
    cut = data[-limit:]
    newline = cut.find(b"\n", 0, -1)
    return cut[newline + 1 if newline >= 0 else 0 :].decode(errors="ignore")


# ---- on-error -------------------------------------------------------------------------------


def error_values(report: Report) -> dict[str, str]:
    """What `on-error` lines can name in braces."""
    failure = report.failure
    output = failure.stderr.splitlines() if failure else []
    last = (["..."] if len(output) > OUTPUT_LINES else []) + output[-OUTPUT_LINES:]
    summary = report.summary
    return {
        "configuration_filename": report.config_file,
        "repository": report.repository,
        "error": beginning(failure.message, VARIABLE_LIMIT) if failure else "",
        "output": tail("\n".join(last), VARIABLE_LIMIT),
        "profile": report.profile,
        "command": report.command,
        "exit_code": str(report.exit_code),
        "run_id": report.run_id,
        "snapshot_id": (summary.snapshot_id or "") if summary else "",
    }


def variable_of(name: str) -> str:
    """The environment variable that stands for `{name}`."""
    return f"RESTICPROF_{name.upper()}"


def interpolate(line: str, names: Collection[str]) -> str:
    """Replace `{name}` by its variable, in or out of quotes; `\\{name\\}` is literal.

    A value never becomes a part of the line, so the shell executes nothing of it, whatever it is.
    """
    inside = ""  # which quotes we are in

    def replaced(token: re.Match[str]) -> str:
        nonlocal inside
        mark = token["quote"] or ("'" if token[0] == "\\'" and inside == "'" else "")
        if mark:
            inside = {"": mark, mark: ""}.get(inside, inside)
        if token["literal"]:
            return f"{{{token['literal']}}}"
        if not token["name"]:
            return token[0]
        if token["name"] not in names:
            log.warning("on-error: unknown variable `{%s}`", token["name"])
            return token[0]
        return f'{inside}"${variable_of(token["name"])}"{inside}'

    return _TOKEN.sub(replaced, line)
