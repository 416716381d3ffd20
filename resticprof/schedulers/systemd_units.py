"""What stands in the units of a job: service, timer, environment file, drop-ins. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePath

import msgspec

from resticprof.errors import Error
from resticprof.model.schedule import Job, Part
from resticprof.model.types import reveal
from resticprof.schedulers import systemd_text
from resticprof.templates.data import BaseData

HEADER = "# Written by resticprof; the next `resticprof schedule` replaces what is changed here.\n"

NO_CORE = "LimitCORE=0"  # a core dump would hold the password of the repository

WATCHDOG_SIGNAL = "WatchdogSignal=SIGTERM"  # so that the run ends in order, and tells its failure

REALTIME = 1  # class of IO priority

HARDENED = (
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "ProtectHostname=yes",
    "SystemCallFilter=~@clock @cpu-emulation @obsolete @raw-io @reboot @swap",
    "SystemCallErrorNumber=EPERM",
)
"""What a backup as root can do without. docs/scheduling.md says why these, and why no others."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the units of a job are, and as whom it runs."""

    scope: str  # system or user: whose manager
    directory: str
    home: str  # of the account that the job runs as
    user: str = ""  # `User=`; empty: the manager's own
    sudo_user: str = ""  # who called sudo to install it
    privileged: bool = True  # the manager may give any priority


class UnitData(BaseData, frozen=True, kw_only=True):
    """For `systemd-unit-template` and `systemd-timer-template`."""

    job_description: str
    timer_description: str
    working_directory: str
    command_line: str
    on_calendar: tuple[str, ...]
    systemd_profile: str  # name of the service
    nice: int
    environment: tuple[str, ...]  # NAME=value, to be put between double quotes
    environment_file: str  # with the captured variables; empty: there are none
    after_network_online: bool
    cpu_scheduling_policy: str
    io_scheduling_class: int
    io_scheduling_priority: int
    user: str
    watchdog: str  # value for `WatchdogSec=`; empty: none


Render = Callable[[str, UnitData, str], str]
"""Template, data, name of the template's file."""


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """A template for units that replaces our own."""

    file: str
    text: str


class Templates(msgspec.Struct, frozen=True, kw_only=True):
    """The templates of `global`, and what it takes to fill them in."""

    unit: Template | None = None
    timer: Template | None = None
    render: Render
    base: BaseData


class DropIn(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the user that is put next to a unit."""

    file: str
    text: str


def parts(
    job: Job, place: Place, drop_ins: tuple[DropIn, ...], templates: Templates | None
) -> tuple[Part, ...]:
    """Every file of a job."""
    base = f"{place.directory}/{systemd_text.unit_name(job.command, job.name)}"
    found = [
        Part(path=f"{base}.service", text=_service(job, place, base, templates)),
        Part(path=f"{base}.timer", text=_timer(job, place, base, templates)),
    ]
    if job.environment:
        text = systemd_text.environment_file(
            {name: reveal(value) for name, value in job.environment.items()}
        )
        found.append(Part(path=f"{base}.env", text=text, mode=0o600, secret=True))
    for drop_in in drop_ins:
        lines = (line.strip().lower() for line in drop_in.text.splitlines())
        kind = "timer" if "[timer]" in lines else "service"
        path = f"{base}.{kind}.d/{PurePath(drop_in.file).stem}.resticprofile.conf"
        if any(part.path == path for part in found):
            raise Error(f"`{job.title}`: two drop-in files become `{path}`; give one another name")
        found.append(Part(path=path, text=drop_in.text))
    return tuple(found)


def _service(job: Job, place: Place, base: str, templates: Templates | None) -> str:
    if templates and templates.unit:
        text = _rendered(templates.unit, templates, _data(job, place, base, templates.base))
        return text + _environment_setting(job, base, text)
    sections = {"Unit": _unit_section(job, place), "Service": _service_section(job, place, base)}
    return HEADER + _sections(sections)


def _timer(job: Job, place: Place, base: str, templates: Templates | None) -> str:
    if templates and templates.timer:
        return _rendered(templates.timer, templates, _data(job, place, base, templates.base))
    delay = job.settings.randomized_delay
    sections = {
        "Unit": [f"Description={_timer_description(job)}"],
        "Timer": [
            *(f"OnCalendar={expression}" for expression in job.settings.at),
            *([f"RandomizedDelaySec={delay}"] if delay else []),
            f"Unit={PurePath(base).name}.service",
            "Persistent=true",
        ],
        "Install": ["WantedBy=timers.target"],
    }
    return HEADER + _sections(sections)


def _sections(sections: dict[str, list[str]]) -> str:
    blocks = ("\n".join([f"[{name}]", *lines]) + "\n" for name, lines in sections.items())
    return "\n".join(blocks)


def _unit_section(job: Job, place: Place) -> list[str]:
    lines = [f"Description={_description(job)}"]
    if _waits_for_network(job, place):
        lines += ["Wants=network-online.target", "After=network-online.target"]
    if job.settings.on_failure:
        units = " ".join(" ".join(job.settings.on_failure).split())  # specifiers such as %n stay
        lines.append(f"OnFailure={units}")
    return lines


def _service_section(job: Job, place: Place, base: str) -> list[str]:
    lines = [
        "Type=notify",
        f"WorkingDirectory={systemd_text.path(job.working_directory)}",
        f"ExecStart={_command_line(job)}",
        "KillMode=mixed",
    ]
    if job.settings.watchdog:
        lines += [f"WatchdogSec={job.settings.watchdog}", WATCHDOG_SIGNAL]
    lines += _priorities(job, place)
    if place.user:
        lines.append(f"User={place.user}")
    lines += (f'Environment="{variable}"' for variable in _environment(place))
    if job.environment:
        lines.append(f"EnvironmentFile={systemd_text.pattern(f'{base}.env')}")
    if job.settings.hardening:
        lines.append(NO_CORE)
        lines += HARDENED if place.scope == "system" and not place.user else ()
    return lines


def _priorities(job: Job, place: Place) -> Iterator[str]:
    """With a priority that the manager of a user may not give, the service would not start."""
    if job.nice > 0 or (job.nice and place.privileged):
        yield f"Nice={job.nice}"
    if policy := _cpu_policy(job):
        yield f"CPUSchedulingPolicy={policy}"
    if job.io_class and (place.privileged or job.io_class != REALTIME):
        yield f"IOSchedulingClass={job.io_class}"
        if job.io_level:
            yield f"IOSchedulingPriority={job.io_level}"


def _data(job: Job, place: Place, base: str, facts: BaseData) -> UnitData:
    environment_file = systemd_text.pattern(f"{base}.env") if job.environment else ""
    return UnitData(
        **{name: getattr(facts, name) for name in BaseData.__struct_fields__},
        job_description=_description(job),
        timer_description=_timer_description(job),
        working_directory=systemd_text.path(job.working_directory),
        command_line=_command_line(job),
        on_calendar=job.settings.at,
        systemd_profile=f"{PurePath(base).name}.service",
        nice=job.nice,
        environment=_environment(place),
        environment_file=environment_file,
        after_network_online=_waits_for_network(job, place),
        cpu_scheduling_policy=_cpu_policy(job),
        io_scheduling_class=job.io_class,
        io_scheduling_priority=job.io_level,
        user=place.user,
        watchdog=str(job.settings.watchdog or ""),
    )


def _rendered(template: Template, templates: Templates, data: UnitData) -> str:
    text = templates.render(template.text, data, template.file)
    return text if text.endswith("\n") else text + "\n"


def _environment_setting(job: Job, base: str, text: str) -> str:
    """What a template that does not know about the environment file lacks."""
    setting = f"EnvironmentFile={systemd_text.pattern(f'{base}.env')}"
    return "" if not job.environment or setting in text else f"\n[Service]\n{setting}\n"


def _command_line(job: Job) -> str:
    flags = ("--no-prio", "--no-ansi", "--config", job.config_file)
    return systemd_text.command_line((*job.program, *flags, "run-schedule", job.title))


def _environment(place: Place) -> tuple[str, ...]:
    """The variables that anybody may see, ready for double quotes."""
    sudo_user = (f"SUDO_USER={systemd_text.quoted(place.sudo_user)}",) if place.sudo_user else ()
    return (f"HOME={systemd_text.quoted(place.home)}", *sudo_user)


def _description(job: Job) -> str:
    text = f"resticprof {job.command} for {job.kind} {job.name} in {job.config_file}"
    return systemd_text.one_line(text)


def _timer_description(job: Job) -> str:
    text = f"{job.command} timer for {job.kind} {job.name} in {job.config_file}"
    return systemd_text.one_line(text)


def _waits_for_network(job: Job, place: Place) -> bool:
    """The managers of users have no network-online.target."""
    return bool(job.settings.after_network_online) and place.scope == "system"


def _cpu_policy(job: Job) -> str:
    return "idle" if job.settings.priority == "background" else ""
