"""Help: our commands, and restic's own help with the flags that each profile adds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import typer

from resticprof.cli import render
from resticprof.cli.app import RAW, app
from resticprof.cli.opening import read_configuration
from resticprof.errors import Error, ResticNotFound
from resticprof.runs.selection import split

if TYPE_CHECKING:
    from resticprof.model.run import Invocation

WORDS = frozenset({"-h", "--help"})

_COMMAND = re.compile(r"\w{2,}[-\w]*", re.ASCII)


@app.command("help", context_settings=RAW)
def help_(ctx: typer.Context) -> None:
    """Show help: of this program, or of a command, also restic's."""
    about(ctx, tuple(ctx.args))


def about(ctx: typer.Context, words: tuple[str, ...]) -> None:
    """The help that these words ask for; options, and profiles in front, make no difference."""
    root = ctx.find_root()
    commands = (split(word)[1] for word in words)
    names = [name for name in commands if _COMMAND.fullmatch(name) and name != "help"]
    found = _own(root, names)
    render.write(_restic_help(names, ctx.obj) if names and found is root else found.get_help())


def _own(found: Any, names: list[str]) -> Any:
    """The context of our command that has these names, as far as they are ours."""
    for name in names:
        command = getattr(found.command, "commands", {}).get(name)
        if command is None or command.hidden:
            break
        found = typer.Context(command, info_name=name, parent=found)
    return found


def _restic_help(names: list[str], invocation: Invocation) -> str:
    from resticprof.commands import helping
    from resticprof.restic import flags

    both = "-".join(names[:2])
    command = both if flags.is_command(both) else names[0]

    try:
        configuration = read_configuration(invocation)
    except Error:
        configuration = None
    try:
        return helping.restic_help(command, configuration)
    except ResticNotFound as error:
        return f"{names[0]} is a command of restic; {error}"
