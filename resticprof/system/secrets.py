"""Secret references: a value that is fetched when it is first needed, once for each process."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

from resticprof.errors import SecretError
from resticprof.model.run import Command
from resticprof.model.types import Secret
from resticprof.system import files, process

log = logging.getLogger("resticprof")

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
            fetch = _SOURCES[kind]
            _known[key] = Secret(
                public=f"{{ {kind} = {target} }}" if kind != "command" else "{ command = … }",
                source=lambda: fetch(target, directory),
            )
        return _known[key]


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
    command = Command(argv=("/bin/sh", "-c", line))
    result = process.run(command, process.CAPTURED, timeout=COMMAND_LIMIT)
    if result.exit_code != 0:
        program = line.split(maxsplit=1)[0] if line.split() else line
        raise SecretError(f"the command `{program} …` gives no secret: {process.cause(result)}")
    return result.stdout.removesuffix("\n").removesuffix("\r")


def _from_credential(name: str, directory: Path) -> str:
    """A credential of systemd (systemd.exec(5)), or a file of a container."""
    if "/" in name:
        raise SecretError(f"`{name}` is not the name of a credential")
    folders = [os.environ.get("CREDENTIALS_DIRECTORY", ""), "/run/secrets"]
    for folder in folders:
        if folder and (Path(folder) / name).is_file():
            return _from_file(str(Path(folder) / name), directory)
    raise SecretError(f"there is no credential `{name}`")


_SOURCES: dict[str, Callable[[str, Path], str]] = {
    "env": _from_environment,
    "file": _from_file,
    "command": _from_command,
    "credential": _from_credential,
}
