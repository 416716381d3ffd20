"""The command line: options, then one of our commands or one of restic's."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
from typing import Any

import msgspec
import typer
from typer.core import TyperGroup

from resticprof.cli import options, spelling
from resticprof.model.run import Invocation
from resticprof.runs.selection import DEFAULT_PROFILE, Selection, select, split

RESTIC = "run-restic"  # the hidden command that takes every word that is not ours

RAW = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": [],
}


class Words(TyperGroup):
    """Finds the command in `profile.command` and `command@profile`; other words are restic's."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """A variable that cannot be read is told and does not count: the backup has to run."""
        for option in self.params:
            try:
                option.type_cast_value(ctx, option.resolve_envvar_value(ctx))
            except typer.BadParameter as error:
                [name, *_] = [name for name in option.envvar or () if os.environ.get(name)]
                either = f"`{os.environ[name]}` is neither true nor false"
                why = either if getattr(option, "is_flag", False) else error.message
                sys.stderr.write(f"resticprof: {name} is ignored: {why}\n")
                option.envvar = None
        spelled = spelling.read(args, self.params)
        rest: list[str] = super().parse_args(ctx, spelled.words)
        ctx.params.update(spelled.switches)
        return rest

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Our commands by name, with or without a profile in front; restic's by the hidden one."""
        word = args[0] if args else ""
        profile, name = ("", word) if _name_was_typed(ctx) else split(word)
        command = self.get_command(ctx, name) if name and name != RESTIC else None
        if command is None:
            return RESTIC, self.get_command(ctx, RESTIC), args
        ctx.meta[_PROFILE] = profile or (DEFAULT_PROFILE if name != word else "")
        return name, command, args[1:]


_PROFILE = "resticprof.profile"  # of the first word, for our own commands


def _name_was_typed(ctx: typer.Context) -> bool:
    """Whether `--name` was on the command line; the environment does not count."""
    return getattr(ctx.get_parameter_source("name"), "name", "") == "COMMANDLINE"


EPILOG = """
All other commands are those of restic; `help COMMAND` has them. Options can be given by variables:
RESTICPROF_LOCK_WAIT is `--lock-wait`, RESTICPROF_NO_PRIORITY is `--no-prio`.
"""

app = typer.Typer(
    cls=Words,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    invoke_without_command=True,
    subcommand_metavar="[[PROFILE.]COMMAND] [ARGS]...",
    epilog=EPILOG,
    context_settings={"allow_interspersed_args": False, "help_option_names": ["-h", "--help"]},
)


@app.callback()
def everything(
    ctx: typer.Context,
    config: options.Config = "profiles",
    format_: options.Format = "",
    name: options.Name = None,
    log: options.Log = "",
    command_output: options.CommandOutput = "auto",
    dry_run: options.DryRun = False,
    no_lock: options.NoLock = False,
    lock_wait: options.LockWait = 0.0,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    trace: options.Trace = False,
    stderr: options.Stderr = False,
    no_ansi: options.NoAnsi = False,
    theme: options.Theme = "light",
    no_prio: options.NoPriority = False,
    wait: options.Wait = False,
    ignore_on_battery: options.Battery = 0,
    monitoring_verbosity: options.MonitoringVerbosity = None,
    no_monitor: options.NoMonitor = False,
    _version: options.Version = False,
) -> None:
    """Run restic from profiles: hooks, locks, monitoring and schedules around every backup."""
    ctx.obj = Invocation(
        config=config,
        format=format_,
        name=ctx.meta.get(_PROFILE) or name,
        name_typed=_name_was_typed(ctx),
        log=log,
        command_output=command_output,
        dry_run=dry_run,
        no_lock=no_lock,
        lock_wait=lock_wait,
        quiet=quiet,
        verbose=3 if trace else int(verbose),
        stderr=stderr,
        no_ansi=no_ansi,
        theme=theme,
        no_prio=no_prio,
        wait=wait,
        ignore_on_battery=ignore_on_battery,
        monitoring_verbosity=monitoring_verbosity,
        no_monitor=no_monitor,
    )
    if wait:
        atexit.register(_wait_for_enter)
    if ctx.invoked_subcommand is None:
        _run(ctx, ())


@app.command(RESTIC, hidden=True, context_settings=RAW)
def run_restic(ctx: typer.Context) -> None:
    """Run a command of restic for a profile or a group."""
    from resticprof.cli import help as helping

    words = tuple(ctx.args)
    options = words[: words.index("--")] if "--" in words else words
    if helping.WORDS & set(options[1:]):
        helping.about(ctx, words)
        return
    _run(ctx, words)


@app.command("run-member", hidden=True)
def run_member(order: str) -> None:
    """Run one member of a group beside the others; only we call this."""
    from resticprof.cli import run

    raise typer.Exit(run.run_member(order))


def _run(ctx: typer.Context, words: tuple[str, ...]) -> None:
    """Run what the words mean; the default command may be one of ours."""
    from resticprof.cli import run

    invocation: Invocation = ctx.obj
    chosen = select(words, invocation.name, name_was_typed=invocation.name_typed)
    if not chosen.command:
        chosen = Selection(chosen.name, run.default_command(invocation), chosen.extra)
        root = ctx.find_root()
        own = getattr(root.command, "commands", {}).get(chosen.command)
        if own is not None and chosen.command != RESTIC:
            root.obj = msgspec.structs.replace(invocation, name=chosen.name)
            with own.make_context(chosen.command, list(chosen.extra), parent=root) as inner:
                own.invoke(inner)
            return
    raise typer.Exit(run.run(invocation, chosen))


def _wait_for_enter() -> None:
    """`--wait`: whatever happened, also a failure, stays to be read."""
    if sys.stdin.isatty():
        sys.stderr.write("press Enter to end ")
        sys.stderr.flush()
        with contextlib.suppress(KeyboardInterrupt):
            sys.stdin.readline()
