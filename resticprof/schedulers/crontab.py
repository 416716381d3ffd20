"""Schedules with cron: lines in the crontab of a user, or in a crontab file."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from resticprof.errors import ConfigError, Error, Problem
from resticprof.model.schedule import Installation, Part
from resticprof.schedulers import base, caller, crontab_text
from resticprof.schedulers.crontab_text import Block
from resticprof.system import files, turns

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from resticprof.model.schedule import Change, Job
    from resticprof.schedulers.calendar import Calendar
    from resticprof.schedulers.caller import Caller
    from resticprof.schedulers.systemd_units import Templates

log = logging.getLogger("resticprof")


_NOTHING_YET = re.compile("no crontab for|can't open .*No such file")  # BusyBox has the second


class Source(Protocol):
    """Where a crontab is read and written."""

    @property
    def name(self) -> str:
        """What to call it."""

    @property
    def user(self) -> str:
        """The user column of its lines; empty: none. `?`: look at the other lines."""

    def load(self) -> str:
        """The whole text; nothing when there is none yet."""

    def save(self, text: str) -> None:
        """Replace the whole text."""

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Keep others out, as far as that is possible."""


class CrontabFile(msgspec.Struct, frozen=True):
    """A file, such as one in /etc/cron.d."""

    name: str
    user: str

    def load(self) -> str:
        """Read the file."""
        try:
            text = Path(self.name).read_text(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise Error(f"cannot read the crontab `{self.name}`: {error.strerror}") from error
        if text.startswith(crontab_text.GENERATED):
            text = f"`{self.name}` must not be edited, it says; `crond` as scheduler is the way"
            raise Error(text)
        return text

    def save(self, text: str) -> None:
        """Replace the file in one step; owner and mode stay."""
        path = Path(self.name)
        before = path.stat() if path.exists() else None
        mode = before.st_mode & 0o777 if before else 0o644
        data = text.encode(errors="surrogateescape")
        files.write_atomically(path, data, mode=mode)
        path.chmod(mode)  # whatever the umask is
        if before and (before.st_uid, before.st_gid) != (path.stat().st_uid, path.stat().st_gid):
            os.chown(path, before.st_uid, before.st_gid)

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """Lock the folder."""
        return turns.exclusive(self.name)


class CrontabProgram(msgspec.Struct):
    """The crontab of the user who calls, by `crontab -l` and `crontab -`."""

    name: str
    user: str = ""
    text: str | None = None  # as loaded: no second program is needed to change it

    def load(self) -> str:
        """Ask the program, once."""
        if self.text is None:
            result, text = base.output(self.name, "-l")
            if result.exit_code and not _NOTHING_YET.search(result.stderr):
                raise Error(f"`{self.name} -l` failed: {result.stderr.strip()}")
            self.text = _without_header("" if result.exit_code else text)
        return self.text

    def save(self, text: str) -> None:
        """Hand the text to the program."""
        result, _ = base.output(self.name, "-", stdin=text.encode(errors="surrogateescape"))
        if result.exit_code:
            raise Error(f"`{self.name} -` failed: {result.stderr.strip()}")
        self.text = text

    def exclusive(self) -> contextlib.AbstractContextManager[None]:
        """cron has no lock for this."""
        return contextlib.nullcontext()


def _without_header(text: str) -> str:
    """Without the three lines that some versions print in front."""
    if not text.startswith(crontab_text.GENERATED):
        return text
    return "".join(text.splitlines(keepends=True)[3:])


class Crontab(base.Scheduler):
    """Lines between two marks; everything else in a crontab stays as it is."""

    name = "crontab"

    def __init__(self, source: Source, *, caller: Caller) -> None:
        self._source = source
        self._caller = caller

    @classmethod
    def create(cls, kind: str, resource: str, templates: Templates | None) -> Crontab:  # noqa: ARG003
        person = caller.find()
        if kind == "crond":
            return cls(CrontabProgram(resource or "crontab"), caller=person)
        user, colon, file = (part.strip() for part in resource.partition(":"))
        if not colon:
            user, file = "?", user
        if not file:
            text = "which file? write `crontab:FILE` or `crontab:USER:FILE`, or `crond`"
            raise ConfigError(Problem(text, key="scheduler"))
        user = {"-": "", "*": person.account.name}.get(user, user)
        return cls(CrontabFile(os.path.abspath(file), user), caller=person)

    @classmethod
    def read(cls, expression: str) -> Calendar:
        return crontab_text.read(expression)

    def normal(self, calendar: Calendar) -> str:
        return crontab_text.normal(calendar)

    def installed(self) -> tuple[Installation, ...]:
        """The jobs in our block, in the order of their first lines."""
        found: dict[str, Installation] = {}
        for line in Block.of(self._source.load()).lines:
            entry = crontab_text.parse(line)
            if entry is None:
                if line.strip():
                    log.warning("%s: a line in our block is not ours: %s", self._source.name, line)
                continue
            key = self._key(entry.job.config_file, entry.job.title)
            before = found.get(key)
            found[key] = Installation(
                key=key,
                title=entry.job.title,
                name=entry.job.name,
                scope=self._source.name,
                config_file=entry.job.config_file,
                times=(*(before.times if before else ()), entry.time),
                parts=(self._part([*(_lines(before) if before else ()), line]),),
            )
        return tuple(found.values())

    def wanted(
        self,
        jobs: Sequence[Job],
        installed: Sequence[Installation],  # noqa: ARG002
    ) -> tuple[Installation, ...]:
        self.check(jobs)
        user_column = self._user_column()
        return tuple(self._wanted(job, user_column=user_column) for job in jobs)

    def _wanted(self, job: Job, *, user_column: bool) -> Installation:
        user = self._source.user
        if user == "?":
            permission = job.settings.permission
            as_root = permission == "system" or (permission == "auto" and self._caller.root)
            name = "root" if as_root else self._caller.invoker.name
            user = name if user_column else ""
        lines = [crontab_text.write(job, expression, user) for expression in job.settings.at]
        return Installation(
            key=self._key(job.config_file, job.title),
            title=job.title,
            name=job.name,
            scope=self._source.name,
            config_file=job.config_file,
            times=job.settings.at,
            parts=(self._part(lines),),
        )

    def check(self, jobs: Sequence[Job]) -> None:
        super().check(jobs)
        if crontab_text.is_ignored(self._source.name):
            text = "`%s`: Debian's cron reads no file of such a name; use letters, digits, `_`, `-`"
            log.warning(text, self._source.name)
        for job in jobs:
            if job.settings.permission == "system" and not self._caller.root:
                raise Error(f"`{job.title}` belongs to the system: repeat this with sudo")
            for expression in job.settings.at:
                if lost := crontab_text.lost(self.read(expression)):
                    log.warning("`%s`: `%s`: cron knows no %s", job.title, expression, lost)

    def apply(self, changes: Sequence[Change], *, start: bool = True) -> None:  # noqa: ARG002
        """Rewrite the block once."""
        changes = [change for change in changes if change.action != "keep"]
        if not changes:
            return
        with self._source.exclusive():
            block = Block.of(self._source.load())
            gone = {line for change in changes if change.before for line in _lines(change.before)}
            new = [line for change in changes if change.after for line in _lines(change.after)]
            kept = [line for line in block.lines if line not in gone]
            self._source.save(block.with_lines([*kept, *new]))

    def _user_column(self) -> bool:
        if self._source.user != "?":
            return bool(self._source.user)
        if crontab_text.is_for_all_users(self._source.name):
            return True
        return crontab_text.user_column(self._source.load(), caller.exists)

    def _key(self, config_file: str, title: str) -> str:
        return f"{self._source.name}: {os.path.realpath(config_file)} {title}"

    def _part(self, lines: Sequence[str]) -> Part:
        return Part(path=self._source.name, text="".join(f"{line}\n" for line in lines))


def _lines(installation: Installation) -> Iterator[str]:
    for part in installation.parts:
        yield from (part.text or "").splitlines()


SCHEDULER = Crontab
