"""Which restic is used, and what is known of its version."""

from __future__ import annotations

import os
import shutil

import pytest

SAYS = '#!/bin/sh\n[ "$1" = version ] && echo "restic {version} compiled" || echo "{name}: $*"\n'


@pytest.fixture
def profiles(project):
    """Write `global` keys in front of a profile."""

    def write(keys=""):
        text = f'version = "1"\n[global]\n{keys}\n[default]\nrepository = "local:/r"\n'
        return project.write("profiles.toml", text)

    write()
    return write


def program(folder, name="restic", version="0.18.0", says=None):
    """A program that says who it is."""
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(SAYS.format(version=version, name=says or folder.name))
    program.chmod(0o755)
    return program


def test_restic_binary_goes_before_path(project, profiles):
    program(project.bin)
    program(project.path / "own", "my-restic")
    profiles('restic-binary = "$OWN/my-restic"')
    outcome = project.run("check", env={"OWN": str(project.path / "own")}).expect(0)
    assert outcome.out.startswith("own: check")


def test_restic_binary_may_be_in_the_home_directory(project, profiles):
    program(project.home, "my-restic")
    profiles('restic-binary = "~/my-restic"')
    assert project.run("check").expect(0).out.startswith("home: check")


def test_relative_restic_binary_belongs_to_the_folder_where_we_were_started(project, profiles):
    program(project.path / "own")
    profiles('restic-binary = "own/restic"')
    project.write("base/own/restic", "")
    with (project.path / "profiles.toml").open("a") as file:
        file.write(f'base-dir = "{project.path}/base"\n')
    assert project.run("check").expect(0).out.startswith("own: check")


def test_restic_binary_that_is_not_there_is_told_and_another_is_used(project, profiles):
    program(project.bin)
    profiles('restic-binary = "/no/restic"')
    outcome = project.run("check").expect(0)
    assert outcome.out.startswith("bin: check")
    assert "restic-binary `/no/restic` is not a program" in outcome.err


@pytest.mark.parametrize("path", ["", ".", ":{bin}", ".:{bin}:"])
@pytest.mark.parametrize("key", ["", 'restic-binary = "restic"'])
def test_restic_in_the_current_directory_is_never_run(project, profiles, path, key):
    program(project.path, says="trap")
    program(project.bin)
    program(project.home / "bin", says="usual")
    profiles(key)
    outcome = project.run("check", env={"PATH": path.format(bin=project.bin)})
    assert "trap" not in outcome.out


def test_usual_places_come_after_path(project, profiles):
    if any(map(os.path.exists, ("/usr/bin/restic", "/usr/local/bin/restic"))):
        pytest.skip("this machine has a restic in a usual place that goes first")
    program(project.home / ".local" / "bin", says="usual")
    outcome = project.run("check", env={"PATH": str(project.bin)}).expect(0)
    assert outcome.out.startswith("usual: check")


# ---- version --------------------------------------------------------------------------------


def asked(project, **env):
    """Whether a run asks restic for its version."""
    said = project.run("-v", "cat", "config", env=env).err
    assert "starting: " in said
    return "restic version\n" in said


def test_version_is_asked_for_once_for_each_binary(project, profiles, restic):
    other = project.bin.parent / "other"
    other.mkdir()
    shutil.copy((project.bin / "restic").resolve(), other)
    assert asked(project)
    assert not asked(project)
    assert asked(project, PATH=str(other))
    assert not asked(project, PATH=str(other))
    assert not asked(project)
    os.utime(other / "restic")
    assert asked(project, PATH=str(other))


@pytest.mark.parametrize("home", ["", "relative", "/dev/null"])
def test_run_needs_no_place_for_a_cache(project, profiles, restic, home):
    outcome = project.run("cat", "config", env={"XDG_CACHE_HOME": home, "HOME": home})
    assert "no repository" in outcome.err  # so says restic, which was started


def test_version_is_asked_for_each_time_where_the_file_does_not_tell(project, profiles):
    program(project.bin, version="0.15.0")
    project.run("--lock-wait", "1h", "check").expect(0)
    program(project.bin, version="0.19.0")  # as the restic in a wrapper may change
    assert "--retry-lock" in project.run("--lock-wait", "1h", "check").expect(0).out


def test_restic_version_is_believed(project, profiles):
    program(project.bin, version="0.9.6")
    profiles('restic-version = "0.19"')
    assert "--retry-lock" in project.run("--lock-wait", "1h", "check").expect(0).out


def test_restic_version_that_is_none_is_told(project, profiles):
    program(project.bin, version="0.9.6")
    profiles('restic-version = "newest"')
    outcome = project.run("--lock-wait", "1h", "check").expect(0)
    assert "restic-version `newest` is not a version" in outcome.err
    assert "--retry-lock" not in outcome.out


def test_unknown_version_means_the_newest_and_is_told(project, profiles):
    program(project.bin, version="unknown")
    outcome = project.run("--lock-wait", "1h", "check").expect(0)
    assert "does not tell its version" in outcome.err
    assert "--retry-lock" in outcome.out


def test_wrapper_with_another_name_gets_every_flag(project, profiles):
    program(project.bin, "restic-wrapper", version="0.9.6")
    profiles('restic-binary = "restic-wrapper"')
    outcome = project.run("check", "--new-flag", "-vv").expect(0)
    assert outcome.out.split()[-2:] == ["--new-flag", "-vv"]
