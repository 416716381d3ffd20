"""The steps of a run, before anything of it happens."""

from __future__ import annotations

import pytest

from resticprof.model.config import Backup, Copy, Global, Profile, Retention
from resticprof.runs.plan import plan


def labels(made):
    return [step.name for step in made.steps]


def profile(**sections):
    return Profile(name="home", sections=sections)


def test_a_backup_is_surrounded_by_what_its_profile_asks_for():
    made = plan(
        profile(
            backup=Backup(check_before=True, check_after=True),
            retention=Retention(before_backup=True, after_backup=True),
        ),
        "backup",
        ("--tag=x",),
        Global(),
    )
    assert labels(made) == ["check", "retention", "backup", "retention", "check"]
    assert [step.extra for step in made.steps] == [(), (), ("--tag=x",), (), ()]


@pytest.mark.parametrize(
    ("words", "dry"),
    [
        (("-n",), True),
        (("-qn",), True),
        (("--dry-run",), True),
        (("--dry-run=true",), True),
        (("--dry-run=false",), False),
        (("--tag", "-n"), False),
        (("-e*.n", "/a"), False),
        (("--", "-n"), False),
        (("--exclude=-n",), False),
    ],
)
def test_a_dry_run_of_restic_is_recognised(words, dry):
    assert plan(profile(), "backup", words, Global()).restic_dry_run is dry


@pytest.mark.parametrize(
    ("value", "dry"), [(True, True), ("true", True), ("1", True), (False, False), ("false", False)]
)
def test_a_dry_run_by_the_profile_is_recognised(value, dry):
    made = plan(profile(backup=Backup(flags={"dry-run": value})), "backup", (), Global())
    assert made.restic_dry_run is dry


def test_a_dry_backup_forgets_nothing_and_creates_no_repository():
    made = plan(
        profile(retention=Retention(after_backup=True)), "backup", ("-n",), Global(initialize=True)
    )
    assert made.init is None
    assert made.steps[1].extra == ("--dry-run",)


def test_a_copy_initializes_its_destination_first():
    made = plan(profile(copy=Copy(initialize=True)), "copy", (), Global())
    assert [(step.command, step.second) for step in made.steps] == [("init", True), ("copy", False)]


def test_the_words_of_a_key_command_name_its_section():
    assert plan(profile(), "key", ("add",), Global()).steps[0].section == "key-add"
    assert plan(profile(), "key", ("--help",), Global()).steps[0].section == "key"
