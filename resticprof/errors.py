"""Every error that a user can see, with the exit status it leads to.

Error                    1    anything we explain to the user; no traceback
├─ UsageError            2    command line: unknown profile, bad value
├─ ConfigError          78    configuration: .problems, each a Problem with .file, .line, .key
├─ TemplateError        78    a template that cannot be read or executed: .file, .line
├─ SecretError          78    a secret reference that gives no value
├─ LockedError          75    another run holds the lock: .holder, .since
├─ NotAvailable         69    a program that we need cannot be found
│  └─ ResticNotFound     6    restic itself (the reference's number)
├─ Interrupted       128+n    signal n ended the run: .signal
├─ Skipped               0    the run was left out on purpose: .reason
├─ OutputLost           74    standard output takes no more, or has no reader (141): .ended
├─ HttpError             1    a request that got no good answer: .status, .retry_after
├─ MonitorError          1    a monitoring service said no; a warning, except in `monitor test`
│  └─ PartlyToldError         only some recipients were told: .told
└─ CommandError          …    a child failed: .command_line, .exit_code, .stderr
   ├─ ResticError             restic's own code: 3 warning, 10 no repository, 11 locked, …
   └─ HookError          1    a shell hook

The numbers of ours follow sysexits(3). Only `resticprof.cli.main` turns them into an exit status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

INTERNAL = 70  # EX_SOFTWARE: the exit status of a mistake of ours
PLEASE = "internal error, please report it"


def did_you_mean(word: str, known: Collection[str]) -> str:
    """The end of a message about an unknown word: the known one that looks most like it, if any."""
    import difflib

    near = difflib.get_close_matches(word, known, 1)
    return f"; did you mean `{near[0]}`?" if near else ""


class Error(Exception):
    """Anything we explain to the user: one sentence that says what, where, and what to do."""

    exit_code = 1


class UsageError(Error):
    """The command line cannot be understood, or names something that does not exist."""

    exit_code = 2


class Problem(Error):
    """One mistake in a configuration file, with its place; `str` gives `file:line: key: text`."""

    exit_code = 78

    def __init__(self, text: str, *, file: str = "", line: int = 0, key: str = "") -> None:
        super().__init__(text)
        self.text = text
        self.file = file
        self.line = line
        self.key = key

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.key, self.text) if part)


class ConfigError(Error):
    """The configuration cannot be used; carries every problem that was found."""

    exit_code = 78

    def __init__(self, *problems: Problem) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class TemplateError(Error):
    """A template that cannot be parsed or executed; `str` gives `file:line: text`."""

    exit_code = 78

    def __init__(self, text: str, *, file: str = "", line: int = 0) -> None:
        super().__init__(text)
        self.text = text
        self.file = file
        self.line = line

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.text}" if place else self.text


class SecretError(Error):
    """A secret reference (`{ env = … }`, `{ file = … }`, …) that does not lead to a value."""

    exit_code = 78


class LockedError(Error):
    """Another run holds the lock file of this profile."""

    exit_code = 75

    def __init__(self, text: str, *, holder: str = "", since: str = "") -> None:
        super().__init__(text)
        self.holder = holder
        self.since = since


class NotAvailable(Error):
    """A program that we need (systemctl, crontab, a shell) cannot be found."""

    exit_code = 69


class ResticNotFound(NotAvailable):
    """There is no restic on this machine; 6 is what the reference exits with."""

    exit_code = 6


class Interrupted(Error):
    """A signal asked us to stop."""

    def __init__(self, signal: int) -> None:
        super().__init__("interrupted")
        self.signal = signal
        self.exit_code = 128 + signal


class Skipped(Error):
    """The run was left out on purpose: a hook exited with 75, or a condition is not met."""

    exit_code = 0

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OutputLost(Error):
    """Standard output takes no more, and without it the command is pointless.

    `ended`: nobody reads it any more, which shells tell by the status of SIGPIPE.
    """

    def __init__(self, text: str, *, ended: bool) -> None:
        super().__init__(text)
        self.ended = ended
        self.exit_code = 141 if ended else 74


class MonitorError(Error):
    """A monitoring service could not be told, and why; the text holds no secret."""


class PartlyToldError(MonitorError):
    """Some recipients of a notification were told, and some were not; `told` are their places."""

    def __init__(self, text: str, *, told: tuple[int, ...]) -> None:
        super().__init__(text)
        self.told = told


class CommandError(Error):
    """A child process failed. Plain fields, because results live in a layer above.

    `interrupted`: the signal to us that made it fail, and that ends the run with it; 0: none.
    """

    def __init__(
        self,
        text: str,
        *,
        command_line: str = "",
        exit_code: int = 1,
        stderr: str = "",
        interrupted: int = 0,
    ) -> None:
        super().__init__(text)
        self.command_line = command_line
        self.child_exit_code = exit_code
        self.stderr = stderr
        self.exit_code = 128 + interrupted if interrupted else self._status()

    def _status(self) -> int:
        return 1


class ResticError(CommandError):
    """restic failed; its exit status is passed on."""

    def _status(self) -> int:
        code = self.child_exit_code
        return code if code > 0 else 128 - code


class HookError(CommandError):
    """A shell hook failed; the run ends with 1 whatever the hook's own status was."""


class HttpError(Error):
    """A request that was not answered as it should be; names the host, never the URL."""

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        connection: bool = False,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after = retry_after  # seconds
        self.connection = connection  # no answer came, because there is no connection
