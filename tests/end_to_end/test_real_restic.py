"""The life of a repository, through our command line, with every real restic that was found."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest

PROFILES = """
version = "1"

[home]
repository = "local:{path}/repository"
password-file = "password"
status-file = "status.json"

[home.backup]
source = ["{path}/documents"]
exclude = ["*.tmp"]
tag = ["papers"]
extended-status = true

[home.forget]
keep-last = 1

[home.copy]
repository = "local:{path}/second"
password-file = "password"
initialize = true

[second]
repository = "local:{path}/second"
password-file = "password"

[guarded]
inherit = "home"

[guarded.backup]
check-before = true
check-after = true

[guarded.retention]
after-backup = true
keep-last = 1
"""


@pytest.fixture(scope="module")
def templates(tmp_path_factory):
    """Empty repositories to start from, by restic's version: making one takes a second or two."""
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def home(project, restic, templates):
    """A project with documents, a password, the profiles, and a repository."""
    project.write("documents/letter.txt", "Dear reader,\n")
    project.write("documents/draft.tmp", "not worth a backup\n")
    project.write("password", "correct horse battery staple")
    project.write("profiles.toml", PROFILES.format(path=project.path))
    template = templates / str(restic.version)
    if template.exists():
        shutil.copytree(template, project.path / "repository")
    else:
        project.run("-n", "home", "init").expect(0)
        shutil.copytree(project.path / "repository", template)
    return project


def snapshots(project, profile="home"):
    """What is in the repository, as restic says on our standard output."""
    return json.loads(project.run("-n", profile, "snapshots", "--json").expect(0).out)


def test_backup_holds_the_sources_without_what_is_excluded(home):
    home.run("-n", "home", "backup").expect(0)
    [snapshot] = snapshots(home)
    assert snapshot["paths"] == [str(home.path / "documents")]
    assert snapshot["tags"] == ["papers"]
    listing = home.run("-n", "home", "ls", "latest").expect(0).out
    assert "letter.txt" in listing
    assert "draft.tmp" not in listing


def test_file_comes_back_byte_by_byte(home):
    home.write("documents/letter.txt", "Dear reader,\nthis is ÄÖÜ €.\n")
    home.run("-n", "home", "backup").expect(0)
    name = str(home.path / "documents" / "letter.txt")
    outcome = home.run("-n", "home", "dump", "latest", name).expect(0)
    assert outcome.out == "Dear reader,\nthis is ÄÖÜ €.\n"


def test_forget_and_prune_keep_the_newest_snapshot(home):
    for text in ("one", "two"):
        home.write("documents/letter.txt", text)
        home.run("-n", "home", "backup").expect(0)
    home.run("-n", "home", "forget").expect(0)
    home.run("-n", "home", "prune").expect(0)
    home.run("-n", "home", "check").expect(0)
    assert len(snapshots(home)) == 1


def test_runs_that_begin_at_once_create_one_repository(home):
    """As with timers of the same moment; two `restic init` at once make a repository useless."""
    shutil.rmtree(home.path / "repository")
    with (home.path / "profiles.toml").open("a", encoding="utf-8") as profiles:
        profiles.write('[eager]\ninherit = "home"\ninitialize = true\n')
    runs = [home.start("-n", "eager", "backup") for _ in range(4)]
    for run in runs:
        run.communicate(timeout=300)
    assert [run.returncode for run in runs] == [0] * 4
    assert len(list((home.path / "repository" / "keys").iterdir())) == 1


def test_copy_makes_a_second_repository_with_the_same_snapshots(home):
    home.run("-n", "home", "backup").expect(0)
    home.run("-n", "home", "copy").expect(0)
    [first], [second] = snapshots(home), snapshots(home, "second")
    assert first["tree"] == second["tree"]


def test_check_and_retention_surround_the_backup(home):
    home.run("-n", "home", "backup").expect(0)
    home.run("-n", "guarded", "backup").expect(0)
    assert len(snapshots(home)) == 1


@pytest.mark.parametrize(
    "keys",
    ["", 'source-base = "{path}/link"\nsource-relative = true', 'source-base = "{path}/link"'],
)
def test_retention_finds_the_snapshots_of_relative_sources(home, keys):
    """restic names a folder as the shell does, also one that is reached by a link."""
    (home.path / "link").symlink_to(home.path)
    text = PROFILES.replace('source = ["{path}/documents"]', f'source = ["documents"]\n{keys}')
    home.write("profiles.toml", text.format(path=home.path))
    for _ in range(2):
        home.run("-n", "guarded", "backup", env={"PWD": str(home.path / "link")}).expect(0)
    assert len(snapshots(home)) == 1


def test_retention_without_a_rule_keeps_everything_and_is_no_failure(home):
    """As in the documented examples; from 0.17 on restic refuses it."""
    home.write("profiles.toml", PROFILES.format(path=home.path).replace("keep-last = 1", ""))
    home.run("-n", "guarded", "backup").expect(0)
    outcome = home.run("-n", "guarded", "backup").expect(0)
    assert len(snapshots(home)) == 2
    assert "backup guarded: OK" in outcome.err
    assert home.run("-n", "home", "forget").code in (0, 1), "what restic says, if it is asked"


def test_status_file_tells_the_numbers_of_the_backup(home):
    home.run("-n", "home", "backup").expect(0)
    status = json.loads((home.path / "status.json").read_text())
    backup = status["profiles"]["home"]["backup"]
    assert backup["success"]
    assert backup["files_new"] == 1


def test_exit_status_of_a_wrong_password_is_restics(home, restic):
    home.write("password", "wrong")
    home.run("-n", "home", "backup").expect(12 if restic.version >= (0, 17) else 1)


def test_exit_status_of_a_missing_repository_is_restics(home, restic):
    (home.path / "repository" / "config").unlink()
    home.run("-n", "home", "check").expect(10 if restic.version >= (0, 17) else 1)


def test_exit_status_of_an_unreadable_file_is_restics(home):
    text = PROFILES.format(path=home.path)
    # /proc/self/mem cannot be read from its start, not even by root
    broken = text.replace('documents"]', 'documents", "/proc/self/mem"]')
    home.write("profiles.toml", broken)
    home.run("-n", "home", "backup").expect(3)
    home.write("profiles.toml", broken.replace("tag =", "no-error-on-warning = true\ntag ="))
    home.run("-n", "home", "backup").expect(0)


def test_exit_status_of_a_locked_repository_is_restics(home, restic):
    words = [
        "restic",
        "--repo",
        home.path / "repository",
        "--password-file",
        home.path / "password",
    ]
    holder = subprocess.Popen(
        [*words, "backup", "--stdin"],
        env=home.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with holder:
        end = time.monotonic() + 20
        while not list((home.path / "repository" / "locks").iterdir()):
            assert time.monotonic() < end, "the other restic took no lock"
            time.sleep(0.05)
        home.run("-n", "home", "prune").expect(11 if restic.version >= (0, 17) else 1)
