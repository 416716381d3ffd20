"""Notifications that could not be delivered: kept on disk, sent later with their original time.

A letter holds the event, not the request: URLs and tokens come from the configuration when it is
sent, so the files hold no secret. They are private all the same, and bounded in number and age.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Error, PartlyToldError
from resticprof.model.config import Group, Profile
from resticprof.model.run import Event
from resticprof.monitors import registry
from resticprof.system import files, turns
from resticprof.telling import delivery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.model.monitor import Monitor
    from resticprof.model.run import Report
    from resticprof.telling.delivery import Delivery

log = logging.getLogger("resticprof.monitor")

MOST = 100  # letters; the oldest go first
OLDEST = 7 * 24 * 3600.0  # seconds
LINES = 200  # of the log; services take less than that


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds: an event, and who was to be told."""

    service: str
    name: str = ""  # of the monitor, when a service has several
    on_warning: str = ""  # what a warning counted as in that run
    event: Event


class Letter(msgspec.Struct, frozen=True):
    """A notification that waits in a file."""

    path: Path
    content: Content
    environment: dict[str, str] = {}  # further variables for its texts, as they are today

    @property
    def report(self) -> Report:
        """The run that it tells of."""
        return self.content.event.report

    @property
    def sender(self) -> tuple[str, str, str]:
        """The configuration, and the profile or the group that was told of."""
        return _sender(self.report)

    @property
    def service(self) -> tuple[str, str]:
        """Which service was to be told, and the name of the monitor."""
        return self.content.service, self.content.name

    @property
    def title(self) -> str:
        """For messages."""
        who = self.report.profile or f"group {self.report.group}"
        return f"{self.content.service}: `{self.report.command} {who}` of {_when(self.path)}"

    def event(self) -> Event:
        """What is told now: the event, marked with its original time."""
        when = self.report.time.strftime("%Y-%m-%d %H:%M:%S %z")
        return msgspec.structs.replace(
            self.content.event, mark=f"[delayed, {when}] ", environment=self.environment
        )

    def remove(self) -> None:
        """It was delivered."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def note(self, told: tuple[int, ...]) -> None:
        """Some recipients have it now. If that cannot be written, they get it again."""
        event = msgspec.structs.replace(self.content.event, told=told)
        content = msgspec.structs.replace(self.content, event=event)
        with contextlib.suppress(OSError, Error):
            files.write_atomically(self.path, msgspec.json.encode(content), mode=0o600)

    def drop(self, why: str) -> None:
        """It never will be."""
        log.warning("outbox: %s is dropped: %s", self.title, why)
        self.remove()


def directory() -> Path:
    """Where letters wait."""
    base = os.environ.get("XDG_STATE_HOME", "")
    state = Path(base) if base.startswith("/") else Path.home() / ".local" / "state"
    return state / "resticprof" / "outbox"


def keep(monitor: Monitor, event: Event) -> Letter | None:
    """Keep an event for later; None when even that fails, which is told."""
    service = registry.name(monitor)
    report = msgspec.structs.replace(event.report, log=event.report.log[-LINES:])
    safe = msgspec.structs.replace(event, report=report, environment={}, facts={})
    content = Content(service=service, name=monitor.name, on_warning=monitor.on_warning, event=safe)
    try:
        folder = directory()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{time.time_ns():020d}-{secrets.token_hex(4)}.json"
        files.write_atomically(path, msgspec.json.encode(content), mode=0o600)
        _trim(folder)
    except (OSError, RuntimeError, ValueError, Error) as error:
        log.warning("%s: the notification could not be kept either: %s", service, error)
        return None
    log.warning("%s: the notification is kept and sent at the next run", service)
    return Letter(path, content)


def waiting() -> list[Letter]:
    """All letters, oldest first. What is too old, or cannot be read, is dropped with a warning."""
    try:
        folder = directory()
        if not folder.is_dir():
            return []
        _trim(folder)
        paths = sorted(folder.glob("*.json"))
    except (OSError, RuntimeError) as error:
        log.warning("outbox: cannot be read: %s", error)
        return []
    return [letter for path in paths if (letter := _read(path)) is not None]


def _read(path: Path) -> Letter | None:
    try:
        return Letter(path, msgspec.json.decode(path.read_bytes(), type=Content))
    except FileNotFoundError:
        return None  # somebody else has just sent it
    except OSError as error:
        log.warning("outbox: `%s` cannot be read: %s", path.name, error.strerror)
    except msgspec.MsgspecError as error:
        log.warning("outbox: `%s` is dropped, it cannot be understood: %s", path.name, error)
        path.unlink(missing_ok=True)
    return None


def letters_of(sender: Profile | Group, config_file: str) -> list[Letter]:
    """The letters of one profile, or of one group as a whole."""
    names = (sender.name, "") if isinstance(sender, Profile) else ("", sender.name)
    found = [letter for letter in waiting() if letter.sender == (config_file, *names)]
    known = delivery.variables(sender) if found else {}
    return [msgspec.structs.replace(letter, environment=known) for letter in found]


def addressee(letter: Letter, sender: Profile | Group) -> Monitor | None:
    """The monitor that is to send it; without one the letter is dropped."""
    for monitor in sender.monitors.get(letter.report.command, ()):
        if _service(monitor) == letter.service:
            on_warning = letter.content.on_warning or monitor.on_warning
            return msgspec.structs.replace(monitor, on_warning=on_warning)
    letter.drop(f"`{sender.name}` has no such service any more")
    return None


def drop_outdated(monitor: Monitor, event: Event) -> None:
    """Drop what earlier runs left to say, as far as it is not true any more after this event.

    Another process may be about to send it; that makes no further attempt then.
    """
    ours = _sender(event.report), _service(monitor)
    for letter in waiting():
        if (letter.sender, letter.service) != ours or letter.report.time >= event.report.time:
            continue
        older = msgspec.structs.replace(letter.content.event, environment=event.environment)
        if monitor.outdates(event, older):
            letter.drop("a later run has told how it is now")


def send(letter: Letter, way: Delivery, *, retries: int = 0) -> bool:
    """Deliver a letter and remove it; False: it could not be delivered, and stays.

    Of several processes at once one sends it: it holds the flock(2) of the file, which a crash
    frees.
    """
    with _claimed(letter) as ours:
        if not ours:
            return True
        in_time = way.within_budget()
        try:
            way.send(
                letter.event(),
                retries=retries,
                wait=lambda seconds: in_time(seconds) and letter.path.exists(),
            )
        except Error as error:
            log.warning("%s: what waits was not delivered: %s", way.name, error)
            if isinstance(error, PartlyToldError):
                letter.note(error.told)
            return False
        log.info("outbox: %s was delivered", letter.title)
        letter.remove()
        return True


def _sender(report: Report) -> tuple[str, str, str]:
    return report.config_file, report.profile, "" if report.profile else report.group


def _service(monitor: Monitor) -> tuple[str, str]:
    return registry.name(monitor), monitor.name


@contextlib.contextmanager
def _claimed(letter: Letter) -> Iterator[bool]:
    """Whether the letter is ours to send."""
    try:
        descriptor = os.open(letter.path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        yield False
        return
    try:
        ours = turns.taken(descriptor) and os.fstat(descriptor).st_nlink > 0  # 0: sent meanwhile
    except OSError:
        ours = False
    try:
        yield ours
    finally:
        os.close(descriptor)


def _trim(folder: Path) -> None:
    """Drop what is too old, and the oldest of what is too much."""
    limit = time.time_ns() - int(OLDEST * 1e9)
    newest_first = sorted(folder.glob("*.json"), reverse=True)
    for place, path in enumerate(newest_first):
        old = _nanoseconds(path) < limit
        if old or place >= MOST:
            why = "it is too old" if old else f"{MOST} newer ones wait"
            log.warning("outbox: a notification of %s is dropped; %s", _when(path), why)
            path.unlink(missing_ok=True)


def _nanoseconds(path: Path) -> int:
    digits = path.name.partition("-")[0]
    return int(digits) if digits.isdecimal() else 0


def _when(path: Path) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(_nanoseconds(path) / 1e9))
