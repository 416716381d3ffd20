"""`show`, `profiles`, `check-config`, `version`: commands that only look."""

from __future__ import annotations

import platform
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from resticprof import __version__
from resticprof.cli import render
from resticprof.cli.app import app
from resticprof.cli.log import logging_for
from resticprof.cli.opening import open_configuration, read_configuration
from resticprof.runs.selection import DEFAULT_PROFILE

if TYPE_CHECKING:
    from resticprof.model.run import Invocation

WIDEST = 80  # characters of a value in `show --explain` that the places are aligned behind

Json = Annotated[bool, typer.Option("--json", help="as JSON, for programs")]


@app.command()
def version(
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="with everything around it")
    ] = False,
) -> None:
    """Show the version."""
    render.write(f"resticprof {__version__}")
    if verbose:
        rows = [
            ("executable:", sys.argv[0]),
            ("python:", platform.python_version()),
            ("system:", f"{platform.system()} {platform.machine()}"),
        ]
        render.write(render.table(rows))


@app.command()
def profiles(ctx: typer.Context, json: Json = False) -> None:
    """List profiles and groups."""
    from resticprof.commands import listing

    with logging_for(ctx.obj):
        found = listing.listing(open_configuration(ctx.obj, reveal=False))
    if json:
        render.json(found)
    else:
        render.write(_listing_text(found))


def _listing_text(found: Any) -> str:
    if not found.profiles:
        return "\nThere are no profiles in this configuration.\n"
    rows = [
        (f"  {entry.name}:", f"({', '.join(entry.sections) or 'n/a'})", entry.description)
        for entry in found.profiles
    ]
    text = "\nProfiles available (name, sections, description):\n" + render.table(rows) + "\n"
    if found.groups:
        rows = [
            (f"  {entry.name}:", f"[{', '.join(entry.profiles)}]", entry.description)
            for entry in found.groups
        ]
        text += "Groups available (name, profiles, description):\n" + render.table(rows) + "\n"
    return text


@app.command()
def show(
    ctx: typer.Context,
    json: Json = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="with the file and line each value came from")
    ] = False,
) -> None:
    """Show the effective profile or group, secrets masked."""
    from resticprof.commands import show as showing

    invocation: Invocation = ctx.obj
    look = showing.explained if explain else showing.shown
    text = _explained_text if explain else render.block
    with logging_for(invocation) as logs:
        configuration = open_configuration(invocation, reveal=False)
        parts: Any = look(configuration, invocation.name or DEFAULT_PROFILE)
    blocks = (text(title, part) for title, part in parts.items())
    render.write(logs.scrubber.hide(render.json_text(parts) if json else "\n".join(blocks)))


def _explained_text(title: str, values: Any) -> str:
    rows = [(f"    {item.path} = {render.scalar(item.value)}", item.origin) for item in values]
    # One long hook does not push the places of all other values out of sight.
    width = max((len(text) for text, _ in rows if len(text) <= WIDEST), default=0)
    return f"{title}:\n" + "".join(f"{text.ljust(width)}  {origin}\n" for text, origin in rows)


@app.command("check-config")
def check_config(ctx: typer.Context, json: Json = False) -> None:
    """Find every mistake in the configuration, with its place."""
    from resticprof.commands import check_config as checking

    with logging_for(ctx.obj) as logs:
        findings = checking.check(lambda: read_configuration(ctx.obj, reveal=False))
    text = "\n".join(str(finding) for finding in findings) or "no problems found"
    render.write(logs.scrubber.hide(render.json_text(findings) if json else text))
    errors = any(finding.severity == "error" for finding in findings)
    raise typer.Exit(78 if errors else 0)
