"""What a command of a profile is going to do: its steps in their order. Pure."""

from __future__ import annotations

import msgspec

from resticprof.config.monitors import COMMANDS
from resticprof.errors import Problem
from resticprof.model.config import Copy, FlagValue, Global, Profile, Retention, Section
from resticprof.model.monitor import Monitor
from resticprof.model.types import truth
from resticprof.restic import argv, flags


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One restic command of a run."""

    command: str  # restic's word
    section: str  # whose flags count
    label: str = ""  # names the step in errors; empty: the command that was asked for
    extra: tuple[str, ...] = ()  # words of the command line
    tried: bool = False  # a failure is told and changes nothing
    second: bool = False  # `init` of the second repository of a copy

    @property
    def name(self) -> str:
        """The step in reports and in the status file."""
        return self.label or self.command

    @property
    def main(self) -> bool:
        """Whether this is the command that was asked for."""
        return not self.label


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One run of one command of one profile."""

    profile: Profile
    command: str
    group: str = ""
    init: Step | None = None
    steps: tuple[Step, ...] = ()
    restic_dry_run: bool = False  # restic itself is asked to change nothing
    section: Section = Section()
    monitors: tuple[Monitor, ...] = ()
    lock: str | None = None
    config_file: str = ""
    problems: tuple[Problem, ...] = ()  # of the profile; they fail the run

    @property
    def title(self) -> str:
        """`backup on profile 'home'`."""
        return f"{self.command} on profile '{self.profile.name}'"

    @property
    def names(self) -> dict[str, str]:
        """What restic and all hooks find in their environment besides that of the profile."""
        return {"PROFILE_NAME": self.profile.name, "PROFILE_COMMAND": self.command}

    @property
    def retries(self) -> int:
        """How often a step is tried again after a failure that can heal."""
        own = self.section.retry
        return self.profile.retry if own is None else own

    @property
    def on_error(self) -> tuple[str, ...]:
        """The lines of the section, or of the profile for the commands that monitors report."""
        usual = self.profile.on_error if self.command in COMMANDS else ()
        return self.section.on_error or usual

    @property
    def gives_data(self) -> bool:
        """Whether restic's output is for a program or a file, rather than for a person."""
        typed = any(step.main and "--json" in step.extra for step in self.steps)
        json = self.section.flags.get("json", self.profile.flags.get("json"))
        return self.command in DATA_COMMANDS or typed or _is_on(json)

    @property
    def only_looks(self) -> bool:
        """Whether restic's output is all there is to it: without a reader it is pointless."""
        return self.command in LOOKING


DATA_COMMANDS = frozenset({"cat", "dump"})
LOOKING = DATA_COMMANDS | {"diff", "find", "list", "ls", "snapshots", "stats"}


def plan(
    profile: Profile, command: str, extra: tuple[str, ...], global_: Global, *, group: str = ""
) -> Plan:
    """The whole run, before anything of it happens; `extra` goes to the main step alone."""
    main = _main_step(command, extra)
    dry = _is_dry(profile, main)
    if command == "backup":
        steps = _backup(profile, main, dry=dry)
    elif command == "copy":
        steps = _copy(profile, main, global_)
    else:
        steps = (main,)
    wanted = (global_.initialize or profile.initialize) and not dry
    init = Step(command="init", section="init", label="init", tried=True)
    return Plan(
        profile=profile,
        command=command,
        group=group,
        init=init if wanted and command != "init" else None,
        steps=steps,
        restic_dry_run=dry,
        section=profile.sections.get(command, Section()),
        monitors=profile.monitors.get(command, ()),
        lock=profile.lock,
    )


def _main_step(command: str, extra: tuple[str, ...]) -> Step:
    """What was asked for; `retention`, which old schedules ask for, is a `forget`."""
    if command == "retention":
        return Step(command="forget", section="retention", extra=extra)
    return Step(command=command, section=_section_name(command, extra), extra=extra)


def _section_name(command: str, extra: tuple[str, ...]) -> str:
    """`key` and `repair` have sections for their second word, such as `key-add`."""
    if command in ("key", "repair") and extra and not extra[0].startswith("-"):
        return f"{command}-{extra[0]}"
    return command


def _is_dry(profile: Profile, main: Step) -> bool:
    """Whether restic is told `--dry-run`, on the command line or by the profile."""
    flag = "dry-run"
    if not flags.exists(flag, main.command):
        return False
    section = profile.sections.get(main.section, Section())
    configured = section.flags.get(flag, profile.flags.get(flag, False))
    return flag in argv.names(main.command, main.extra) or _is_on(configured)


def _is_on(value: FlagValue | None) -> bool:
    """Whether a flag without a value is given; `1` and "true" mean it as well."""
    return value is True or (isinstance(value, str) and bool(truth(value)))


def _backup(profile: Profile, main: Step, *, dry: bool) -> tuple[Step, ...]:
    """A backup that changes nothing must not lead to a `forget` that does."""
    retention = profile.sections.get("retention")
    extra = ("--dry-run",) if dry else ()
    forget = Step(command="forget", section="retention", label="retention", extra=extra)
    check = Step(command="check", section="check", label="check")
    before = isinstance(retention, Retention) and bool(retention.before_backup)
    after = isinstance(retention, Retention) and bool(retention.after_backup)
    backup = profile.backup
    chain = (
        (backup.check_before, check),
        (before, forget),
        (True, main),
        (after, forget),
        (backup.check_after, check),
    )
    return tuple(step for wanted, step in chain if wanted)


def _copy(profile: Profile, main: Step, global_: Global) -> tuple[Step, ...]:
    section = profile.sections.get("copy")
    wanted = global_.initialize or (isinstance(section, Copy) and section.initialize)
    init = Step(command="init", section="copy", label="init", tried=True, second=True)
    return (init, main) if wanted else (main,)
