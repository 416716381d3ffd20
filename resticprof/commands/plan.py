"""What a command of a profile is going to do: its steps in their order. Pure."""

from __future__ import annotations

import msgspec

from resticprof.errors import Problem
from resticprof.model.config import Copy, Global, Profile, Retention, Section
from resticprof.model.monitor import Monitor


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
    def restic_dry_run(self) -> bool:
        """Whether restic itself is asked to change nothing."""
        return any(
            word == "--dry-run" or (word[:1] == "-" and word[:2] != "--" and "n" in word[1:])
            for step in self.steps
            if step.main and step.command in DRY_RUNS
            for word in step.extra
        )


DRY_RUNS = frozenset({"backup", "forget", "prune", "rewrite", "repair", "restore"})


def plan(
    profile: Profile, command: str, extra: tuple[str, ...], global_: Global, *, group: str = ""
) -> Plan:
    """The whole run, before anything of it happens; `extra` goes to the main step alone."""
    main = _main_step(command, extra)
    steps = {"backup": _backup, "copy": _copy}.get(command, _alone)(profile, main, global_)
    wanted = global_.initialize or profile.initialize
    init = Step(command="init", section="init", label="init", tried=True)
    return Plan(
        profile=profile,
        command=command,
        group=group,
        init=init if wanted and command != "init" else None,
        steps=steps,
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


def _alone(_profile: Profile, main: Step, _global: Global) -> tuple[Step, ...]:
    return (main,)


def _backup(profile: Profile, main: Step, _global: Global) -> tuple[Step, ...]:
    retention = profile.sections.get("retention")
    forget = Step(command="forget", section="retention", label="retention")
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
