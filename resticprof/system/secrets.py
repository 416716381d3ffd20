"""Secret references: a value that is fetched when it is first needed, once for each process."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from resticprof.errors import SecretError
from resticprof.model.run import Command
from resticprof.model.types import MASK, Secret
from resticprof.system import files, process

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger("resticprof")

CONTAINER_SECRETS = "/run/secrets"
LONGEST = 4096  # bytes of a password that are looked for in what is logged
COMMAND_LIMIT = 30.0  # seconds that a command may take to print a secret

_known: dict[tuple[str, str, str], Secret] = {}
_guard = threading.Lock()


def reference(kind: str, target: str, directory: Path) -> Secret:
    """The secret behind `{ env = … }`, `{ file = … }`, `{ command = … }` or `{ credential = … }`.

    A relative file belongs to `directory`. `reveal` raises `SecretError`, which never holds the
    value. Equal references are one secret, so that a command runs once.
    """
    key = (kind, target, str(directory))
    with _guard:
        if key not in _known:
            shown = "…" if kind == "command" else target
            source = _once(lambda: _fetched(kind, target, directory))
            _known[key] = Secret(public=f"{{ {kind} = {shown} }}", source=source)
        return _known[key]


def password_in(file: str) -> str:
    """The first line of a password file, as restic reads it; nothing if it cannot be had."""
    path = Path(file)
    try:
        if not path.is_file():  # a pipe can be read once, and restic will want to
            return ""
        with path.open("rb") as stream:
            return stream.read(LONGEST).decode("utf-8-sig", "replace").strip()
    except OSError:
        return ""


def _once(fetch: Callable[[], str]) -> Callable[[], str]:
    """The same for several threads: the first one fetches, the others wait for it."""
    guard = threading.Lock()
    fetched: list[str] = []

    def source() -> str:
        with guard:
            if not fetched:
                fetched.append(fetch())
            return fetched[0]

    return source


def _fetched(kind: str, target: str, directory: Path) -> str:
    if "\0" in target:
        raise SecretError(f"the {kind} that a secret refers to has a character that none can have")
    value = _SOURCES[kind](target, directory)
    if not value:
        raise SecretError(f"the {kind} `{_shown(kind, target)}` that a secret refers to is empty")
    return value


def _shown(kind: str, target: str) -> str:
    """The target for messages; of a command, the program alone, since the rest may be secret."""
    if kind != "command":
        return target
    program = target.split(maxsplit=1)[0] if target.strip() else ""
    return "…" if "=" in program else f"{program} …"


def _from_environment(name: str, _directory: Path) -> str:
    value = os.environ.get(name)
    if value is None:
        raise SecretError(f"the variable `{name}` that a secret refers to is not set")
    return value


def _from_file(name: str, directory: Path) -> str:
    path = directory / os.path.expanduser(name)
    try:
        if files.world_readable(path):
            log.warning("`%s` holds a secret and can be read by everybody; chmod 600 it", path)
        return path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SecretError(f"the secret in `{path}` cannot be read: {reason}") from error


def _from_command(line: str, _directory: Path) -> str:
    """What the shell line prints; its errors stay unseen, since they may repeat the secret."""
    command = Command(argv=("/bin/sh", "-c", line), public=("/bin/sh", "-c", MASK))
    result = process.ask(command, timeout=COMMAND_LIMIT)
    if result.exit_code != 0:
        shown, cause = _shown("command", line), process.cause(result)
        raise SecretError(f"the command `{shown}` that a secret refers to failed: {cause}")
    return result.stdout.removesuffix("\n").removesuffix("\r")


def _from_credential(name: str, directory: Path) -> str:
    """A credential of systemd (systemd.exec(5)), or a file of a container."""
    if "/" in name:
        raise SecretError(f"`{name}` is not the name of a credential")
    for folder in (os.environ.get("CREDENTIALS_DIRECTORY"), CONTAINER_SECRETS):
        if folder and (Path(folder) / name).is_file():
            return _from_file(str(Path(folder) / name), directory)
    text = f"there is no credential `{name}` in $CREDENTIALS_DIRECTORY or {CONTAINER_SECRETS}"
    raise SecretError(text)


_SOURCES: dict[str, Callable[[str, Path], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "command": _from_command,
    "credential": _from_credential,
}
