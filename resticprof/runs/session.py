"""What all runs of one process share: the configuration, restic, the shell, signals, the log."""

from __future__ import annotations

import contextlib
import functools
import getpass
import logging
import os
import socket
from typing import TYPE_CHECKING

from resticprof.errors import Error, Skipped
from resticprof.model import masking
from resticprof.runs import hooks, locate
from resticprof.runs.routes import Routes
from resticprof.system import machine, secrets
from resticprof.system.logs import LEVELS, Logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.config.configuration import Configuration
    from resticprof.model.config import Global, Profile
    from resticprof.model.run import Invocation
    from resticprof.system.signals import Signals

log = logging.getLogger("resticprof")


class Session:
    """Made once for each process; the expensive parts are found when they are first needed."""

    def __init__(
        self, invocation: Invocation, configuration: Configuration, signals: Signals, logs: Logs
    ) -> None:
        self.invocation = invocation
        self.configuration = configuration
        self.config_file = os.path.abspath(configuration.file)  # `base-dir` changes ours
        self._folder = os.getcwd()
        self.signals = signals
        self.logs = logs
        output = invocation.command_output
        if output == "auto":
            output = configuration.global_.command_output
        self.routes = Routes(logs, output, to_stderr=invocation.stderr)
        self._warned: set[str] = set()

    @property
    def global_(self) -> Global:
        """The `global` section."""
        return self.configuration.global_

    @functools.cached_property
    def restic(self) -> locate.Restic:
        """The restic to run. Raises `ResticNotFound`."""
        return locate.locate(self.global_, self._folder)

    @functools.cached_property
    def shell(self) -> str:
        """The shell for hook lines. Raises `NotAvailable`."""
        return hooks.find_shell(self.global_)

    @functools.cached_property
    def host(self) -> str:
        """The name of this machine."""
        return socket.gethostname() or "none"

    @functools.cached_property
    def user(self) -> str:
        """Who runs this."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            return str(os.getuid())

    def protect(self, profile: Profile) -> None:
        """Hide the secrets of a profile in all that is logged, shown and sent from now on.

        What would have to be started first is hidden as soon as it is known.
        """
        found = masking.all_secrets(profile)
        for secret in found:
            if not masking.needs_command(secret):
                with contextlib.suppress(Error):  # whoever needs it is going to tell
                    secret.reveal()
        self.logs.scrubber.learn(found)
        passwords = map(secrets.password_in, _password_files(profile))
        self.logs.scrubber.learn(filter(None, passwords))

    def warn(self, text: str) -> None:
        """A warning about something that several steps meet; it is told once."""
        if text not in self._warned:
            self._warned.add(text)
            log.warning("%s", text)

    def check_conditions(self) -> None:
        """Battery and memory. Raises `Skipped` when this is not the moment for a run."""
        limit = self.invocation.ignore_on_battery
        if limit > 0:
            power = machine.power()
            if power.on_battery and (limit >= 100 or power.charge < limit):
                raise Skipped(f"running on battery, charge {power.charge:.0f} %")
        needed = self.global_.min_memory
        free = machine.free_memory() if needed > 0 else None
        if free is not None and free < needed:
            raise Skipped(f"only {free} MiB of memory are free, `min-memory` asks for {needed}")

    @contextlib.contextmanager
    def verbosity(self, profile: Profile) -> Iterator[None]:
        """The log level of one profile; its neighbours in a group keep theirs."""
        before = self.logs.level
        if not (self.invocation.quiet or self.invocation.verbose):
            if profile.quiet:
                self.logs.set_level(logging.WARNING)
            elif profile.verbose:
                self.logs.set_level(LEVELS[min(profile.verbose, 3)])
        try:
            yield
        finally:
            self.logs.set_level(before)


def _password_files(profile: Profile) -> list[str]:
    """The files that hold passwords of repositories."""
    tables = (profile, *profile.sections.values())
    keys = ("password_file", "from_password_file")
    return [file for table in tables for key in keys if (file := getattr(table, key, None))]
