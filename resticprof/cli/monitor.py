"""`monitor list`, `monitor test`, `monitor flush`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from resticprof.cli import render
from resticprof.cli.app import app
from resticprof.cli.inspect import Json
from resticprof.cli.opening import open_configuration
from resticprof.model.run import Invocation, State
from resticprof.runs.selection import DEFAULT_PROFILE

if TYPE_CHECKING:
    from resticprof.runs.session import Session

monitor = typer.Typer(
    help="See and prove what monitoring services are told.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(monitor, name="monitor")

NOBODY = "no monitoring service is told of `{}`"


@monitor.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the services of a profile or group, with their effective settings, secrets masked."""
    from resticprof.commands import monitoring, show

    configuration = open_configuration(ctx.obj)
    who = monitoring.sender(configuration, _name(ctx.obj))
    if json:
        render.json(monitoring.configured(who))
        return
    for commands, services in show.show_monitors(who.monitors).items():
        for service, settings in services.items():
            render.write(render.block(f"{commands} → {service}", settings))
    if not who.monitors:
        render.write(NOBODY.format(who.name))


@monitor.command()
def test(
    ctx: typer.Context,
    services: Annotated[list[str] | None, typer.Argument(help="only these services")] = None,
    state: Annotated[
        State, typer.Option("--state", help="what to tell", case_sensitive=False)
    ] = State.FAIL,
    json: Json = False,
) -> None:
    """Send a marked test event, a failure by default, to see that it arrives."""
    from resticprof.commands import monitoring

    with _session(ctx.obj) as session:
        who = monitoring.sender(session.configuration, _name(ctx.obj))
        results = monitoring.test(who, session, state=state, services=tuple(services or ()))
    if json:
        render.json(results)
    elif results:
        rows = [(entry.service, entry.state, entry.outcome, entry.error) for entry in results]
        render.write(render.table(rows))
    else:
        render.write(NOBODY.format(who.name))
    good = results and all(entry.outcome != "failed" for entry in results)
    raise typer.Exit(0 if good else 1)


@monitor.command()
def flush(ctx: typer.Context, json: Json = False) -> None:
    """Send the notifications that could not be delivered before."""
    from resticprof.commands import monitoring

    with _session(ctx.obj) as session:
        done = monitoring.flush(session)
    if json:
        render.json(done)
    else:
        elsewhere = f", {done.elsewhere} for other configurations" if done.elsewhere else ""
        render.write(f"{done.sent} sent, {done.left} waiting{elsewhere}")
    raise typer.Exit(1 if done.left else 0)


def _name(invocation: Invocation) -> str:
    return invocation.name or DEFAULT_PROFILE


@contextlib.contextmanager
def _session(invocation: Invocation) -> Iterator[Session]:
    from resticprof.cli.log import logging_for
    from resticprof.runs.session import Session
    from resticprof.system.signals import Signals

    with logging_for(invocation) as logs, Signals() as signals:
        yield Session(invocation, open_configuration(invocation), signals, logs)
