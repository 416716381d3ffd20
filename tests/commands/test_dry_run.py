"""`--dry-run` tells what a run would do, and no more than that."""

from __future__ import annotations

HOME = """\
[home]
repository = "/r"
on-error = "tell {error}"
[home.snapshots]
[home.backup]
source = "/etc"
"""


def test_on_error_is_told_for_the_commands_that_it_works_for(project, fake_restic):
    project.write("profiles.toml", HOME)
    assert "on failure: on-error: tell" in project.run("--dry-run", "home.backup").expect(0).out
    assert "on-error" not in project.run("--dry-run", "home.snapshots").expect(0).out
    project.write("profiles.toml", HOME.replace("snapshots]", "snapshots]\non-error = 'own'"))
    assert "on failure: on-error: own" in project.run("--dry-run", "home.snapshots").expect(0).out


def test_members_behind_one_that_would_fail_are_told_too(project, fake_restic):
    policy = "[home.forget]\nkeep-fortnightly = 3\n"
    group = '[groups]\nall = ["broken", "home"]\n'
    broken = HOME.replace("home", "broken")
    project.write("profiles.toml", group + broken + policy.replace("home", "broken") + HOME)
    outcome = project.run("--dry-run", "all.forget").expect(1)
    assert "dry-run: the run would fail: " in outcome.out
    assert "dry-run: profile home\n" in outcome.out
