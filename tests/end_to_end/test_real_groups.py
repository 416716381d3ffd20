"""Groups whose members run side by side, with every real restic that was found."""

from __future__ import annotations

import json
import re

PROFILES = """
version = "2"

[profiles.base]
password-file = "password"
initialize = true
status-file = "status.json"
[profiles.base.backup]
source = ["{path}/documents"]
extended-status = true

[profiles.a]
inherit = "base"
repository = "local:{path}/one"
[profiles.b]
inherit = "base"
repository = "local:{path}/two"
[profiles.b.backup]
tag = ["b"]
[profiles.c]
inherit = "base"
repository = "{path}/two"

[groups.all]
profiles = ["a", "b", "c"]
parallel = 3
"""


def test_members_back_up_side_by_side_without_a_locked_repository(project, restic):
    project.write("documents/letter.txt", "Dear reader,\n")
    project.write("password", "correct horse battery staple")
    project.write("profiles.toml", PROFILES.format(path=project.path))
    outcome = project.run("all.backup").expect(0)
    assert outcome.out == ""  # restic's numbers are ours
    assert len(re.findall(r" \[\w\] backup \w: OK in .*, 1 new / ", outcome.err)) == 2
    assert "backup all: OK in" in outcome.err.splitlines()[-1]
    status = json.loads((project.path / "status.json").read_text())["profiles"]
    assert {name: entry["backup"]["success"] for name, entry in status.items()} == {
        "a": True,
        "b": True,
        "c": True,
    }
    password = project.path / "password"
    [_] = restic.snapshots(project.path / "one", password)
    first, _ = restic.snapshots(project.path / "two", password)
    assert first["tags"] == ["b"]  # in the order of the group


def test_failure_of_one_repository_leaves_the_others_alone(project, restic):
    project.write("documents/letter.txt", "Dear reader,\n")
    project.write("password", "correct horse battery staple")
    text = PROFILES.format(path=project.path) + "continue-on-error = true\n"
    project.write("profiles.toml", text.replace(f"local:{project.path}/one", "local:/proc/one"))
    outcome = project.run("all.backup").expect(10 if restic.version >= (0, 17) else 1)
    assert "[a] " in outcome.err
    assert "backup all: FAILED (1 of 3 members failed: a)" in outcome.err
    assert len(restic.snapshots(project.path / "two", project.path / "password")) == 2
