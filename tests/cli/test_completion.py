"""What shells are offered, and that their scripts work."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

CONFIG = """
version = "2"
[profiles.home]
repository = "/r"
[profiles."dotted.name"]
repository = "/r"
[groups.all]
profiles = ["home"]
"""


@pytest.fixture
def offered(project):
    project.write("profiles.toml", CONFIG)

    def ask(*words, shell="bash:v1", position=None):
        place = f"__POS:{len(words) if position is None else position}"
        outcome = project.run("complete", shell, place, "resticprof", *words).expect(0)
        assert outcome.err == ""
        return outcome.out.splitlines()

    return ask


def test_the_first_word_is_a_command_a_flag_or_a_profile(offered):
    found = offered("")
    assert {"show", "check-config", "backup", "home.", "dotted.name.", "all."} <= set(found)
    assert not {"complete", "random-key", "run-schedule", "run-restic"} & set(found)
    assert offered("--dry") == ["--dry-run"]


def test_a_profile_in_front_stays_in_front(offered):
    assert offered("home.prof") == ["home.profiles"]
    assert offered("home.ba") == ["home.backup"]
    assert offered("-n", "home", "ho") == []


def test_a_profile_may_stand_behind(offered):
    assert offered("backup@h") == ["backup@home"]
    assert offered("backup@") == ["backup@dotted.name", "backup@home", "backup@all"]


def test_nothing_is_offered_twice(offered):
    for words in ([""], ["-"], ["home."], ["key", ""], ["help", ""], ["monitor", ""]):
        found = offered(*words)
        assert sorted(found) == sorted(set(found))


def test_second_words_of_commands_have_their_own_flags(offered):
    assert offered("home.key", "a") == ["add"]
    assert offered("repair", "") == ["index", "packs", "snapshots"]
    assert offered("key", "add", "--new-i") == ["--new-insecure-no-password"]
    assert offered("key", "list", "--new-i") == []
    assert offered("monitor", "test", "--st") == ["--state"]
    assert offered("monitor", "te") == ["test"]


def test_options_are_offered_once_and_their_values_by_name(offered):
    assert "--quiet" not in offered("--quiet", "--q")
    assert offered("--name", "") == ["dotted.name", "home", "all"]
    assert offered("--theme", "") == ["light", "dark", "none"]
    assert offered("--theme=d") == ["--theme=dark"]
    assert offered("--theme", "=", "d") == ["dark"]  # as bash splits it


def test_files_are_left_to_the_shell(offered):
    assert offered("--config", "prof") == ["__complete_file"]
    assert offered("home.backup", "/et") == ["__complete_file"]


def test_commands_have_their_flags(offered):
    assert offered("show", "--") == ["--json", "--explain"]
    assert "--exclude-caches" in offered("home.backup", "--exclude")
    assert offered("monitor", "t") == ["test"]


def test_descriptions_go_to_shells_that_show_them(offered):
    assert offered("--name", "h", shell="fish:v1") == ["home\tprofile"]
    assert offered("--name", "h", shell="zsh:v2") == ["home\tprofile"]
    assert offered("--name", "h", shell="zsh:v1") == ["home"]


def test_an_unknown_protocol_offers_nothing(offered):
    assert offered("sh", shell="bash:v10") == []
    assert offered("sh", shell="ksh:v1") == []


def test_a_broken_configuration_disturbs_nobody(project):
    project.write("profiles.toml", "[[")
    outcome = project.run("complete", "bash:v1", "__POS:1", "resticprof", "sho").expect(0)
    assert outcome.out == "show\n"


def test_bash_completes(project):
    if shutil.which("bash") is None:
        pytest.skip("`bash` is not installed")
    project.write("profiles.toml", CONFIG)
    script = project.run("generate", "--bash-completion").expect(0).out
    project.program("resticprof", f'#!/bin/sh\nexec {sys.executable} -m resticprof "$@"\n')
    test = f"""{script}
compopt() {{ echo "compopt $2"; }}
try() {{
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _resticprof; printf '[%s]\\n' "${{COMPREPLY[@]}}"
}}
try resticprof check
try resticprof hom
try resticprof --config pro
"""
    done = subprocess.run(
        ["bash", "-c", test],
        check=False,
        capture_output=True,
        text=True,
        env=project.env,
        cwd=project.path,
    )
    assert done.stdout.splitlines() == [
        "[check-config]",
        "[check]",
        "compopt nospace",
        "[home.]",
        "compopt default",
        "[]",
    ], done.stderr


@pytest.mark.parametrize(
    ("shell", "check"), [("zsh", ["zsh", "-n"]), ("fish", ["fish", "--no-execute"])]
)
def test_other_scripts_are_understood_by_their_shell(project, need, shell, check):
    need(shell)
    script = project.run("generate", f"--{shell}-completion").expect(0).out
    file = project.write(f"completion.{shell}", script)
    subprocess.run([*check, str(file)], check=True)
