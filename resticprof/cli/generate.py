"""`generate`: JSON Schema, reference of all keys, shell completion, random keys."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from typing import Annotated, Any

import typer

from resticprof.cli import render, shells
from resticprof.cli.app import app
from resticprof.errors import UsageError

RANDOM_BYTES = 1024


@app.command("random-key", hidden=True)
def random_key(size: Annotated[int, typer.Argument(min=1)] = RANDOM_BYTES) -> None:
    """Print cryptographic random bytes in base64."""
    render.write(base64.b64encode(os.urandom(size)).decode())


@app.command()
def generate(
    word: Annotated[
        str, typer.Argument(help="of a schema: v1, v2 or global; of a key: its size", metavar="")
    ] = "",
    json_schema: Annotated[
        bool, typer.Option("--json-schema", help="JSON Schema of the configuration: v1, v2, global")
    ] = False,
    version: Annotated[
        str, typer.Option("--version", metavar="X.Y", help="only the flags of this restic")
    ] = "",
    config_reference: Annotated[
        bool, typer.Option("--config-reference", help="every key, as Markdown")
    ] = False,
    bash_completion: Annotated[
        bool, typer.Option("--bash-completion", help="completion script for bash")
    ] = False,
    zsh_completion: Annotated[
        bool, typer.Option("--zsh-completion", help="completion script for zsh")
    ] = False,
    fish_completion: Annotated[
        bool, typer.Option("--fish-completion", help="completion script for fish")
    ] = False,
    random: Annotated[
        bool, typer.Option("--random-key", help="random bytes in base64, for a password file")
    ] = False,
) -> None:
    """Print a schema, a reference, completion or a random key."""
    wishes: tuple[tuple[bool, Callable[[], None]], ...] = (
        (bash_completion, lambda: render.write(shells.BASH)),
        (config_reference, _reference),
        (json_schema, lambda: _schema(word or "global", version)),
        (random, lambda: random_key(_size(word))),
        (zsh_completion, lambda: render.write(shells.ZSH)),
        (fish_completion, lambda: render.write(shells.FISH)),
    )
    for wanted, carry_out in wishes:
        if wanted:
            carry_out()
            return
    raise UsageError(
        "say what to generate, such as `generate --json-schema v1`; see `help generate`"
    )


def _reference() -> None:
    from resticprof.config import reference

    render.write(reference.reference())


def _schema(name: str, version: str) -> None:
    from resticprof.config import schema
    from resticprof.restic.versions import Version

    restic = Version.parse(version)
    if version and restic is None:
        raise UsageError(f"`{version}` is not a version of restic, such as 0.18")
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "v1": lambda: schema.Schema(1, restic).build(),
        "v2": lambda: schema.Schema(2, restic).build(),
        "global": lambda: schema.both(restic),
    }
    if name not in made:
        raise UsageError(f"`{name}` is not a schema; there are v1, v2 and global")
    render.json(made[name]())


def _size(text: str) -> int:
    if not text:
        return RANDOM_BYTES
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"`{text}` is not a number of bytes")
    return int(text)
