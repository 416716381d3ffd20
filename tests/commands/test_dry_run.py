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


def test_what_the_services_of_a_group_would_be_told_stands_around_its_members(project, fake_restic):
    project.write(
        "profiles.toml",
        """
version = "2"
[profiles.home]
repository = "/r"
[groups.all]
profiles = ["home"]
[groups.all.monitor.healthchecks]
url = "https://localhost/0f3c9a52-3a0e-4a6e-9a53-2f3a52a0c111"
""",
    )
    out = project.run("--dry-run", "all.check").expect(0).out.splitlines()
    start, finish, fail = (number for number, line in enumerate(out) if "healthchecks: " in line)
    assert "/start" in out[start]
    assert start < out.index("dry-run: profile home") < finish < fail
    assert out[fail].startswith("dry-run: on failure: ")
