"""Schedules with systemd: one service and one timer for each job."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.errors import CommandError, Error
from resticprof.model.schedule import Installation, Part, UnitState
from resticprof.schedulers import (
    base,
    caller,
    recognition,
    systemd_installed,
    systemd_states,
    systemd_text,
    systemd_units,
)
from resticprof.schedulers.calendar import Calendar
from resticprof.schedulers.systemd_units import DropIn, Place, Templates
from resticprof.system import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from resticprof.model.run import Result
    from resticprof.model.schedule import Change, Job
    from resticprof.schedulers.caller import Caller

log = logging.getLogger("resticprof")

SYSTEM_DIRECTORY = "/etc/systemd/system"
SCOPES = ("system", "user")
STOPPED = (None, "dead", "failed")  # not loaded, stopped


class Systemd(base.Scheduler):
    """Units of the system, and of the person who asks."""

    name = "systemd"

    def __init__(
        self,
        *,
        caller: Caller,
        templates: Templates | None = None,
        system_directory: str = SYSTEM_DIRECTORY,
    ) -> None:
        self._caller = caller
        self._templates = templates
        self._directories = {
            "system": system_directory,
            "user": f"{caller.invoker.home}/.config/systemd/user",
        }

    @classmethod
    def create(cls, kind: str, resource: str, templates: Templates | None) -> Systemd:  # noqa: ARG003
        return cls(caller=caller.find(), templates=templates)

    @classmethod
    def read(cls, expression: str) -> Calendar:
        """An expression that systemd follows all the year round. Raises `ValueError`."""
        calendar = Calendar.parse(expression)
        local = set(time.tzname)  # `CET` and `CEST`, where the clock is changed
        if len(local) > 1 and calendar.zone in local:
            half = f"`{calendar.zone}` is half of the year here, and systemd stops when it ends"
            raise ValueError(f"`{expression}`: {half}; leave it out, or write `Europe/Berlin`")
        return calendar

    def installed(self) -> tuple[Installation, ...]:
        return tuple(
            job
            for scope, directory in self._directories.items()
            for job in systemd_installed.jobs(scope, directory)
        )

    def wanted(
        self, jobs: Sequence[Job], installed: Sequence[Installation]
    ) -> tuple[Installation, ...]:
        self.check(jobs)
        present = {installation.key: installation for installation in installed}
        drop_ins: dict[str, DropIn | None] = {}
        for path in {path for job in jobs for path in job.settings.systemd_drop_in_files}:
            drop_ins[path] = _drop_in(path)
        return tuple(self._wanted(job, present, drop_ins) for job in jobs)

    def _wanted(
        self, job: Job, present: Mapping[str, Installation], drop_ins: Mapping[str, DropIn | None]
    ) -> Installation:
        place = self._place(job, present)
        listed = [drop_ins[path] for path in dict.fromkeys(job.settings.systemd_drop_in_files)]
        found = tuple(drop_in for drop_in in listed if drop_in)
        return Installation(
            key=f"{place.directory}/{systemd_text.unit_name(job.command, job.name)}",
            title=job.title,
            name=job.name,
            scope=place.scope,
            config_file=job.config_file,
            times=job.settings.at,
            parts=systemd_units.parts(job, place, found, self._templates),
        )

    def _place(self, job: Job, present: Mapping[str, Installation]) -> Place:
        """Where a job belongs, and as whom it runs."""
        system, invoker = self._directories["system"], self._caller.invoker
        before = present.get(f"{system}/{systemd_text.unit_name(job.command, job.name)}")
        permission = job.settings.permission
        if permission == "auto":  # what root installed stays where it is, whoever looks
            installed = before and recognition.same_file(before.config_file, job.config_file)
            permission = "system" if self._caller.root or installed else "user_logged_on"
        if permission == "system":
            sudo_user = invoker.name if self._caller.sudo else systemd_installed.sudo_user(before)
            home = self._caller.root_home
            return Place(scope="system", directory=system, home=home, sudo_user=sudo_user)
        if permission == "user":
            account = invoker
            if not self._caller.sudo and before:
                installed_for = systemd_installed.runs_as(before)
                if installed_for and installed_for.name != invoker.name:
                    account = installed_for
            return Place(scope="system", directory=system, user=account.name, home=account.home)
        directory, privileged = self._directories["user"], invoker.uid == 0
        return Place(scope="user", directory=directory, home=invoker.home, privileged=privileged)

    def apply(self, changes: Sequence[Change], *, start: bool = True) -> None:
        changes = [change for change in changes if change.action != "keep"]
        for change in changes:
            if change.job.scope == "system" and not self._caller.root:
                raise Error(f"`{change.job.title}` belongs to the system: repeat this with sudo")
        gone = [change.before for change in changes if change.before and not change.after]
        new = [change for change in changes if change.after]
        written: list[Installation] = []
        try:
            for change in new:
                self._replace(change)
                written.append(change.job)
            for scope in SCOPES:
                self._remove(scope, [one for one in gone if one.scope == scope])
        finally:  # what is written runs, whatever went wrong with the next
            for scope in SCOPES:
                left = [one for one in gone if one.scope == scope]
                here = [one for one in written if one.scope == scope]
                if left or here:
                    self._systemctl(scope, "daemon-reload")
                self._forget(scope, left)
                self._enable(scope, here, start=start)

    def _forget(self, scope: str, left: Sequence[Installation]) -> None:
        """A service that failed last would be listed as failed until the machine starts again."""
        known = (self._known(scope) if left else None) or {}
        services = [f"{Path(one.key).name}.service" for one in left]
        if failed := [service for service in services if known.get(service) == "failed"]:
            self._systemctl(scope, "reset-failed", *failed)

    def _enable(self, scope: str, jobs: Sequence[Installation], *, start: bool) -> None:
        timers = {_timer(job): job.title for job in jobs}
        if timers:
            self._systemctl(scope, *(["--now"] if start else []), "enable", *timers)
        if timers and start:
            self._wake(scope, timers)

    def _wake(self, scope: str, timers: Mapping[str, str]) -> None:
        """Start timers again whose times were over: systemd does not look at new ones by itself."""
        if over := self._over(scope, timers):
            self._systemctl(scope, "restart", *over)
            for timer in self._over(scope, over):
                text = "`%s` is installed, but systemd knows no time at which it will run"
                log.warning(text, timers[timer])

    def _over(self, scope: str, timers: Iterable[str]) -> list[str]:
        known = self._known(scope) or {}
        return [timer for timer in timers if known.get(timer) == "elapsed"]

    def idle(self, installed: Sequence[Installation]) -> frozenset[str]:
        """Timers that systemd has stopped or not loaded, as after a start without the home."""
        found: set[str] = set()
        for scope in SCOPES:
            timers = {
                timer: one.key for one in installed if one.scope == scope and (timer := _timer(one))
            }
            known = self._known(scope) if timers else None
            if known is not None:
                found |= {key for timer, key in timers.items() if known.get(timer) in STOPPED}
        return frozenset(found)

    def _known(self, scope: str) -> dict[str, str] | None:
        """The state of each unit of ours that is loaded; None when systemd does not answer."""
        words = ("list-units", "--all", "--full", "--plain", "--no-legend", "resticprofile-*")
        result, text = base.output(*self._command(scope), *words)
        rows = (line.split() for line in text.splitlines())
        return None if result.exit_code else {row[0]: row[3] for row in rows if len(row) > 3}

    def _remove(self, scope: str, leaving: Sequence[Installation]) -> None:
        timers = [timer for installation in leaving if (timer := _timer(installation))]
        if timers:
            self._systemctl(scope, "--now", "disable", *timers)
        for installation in leaving:
            _delete(part.path for part in installation.parts)

    def _replace(self, change: Change) -> None:
        """Write the files of one job: all of them, or none."""
        before = change.before.parts if change.before else ()
        after = change.after.parts if change.after else ()
        same = set(before)
        gone = {part.path for part in before} - {part.path for part in after}
        try:
            for part in after:
                if part not in same:
                    self._put(part)
            _delete(gone)
        except Error:
            for part in before:
                with contextlib.suppress(Error):
                    self._put(part)
            with contextlib.suppress(Error):
                _delete({part.path for part in after} - {part.path for part in before})
            raise

    def _put(self, part: Part) -> None:
        if part.text is None:
            return
        path = Path(part.path)
        ours = path.is_relative_to(self._directories["user"])
        self._make_directory(path.parent, 0o700 if ours else 0o755)
        files.write_atomically(path, part.text, mode=part.mode)
        self._hand_over(path)

    def _make_directory(self, directory: Path, mode: int) -> None:
        if directory.is_dir():
            return
        self._make_directory(directory.parent, mode)
        try:
            directory.mkdir(mode, exist_ok=True)
        except OSError as error:
            raise Error(f"cannot create `{directory}`: {error.strerror}") from error
        self._hand_over(directory)

    def _hand_over(self, path: Path) -> None:
        """Under sudo, what lies in a person's home belongs to that person."""
        person = self._caller.invoker
        if self._caller.sudo and path.is_relative_to(person.home):
            os.chown(path, person.uid, person.gid, follow_symlinks=False)

    def _systemctl(self, scope: str, *words: str) -> None:
        result, _ = base.output(*self._command(scope), "--quiet", *words)
        if result.exit_code:
            raise CommandError(
                f"`systemctl {' '.join(words[:2])}` failed: {self._reason(scope, result)}",
                command_line=" ".join(result.command.shown),
                exit_code=result.exit_code,
                stderr=result.stderr,
            )

    def _command(self, scope: str) -> tuple[str, ...]:
        if scope == "system":
            return ("systemctl", "--no-pager")
        person = self._caller.invoker
        machine = ("-M", f"{person.name}@") if self._caller.sudo else ()
        return ("systemctl", "--user", *machine, "--no-pager")

    def _reason(self, scope: str, result: Result) -> str:
        text = result.stderr.strip() or f"exit status {result.exit_code}"
        if scope == "user" and "connect to bus" in text:
            person = self._caller.invoker.name
            text += f" (nobody is logged in as {person}; `loginctl enable-linger {person}` helps)"
        if scope == "system" and "booted with systemd" in text:
            text += ' (`global.scheduler = "crond"` uses cron)'
        return text

    def states(self, installed: Sequence[Installation]) -> Mapping[str, UnitState]:
        """One question for each manager; what does not answer is left out."""
        found: dict[str, UnitState] = {}
        for scope in SCOPES:
            some = [one for one in installed if one.scope == scope]
            units = [Path(one.key).name + end for one in some for end in (".timer", ".service")]
            if not units:
                continue
            show = ("show", f"--property={systemd_states.PROPERTIES}", "--", *units)
            result, text = base.output(*self._command(scope), *show)
            if result.exit_code:
                log.warning("cannot ask systemd: %s", self._reason(scope, result))
                continue
            told = systemd_states.read(text)
            found |= {one.key: systemd_states.of(Path(one.key).name, told) for one in some}
        return found


SCHEDULER = Systemd


def _drop_in(path: str) -> DropIn | None:
    try:
        return DropIn(file=path, text=Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        reason = error.strerror
    except UnicodeDecodeError:
        reason = "it is not text"
    log.error("the drop-in file `%s` is left out: %s", path, reason)
    return None


def _timer(installation: Installation) -> str:
    """The name of the timer, if the job has one."""
    found = (part.path for part in installation.parts if part.path == f"{installation.key}.timer")
    return Path(next(found, "")).name


def _delete(paths: Iterable[str]) -> None:
    for path in map(Path, paths):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise Error(f"cannot remove `{path}`: {error.strerror}") from error
        if path.parent.name.endswith((".service.d", ".timer.d")):
            with contextlib.suppress(OSError):  # others may have files there
                path.parent.rmdir()
