"""Shell hooks: `run-before`, `run-after`, `run-after-fail`, `run-finally`, `on-error`."""

from __future__ import annotations

import logging
import re
import shlex
import shutil
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error, HookError, NotAvailable, Skipped
from resticprof.model.run import Command, Failure, Result
from resticprof.system import process
from resticprof.system.process import Streams
from resticprof.system.signals import Signals

if TYPE_CHECKING:
    from resticprof.model.config import Global

log = logging.getLogger("resticprof")

SKIP = 75  # EX_TEMPFAIL: a run-before hook says that this is not the moment
STDERR_LIMIT = 64 * 1024  # bytes; one variable may hold 128 KiB, or the hook would not start

_PLACEHOLDER = re.compile(r"(\\?)\{([a-z_]+)(\\?)\}")


class Shell(msgspec.Struct, frozen=True, kw_only=True):
    """How shell lines are started."""

    path: str
    environment: Callable[[], dict[str, str]]  # asked before each line: hooks may add to files
    signals: Signals
    streams: Streams = Streams()
    timeout: float | None = None  # seconds

    def command(self, line: str) -> Command:
        """The line as a command for `process`."""
        return Command(argv=(self.path, "-c", line), env=self.environment())

    def run(self, line: str, *, stdin: bytes | None = None) -> Result:
        """Run the line to its end."""
        streams = self.streams
        if stdin is not None:
            streams = msgspec.structs.replace(streams, stdin=stdin)
        log.debug("hook: %s", line)
        return process.run(self.command(line), streams, timeout=self.timeout, signals=self.signals)


def find_shell(global_: Global) -> str:
    """The first shell of `global.shell` that exists; bash or sh without it."""
    wanted = [name for name in global_.shell if name and name != "auto"] or ["bash", "sh"]
    for name in wanted:
        if found := shutil.which(name):
            return found
    raise NotAvailable(f"no shell found; tried {', '.join(wanted)}")


def run_lines(lines: tuple[str, ...], label: str, shell: Shell, *, may_skip: bool = False) -> None:
    """Run shell lines in order; the first failure is a `HookError`, exit 75 may be a `Skipped`."""
    for line in lines:
        result = shell.run(line)
        if result.exit_code == SKIP and may_skip:
            raise Skipped(f"{label}: a hook exited with {SKIP}")
        if result.exit_code != 0:
            error = HookError(
                f"{label}: {process.cause(result)}",
                command_line=f'"{line}"',
                exit_code=result.exit_code if result.exit_code > 0 else -1,
                stderr=result.stderr,
            )
            if result.interrupted:
                error.exit_code = 128 + result.interrupted
            raise error


def run_all(lines: tuple[str, ...], label: str, shell: Shell) -> None:
    """Run every shell line whatever happens to the others; failures are told and no more."""
    for line in lines:
        try:
            result = shell.run(line)
        except Error as error:  # a signal: the rest must run all the same
            log.error("%s: %s", label, error)
            continue
        if result.exit_code != 0:
            log.error("%s: %s", label, process.cause(result))


def failure_variables(failure: Failure | None) -> dict[str, str]:
    """The error context of hooks, as the reference names it."""
    if failure is None:
        return {}
    found = {"ERROR": failure.message, "ERROR_MESSAGE": failure.message}
    if failure.command_line:
        found["ERROR_COMMANDLINE"] = failure.command_line
        found["ERROR_EXIT_CODE"] = str(failure.exit_code)
    stderr = tail(failure.stderr, STDERR_LIMIT)
    if stderr:
        found["ERROR_STDERR"] = found["RESTIC_STDERR"] = stderr
    return found


def tail(text: str, limit: int) -> str:
    """The last lines that fit into so many bytes."""
    data = text.encode()
    if len(data) <= limit:
        return text
    cut = data[-limit:]
    newline = cut.find(b"\n")
    return cut[newline + 1 if newline >= 0 else 0 :].decode(errors="ignore")


def interpolate(line: str, values: Mapping[str, str]) -> str:
    """`on-error`: replace `{name}` by the value quoted for the shell; `\\{name\\}` is literal."""

    def replaced(match: re.Match[str]) -> str:
        before, name, after = match.groups()
        if before and after:
            return f"{{{name}}}"
        if name not in values:
            log.warning("on-error: unknown variable `{%s}`", name)
            return match[0]
        return before + shlex.quote(values[name]) + after

    return _PLACEHOLDER.sub(replaced, line)
