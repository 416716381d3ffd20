"""Read jobs back from the unit files of a directory."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from resticprof.model.schedule import Installation, Part
from resticprof.schedulers import caller, recognition, systemd_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.schedulers.caller import Account


def jobs(scope: str, directory: str) -> Iterator[Installation]:
    """The jobs of a directory, by name: units count, too, which systemd has not loaded."""
    try:
        names = set(os.listdir(directory))  # noqa: PTH208 - names are what we want
    except OSError:
        return
    enabled = _wanted_by_targets(directory, names)
    for name in sorted(names):
        if name.startswith("resticprofile-") and name.endswith(".service"):
            unit = _Unit(scope, directory, name.removesuffix(".service"), names)
            if job := unit.read(enabled):
                yield job


def runs_as(installation: Installation) -> Account | None:
    """The account in `User=`."""
    users = _settings(installation, "User")
    return caller.by_name(users[-1]) if users else None


def sudo_user(installation: Installation | None) -> str:
    """The caller of sudo whom the service knows: nothing changes because somebody else looks."""
    variables = _settings(installation, "Environment") if installation else []
    words = (word for text in variables for word in systemd_text.words(text))
    found = (word.partition("=") for word in words)
    return next((value for name, _, value in found if name == "SUDO_USER"), "")


def _settings(installation: Installation, name: str) -> list[str]:
    """The values of a setting of the service."""
    texts = (part.text or "" for part in installation.parts if part.path.endswith(".service"))
    return [value for text in texts for value in systemd_text.settings(text, name)]


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
