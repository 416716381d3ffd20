"""Help: our commands, and restic's own help with the flags that each profile adds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from resticprof.cli import render
from resticprof.cli.app import app
from resticprof.cli.opening import read_configuration
from resticprof.errors import Error, ResticNotFound

if TYPE_CHECKING:
    from resticprof.model.run import Invocation

WORDS = frozenset({"-h", "--help"})

_COMMAND = re.compile(r"\w{2,}[-\w]*", re.ASCII)


@app.command("help")
def help_(ctx: typer.Context, words: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Show help: of this program, or of a command, also restic's."""
    about(ctx, tuple(words or ()))


def about(ctx: typer.Context, words: tuple[str, ...]) -> None:
    """The help that these words ask for."""
    root = ctx.find_root()
    names = [word for word in words if _COMMAND.fullmatch(word) and word != "help"]
    subject = names[0] if names else ""
    own = getattr(root.command, "commands", {}).get(subject)
    if own is not None and not own.hidden:
        with typer.Context(own, info_name=subject, parent=root) as inner:
            render.write(own.get_help(inner))
    elif subject:
        render.write(_restic_help(subject, ctx.obj))
    else:
        render.write(root.get_help())


def _restic_help(command: str, invocation: Invocation) -> str:
    from resticprof.commands import helping

    try:
        configuration = read_configuration(invocation)
    except Error:
        configuration = None
    try:
        return helping.restic_help(command, configuration)
    except ResticNotFound as error:
        return f"{command} is a command of restic; {error}"
