"""Schedules with systemd: one service and one timer for each job."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import CommandError, Error
from resticprof.model.schedule import Installation, Part, UnitState
from resticprof.schedulers import base, caller, recognition, systemd_text, systemd_units
from resticprof.schedulers.calendar import Calendar
from resticprof.schedulers.systemd_units import DropIn, Place, Templates
from resticprof.system import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from resticprof.model.run import Result
    from resticprof.model.schedule import Change, Job
    from resticprof.schedulers.caller import Account, Caller

log = logging.getLogger("resticprof")

SYSTEM_DIRECTORY = "/etc/systemd/system"
SCOPES = ("system", "user")
STOPPED = (None, "dead", "failed")  # not loaded, stopped
SHOWN = (
    "Id,ActiveState,SubState,NextElapseUSecRealtime,LastTriggerUSec,"
    "Result,ExecMainStatus,ExecMainStartTimestamp,ExecMainExitTimestamp"
)


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
        """Read from unit files, so that units count which systemd has not loaded."""
        found = []
        for scope, directory in self._directories.items():
            try:
                names = set(os.listdir(directory))  # noqa: PTH208 - names are what we want
            except OSError:
                continue
            enabled = _wanted_by_targets(directory, names)
            for name in sorted(names):
                if name.startswith("resticprofile-") and name.endswith(".service"):
                    unit = _Unit(scope, directory, name.removesuffix(".service"), names)
                    found.append(unit.read(enabled))
        return tuple(installation for installation in found if installation)

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
            sudo_user = invoker.name if self._caller.sudo else _installed_by(before)
            home = self._caller.root_home
            return Place(scope="system", directory=system, home=home, sudo_user=sudo_user)
        if permission == "user":
            account = invoker
            if not self._caller.sudo and before:
                installed_for = _runs_as(before)
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
            show = ("show", f"--property={SHOWN}", "--", *units)
            result, text = base.output(*self._command(scope), *show)
            if result.exit_code:
                log.warning("cannot ask systemd: %s", self._reason(scope, result))
                continue
            blocks = _blocks(text)
            found |= {one.key: _state(Path(one.key).name, blocks) for one in some}
        return found


SCHEDULER = Systemd


class _Unit(msgspec.Struct, frozen=True):
    """The files of one job on disk."""

    scope: str
    directory: str
    name: str  # without an ending
    names: set[str]  # everything in the directory

    def read(self, enabled: frozenset[str]) -> Installation | None:
        """The job; None when it is not ours."""
        service = self._part(f"{self.name}.service")
        text = (service and service.text) or ""
        lines = systemd_text.settings(text, "ExecStart")
        directories = systemd_text.settings(text, "WorkingDirectory") or ("/",)
        words = systemd_text.words(lines[-1]) if lines else ()
        job = recognition.recognise(words, directories[-1].replace("%%", "%"))
        if job is None:
            return None
        timer = self._part(f"{self.name}.timer")
        timer_text = (timer and timer.text) or ""
        parts = [service, timer, self._part(f"{self.name}.env", secret=True), *self._drop_ins()]
        return Installation(
            key=f"{self.directory}/{self.name}",
            title=job.title,
            name=job.name,
            scope=self.scope,
            config_file=job.config_file,
            times=systemd_text.settings(timer_text, "OnCalendar"),
            parts=tuple(part for part in parts if part),
            enabled="[Install]" not in timer_text or f"{self.name}.timer" in enabled,
        )

    def _part(self, name: str, *, secret: bool = False) -> Part | None:
        if name not in self.names:
            return None
        return _read(Path(self.directory, name), secret=secret)

    def _drop_ins(self) -> list[Part | None]:
        folders = [f"{self.name}.{kind}.d" for kind in ("service", "timer")]
        existing = [Path(self.directory, name) for name in folders if name in self.names]
        paths = [path for folder in existing for path in folder.glob("*.resticprofile.conf")]
        return [_read(path) for path in sorted(paths)]


def _read(path: Path, *, secret: bool = False) -> Part | None:
    """A file as it is. The mode counts only where it must keep others out."""
    mode = 0o600 if secret else 0o644
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        if secret:
            mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        return None
    except OSError:
        return Part(path=str(path), text=None, mode=mode, secret=secret)
    return Part(path=str(path), text=text, mode=mode, secret=secret)


def _wanted_by_targets(directory: str, names: set[str]) -> frozenset[str]:
    """Units that are enabled: those with a link in a folder such as `timers.target.wants`."""
    folders = (name for name in names if name.endswith((".wants", ".requires")))
    found: set[str] = set()
    for folder in folders:
        with contextlib.suppress(OSError):
            found.update(os.listdir(Path(directory, folder)))  # noqa: PTH208 - names
    return frozenset(found)


def _runs_as(installation: Installation) -> Account | None:
    """The account in `User=`."""
    users = _settings(installation, "User")
    return caller.by_name(users[-1]) if users else None


def _installed_by(installation: Installation | None) -> str:
    """The caller of sudo whom the service knows: nothing changes because somebody else looks."""
    variables = _settings(installation, "Environment") if installation else []
    words = (word for text in variables for word in systemd_text.words(text))
    found = (word.partition("=") for word in words)
    return next((value for name, _, value in found if name == "SUDO_USER"), "")


def _settings(installation: Installation, name: str) -> list[str]:
    """The values of a setting of the service."""
    texts = (part.text or "" for part in installation.parts if part.path.endswith(".service"))
    return [value for text in texts for value in systemd_text.settings(text, name)]


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


def _blocks(text: str) -> dict[str, dict[str, str]]:
    """What `systemctl show` printed, by unit."""
    blocks = []
    for block in text.split("\n\n"):
        lines = (line.partition("=") for line in block.splitlines())
        blocks.append({name: value for name, _, value in lines})
    return {block.get("Id", ""): block for block in blocks}


def _state(name: str, blocks: Mapping[str, Mapping[str, str]]) -> UnitState:
    timer, service = blocks.get(f"{name}.timer", {}), blocks.get(f"{name}.service", {})
    ended = _moment(service.get("ExecMainExitTimestamp"))
    starts = [
        moment
        for text in (timer.get("LastTriggerUSec"), service.get("ExecMainStartTimestamp"))
        if (moment := _moment(text))
    ]
    result = service.get("Result", "success")
    status = service.get("ExecMainStatus", "0")
    return UnitState(
        active=timer.get("ActiveState") == "active",
        elapsed=timer.get("SubState") == "elapsed",
        running=service.get("ActiveState") in {"active", "activating", "deactivating"},
        last_run=max(starts, default=None),
        last_success=ended if result == "success" else None,
        next_run=_moment(timer.get("NextElapseUSecRealtime")),
        result={"success": "", "exit-code": f"exit status {status}"}.get(result, result),
    )


def _moment(text: str | None) -> datetime | None:
    """A time as `systemctl show` prints it in UTC: `Mon 2026-11-23 00:00:00 UTC`."""
    words = (text or "").split()
    if len(words) != 4:
        return None
    return datetime.fromisoformat(f"{words[1]} {words[2]}").replace(tzinfo=timezone.utc)
