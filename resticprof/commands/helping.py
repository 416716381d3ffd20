"""restic's help for a command, and what each profile adds to its command line."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from resticprof.errors import Error
from resticprof.model.config import Global
from resticprof.model.run import Command
from resticprof.restic import argv, collect, flags
from resticprof.restic.situation import Situation
from resticprof.runs import arguments, locate
from resticprof.system import process

if TYPE_CHECKING:
    from resticprof.config.configuration import Configuration


def restic_help(command: str, configuration: Configuration | None) -> str:
    """Raises `ResticNotFound`, or `Error` when there is no such command."""
    restic = locate.locate(configuration.global_ if configuration else Global())
    words = " ".join(flags.words(command))
    result = process.ask(Command(argv=(restic.path, "help", *flags.words(command))))
    if result.exit_code != 0 or "Unknown help topic" in result.stderr:
        raise Error(f"neither resticprof nor restic has a command `{words}`")
    text = result.stdout.replace(f"restic {words}", f"resticprof [OPTIONS] [PROFILE.]{words}", 1)
    if configuration is None:
        return text
    return text + "".join(
        _added(command, name, configuration, restic) for name in configuration.names()
    )


def _added(command: str, name: str, configuration: Configuration, restic: locate.Restic) -> str:
    """The flags of one profile, masked, one a line."""
    try:
        _, profile = configuration.read_profile(name, reveal=False)
    except Error as error:
        return f"\nProfile {name} cannot be read: {error}\n"
    situation = Situation(
        version=restic.version,
        filter=configuration.global_.restic_arguments_filter and restic.genuine,
        hostname=socket.gethostname(),
        source_directory=arguments.source_directory(profile),
        sources=lambda: arguments.sources(profile),
    )
    found = collect.collect(profile, command, situation)
    words = flags.words(command)
    sent = argv.render(command, found, situation=situation).public[len(words) :]
    shown = "".join(f"    {word}\n" for word in sent)
    return f"\nFlags that profile {name} adds:\n{shown}" if shown else ""
