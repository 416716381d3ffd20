"""From the words of the command line to runs: one profile, or the members of a group."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING

import msgspec

from resticprof.errors import Problem
from resticprof.runs import group as groups
from resticprof.runs import tell
from resticprof.runs.plan import Plan, plan
from resticprof.runs.run import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resticprof.config.configuration import Configuration
    from resticprof.model.config import Group, Profile
    from resticprof.model.run import Report
    from resticprof.runs.selection import Selection
    from resticprof.runs.session import Session

log = logging.getLogger("resticprof")


def execute(selection: Selection, session: Session) -> int:
    """Run the command; the exit status. Raises `UsageError` when nothing has this name."""
    if session.configuration.has_profile(selection.name):
        return run_profile(selection, session).exit_code
    group = readable_group(selection.name, session.configuration)

    def run_member(one: Selection) -> Report:
        session.logs.tail.clear()  # the log of the member before
        return run_profile(one, session, group=group.name)

    return groups.run_group(group, selection, session, run_member)


def readable_group(name: str, configuration: Configuration) -> Group:
    """The group of this name. Raises `Error` when there is none, or nobody knows who is in it."""
    group = configuration.group(name)
    if group is None:
        raise configuration.missing(name)
    if not group.profiles:
        configuration.require()
    return group


def run_profile(selection: Selection, session: Session, *, group: str = "") -> Report:
    """Open the profile and run the command; what is wrong with the profile fails the run."""
    with opened(selection.name, session) as (problems, profile):
        session.protect(profile)
        made = prepared(profile, selection, session, problems=problems, group=group)
        with session.verbosity(profile):
            return run(made, session)


def prepared(
    profile: Profile,
    selection: Selection,
    session: Session,
    *,
    problems: tuple[Problem, ...] = (),
    group: str = "",
) -> Plan:
    """The plan of a run."""
    made = plan(profile, selection.command, selection.extra, session.global_, group=group)
    tolerant = profile.backup.no_error_on_warning
    return msgspec.structs.replace(
        made,
        monitors=tell.for_run(made.monitors, session.invocation, tolerant=tolerant),
        config_file=session.config_file,
        problems=problems,
    )


@contextlib.contextmanager
def opened(name: str, session: Session) -> Iterator[tuple[tuple[Problem, ...], Profile]]:
    """A profile, and its `base-dir` as our working directory for as long as it is needed."""
    reveal = not session.invocation.dry_run  # then a reference stands for its value
    problems, profile = session.configuration.open_profile(name, reveal=reveal)
    if not profile.base_dir:
        yield problems, profile
        return
    before = os.getcwd()
    try:
        os.chdir(profile.base_dir)
    except OSError as error:
        yield (*problems, _no_base_dir(profile, error)), profile
        return
    log.debug("working directory: %s", profile.base_dir)
    try:
        # Templates and globs may see the new directory, so the profile is read again.
        yield session.configuration.open_profile(name, again=True, reveal=reveal)
    finally:
        os.chdir(before)


def _no_base_dir(profile: Profile, error: OSError) -> Problem:
    text = f"cannot enter `{profile.base_dir}`: {error.strerror}"
    place = profile.place
    return Problem(text, file=place.file, line=place.line, key=f"{profile.name}.base-dir")
