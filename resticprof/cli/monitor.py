"""`monitor list`, `monitor test`, `monitor flush`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from resticprof.cli import render
from resticprof.cli.app import app
from resticprof.cli.inspect import Json
from resticprof.cli.opening import open_configuration
from resticprof.model.run import Invocation

monitor = typer.Typer(
    help="See and prove what monitoring services are told.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(monitor, name="monitor")


@monitor.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the services of the profile, with their effective settings, secrets masked."""
    from resticprof.commands import monitoring

    invocation: Invocation = ctx.obj
    profile = open_configuration(invocation).profile(invocation.name or "default")
    found = monitoring.configured(profile)
    if json:
        render.json(found)
        return
    if not found:
        render.write(f"profile {profile.name} tells no monitoring service")
    for entry in found:
        render.write(render.block(f"{entry.command} → {entry.service}", entry.settings))


@monitor.command()
def test(
    ctx: typer.Context,
    services: Annotated[list[str] | None, typer.Argument(help="only these")] = None,
    state: Annotated[
        str, typer.Option("--state", help="start, log, finish, warn or fail")
    ] = "finish",
    json: Json = False,
) -> None:
    """Send a marked test event, to see that it arrives."""
    from resticprof.commands import monitoring
    from resticprof.model.run import State

    try:
        wanted = State(state)
    except ValueError:
        raise typer.BadParameter(f"`{state}` is none of start, log, finish, warn, fail") from None
    with _session(ctx.obj) as session:
        profile = session.configuration.profile(session.invocation.name or "default")
        results = monitoring.test(profile, session, state=wanted, services=tuple(services or ()))
    if json:
        render.json(results)
    else:
        rows = [
            (entry.service, entry.state, _outcome(delivered=entry.delivered)) for entry in results
        ]
        render.write(render.table(rows) or f"profile {profile.name} tells no monitoring service")
    raise typer.Exit(0 if all(entry.delivered for entry in results) else 1)


def _outcome(*, delivered: bool) -> str:
    return "delivered" if delivered else "NOT delivered"


@monitor.command()
def flush(ctx: typer.Context) -> None:
    """Send the notifications that could not be delivered before."""
    from resticprof.commands import monitoring

    with _session(ctx.obj) as session:
        sent, left = monitoring.flush(session)
    render.write(f"{sent} sent, {left} waiting")
    raise typer.Exit(1 if left else 0)


@contextlib.contextmanager
def _session(invocation: Invocation) -> Iterator[Any]:
    from resticprof.cli.run import logging_for
    from resticprof.commands.session import Session
    from resticprof.system.signals import Signals

    with logging_for(invocation) as logs, Signals() as signals:
        yield Session(invocation, open_configuration(invocation), signals, logs)
