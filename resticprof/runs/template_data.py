"""What templates can see, and the functions that reach into the system."""

from __future__ import annotations

import os
import platform
import re
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resticprof.errors import TemplateError
from resticprof.runs.hooks import failure_variables
from resticprof.system import directories
from resticprof.templates import data, printf
from resticprof.templates.buffer import Rendered
from resticprof.templates.gotime import LocalZone
from resticprof.templates.render import TemplateSet

if TYPE_CHECKING:
    from collections.abc import Callable

    from resticprof.model.run import Report

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}
_NOT_IN_A_NAME = re.compile(r"[^\w.-]", re.ASCII)
_FOLDERS = ("", ".", "..")


class Renderer:
    """Executes the templates of a configuration, for one profile name after the other."""

    def __init__(self, main: Path) -> None:
        self._directory = directories.current()
        self._config_dir = os.path.normpath(self._directory / main.parent)
        self.env_files: dict[str, str] = {}  # `{{ env }}`: profile name to the file it stands for

    def of_profile(self, name: str) -> Callable[[str, str], Rendered]:
        """What renders the files for one profile; a `define` counts in the files after its own."""
        templates = TemplateSet(functions={**_functions(), "env": lambda: self._env(name)})

        def render(file: str, text: str) -> Rendered:
            if "{{" not in text and "{%" not in text:
                return Rendered(text)
            seen = data.ConfigData(
                **_base(self._directory),
                profile=data.NameData(name=name),
                config_dir=self._config_dir,
            )
            return templates.rendered(text, seen, file=file)

        return render

    def _env(self, profile_name: str) -> str:
        path = temporary_file(f"{profile_name}.env")
        self.env_files[profile_name] = path
        return path


def render_body(text: str, file: str, report: Report, stdout: str) -> str:
    """The body of an HTTP hook from its template."""
    failure = failure_variables(report.failure)
    seen = data.HookData(
        **_base(directories.current()),
        profile_name=report.profile,
        profile_command=report.command,
        error=data.ErrorData(
            message=failure.get("ERROR", ""),
            command_line=failure.get("ERROR_COMMANDLINE", ""),
            exit_code=failure.get("ERROR_EXIT_CODE", ""),
            stderr=failure.get("ERROR_STDERR", ""),
        ),
        stdout=stdout,
        report=report,
    )
    return render_with_functions(text, seen, file)


def render_with_functions(text: str, seen: Any, file: str) -> str:
    """Any template outside of configuration files; `env` names a file that nobody reads."""
    functions = {**_functions(), "env": lambda: temporary_file("dummy.env")}
    return TemplateSet(functions=functions).render(text, seen, file=file)


def base_data() -> data.BaseData:
    """What every template sees."""
    return data.BaseData(**_base(directories.current()))


def _base(started_in: Path) -> dict[str, Any]:
    from datetime import datetime

    return {
        "now": datetime.now(LocalZone()),
        "startup_dir": str(started_in),
        "current_dir": str(directories.current()),
        "temp_dir": directories.temporary(),
        "binary_dir": str(Path(sys.argv[0] or sys.executable).absolute().parent),
        "os": platform.system().lower(),
        "arch": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "hostname": socket.gethostname() or "localhost",
        "env": data.TextMap(_environment()),
    }


def _environment() -> dict[str, str]:
    """The environment, with upper-case names too."""
    upper = {name.upper(): value for name, value in os.environ.items()}
    return {**upper, **os.environ}


def _functions() -> dict[str, Callable[..., object]]:
    return {"tempDir": _temporary_directory, "tempFile": temporary_file}


def _temporary_directory() -> str:
    folder = directories.private() / "t"
    folder.mkdir(exist_ok=True, mode=0o755)
    return str(folder)


def temporary_file(name: object) -> str:
    """A private file for hooks and restic to share; empty when it is new."""
    if not isinstance(name, str) or name in _FOLDERS:
        raise TemplateError(f"`{printf.printf('%#v', name)}` cannot be the name of a file")
    path = Path(_temporary_directory()) / _NOT_IN_A_NAME.sub("_", name)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    return str(path)
