"""profiles.example.toml is loaded by the program, and the defaults in its comments are true."""

from __future__ import annotations

import re

import pytest

from tests.kit.project import CHECKOUT

EXAMPLE = (CHECKOUT / "profiles.example.toml").read_text(encoding="utf-8")
PROFILES = ("home", "server")


@pytest.fixture
def example(project, fake_restic):
    """A project with the example as it is, and with every default of a comment written out."""
    for password_file in ("restic.password", "nas.password"):
        project.write(password_file, "secret").chmod(0o600)
    project.write("profiles.example.toml", EXAMPLE)
    project.write("defaults.toml", re.sub(r"^#(?=[a-z-]+ = )", "", EXAMPLE, flags=re.MULTILINE))
    return project


def test_nothing_is_wrong_with_the_example(example):
    example.run("-c", "profiles.example.toml", "check-config").expect(0)


@pytest.mark.parametrize("profile", PROFILES)
def test_dry_run_shows_the_backup_and_complains_about_nothing(example, profile):
    words = ("-c", "profiles.example.toml", "-n", profile, "--dry-run", "backup")
    outcome = example.run(*words).expect(0)
    assert "restic backup" in outcome.out
    assert outcome.err == ""


def test_the_profile_of_the_example_sends_the_documented_hooks(example):
    words = ("-c", "profiles.example.toml", "-n", "home", "--dry-run", "backup")
    shown = example.run(*words).expect(0).out
    assert "/start" in shown
    assert "HEAD" in shown
    assert "\n         ${ERROR}\n\n         ${ERROR_STDERR}\n" in shown


@pytest.mark.parametrize("profile", PROFILES)
def test_defaults_in_comments_change_nothing(example, profile):
    shown = {
        file: example.run("-c", file, "-n", profile, "show").expect(0).out
        for file in ("profiles.example.toml", "defaults.toml")
    }
    assert shown["defaults.toml"] == shown["profiles.example.toml"]
