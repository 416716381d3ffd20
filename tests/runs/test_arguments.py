"""From a profile to restic's words: sources, what is left out, and folders; as restic sees it."""

from __future__ import annotations

import pytest

from resticprof.restic import flags

VERSION_1 = 'version = "1"\n[default]\nrepository = "local:/r"\n'


def words(fake_restic, command="backup"):
    """The words behind the flags of the only call of a command."""
    [call] = [call for call in fake_restic.calls if call.command == command]
    return [word for word in call.argv[1:] if not word.startswith("--")]


# ---- sources --------------------------------------------------------------------------------


@pytest.fixture
def backup(project, fake_restic):
    """Run a backup of these sources; the words that restic got, and what was said."""

    def run(sources, more=""):
        text = f"{VERSION_1}[default.backup]\nsource = {sources}\n{more}"
        project.write("profiles.toml", text)
        outcome = project.run("backup").expect(0)
        return words(fake_restic), outcome.err

    return run


def test_pattern_that_matches_nothing_is_told_with_its_place(backup):
    found, said = backup('["/etc", "/no/such*"]')
    assert found == ["/etc"]
    assert "profiles.toml:4: source `/no/such*` matches nothing" in said


def test_variable_that_is_not_set_is_told_with_its_place(backup):
    found, said = backup('["/etc", "$NOWHERE", "${NOWHERE}/docs"]')
    assert found == ["/etc", "/docs"]
    assert "profiles.toml:5: default.backup.source[1]: the variable `NOWHERE` is not set" in said
    assert "default.backup.source[2]: the variable `NOWHERE` is not set" in said
    assert "a source is empty" in said


def test_name_that_only_looks_like_a_pattern_stands_for_itself(project, backup):
    project.write("Album [2019]/song", "")
    project.write("[odd/song", "")
    found, said = backup('["Album [2019]", "[odd"]')
    assert found == ["Album [2019]", "[odd"]
    assert "`[odd` is not a pattern" in said
    assert "matches nothing" not in said


def test_pattern_of_relative_sources_is_looked_up_below_their_base(project, backup, fake_restic):
    project.write("base/a.txt", "")
    found, _ = backup('["*.txt"]', 'source-base = "base"\nsource-relative = true\n')
    assert found == ["a.txt"]
    assert fake_restic.calls[0].cwd == str(project.path / "base")


def test_paths_of_relative_sources_are_those_that_restic_writes_down(project, fake_restic):
    project.write("base/a/file", "")
    backup = 'source = ["a", "/b"]\nsource-base = "base"\nsource-relative = true\n'
    retention = "[default.retention]\nafter-backup = true\nkeep-last = 1\n"
    project.write("profiles.toml", f"{VERSION_1}[default.backup]\n{backup}{retention}")
    project.run("backup").expect(0)
    flags = [word for word in fake_restic.calls[1].argv if word.startswith("--path=")]
    assert flags == [f"--path={project.path}/base/a", "--path=/b"]
    assert f"{project.path}/base/a" in project.run("show").expect(0).out


def test_sources_give_way_to_standard_input(project, fake_restic):
    project.write("profiles.toml", f'{VERSION_1}[default.backup]\nsource = ["/etc"]\n')
    project.run("backup", "--stdin", stdin="data").expect(0)
    assert words(fake_restic) == []
    assert fake_restic.calls[0].stdin == "data"


def test_sources_are_looked_at_for_a_backup_only(project, fake_restic):
    project.write("profiles.toml", f'{VERSION_1}[default.backup]\nsource = ["/no/such*"]\n')
    assert "matches nothing" not in project.run("snapshots").expect(0).err


def test_what_several_steps_meet_is_told_once(project, fake_restic):
    text = f"""{VERSION_1}
        [default.backup]
        source = ["/no/such*", "/etc"]
        check-before = true
        [default.retention]
        after-backup = true
        keep-last = 1
        """
    project.write("profiles.toml", text)
    outcome = project.run("backup").expect(0)
    assert [call.command for call in fake_restic.calls] == ["check", "backup", "forget"]
    assert "--path=/etc" in fake_restic.calls[2].argv
    assert outcome.err.count("matches nothing") == 1


# ---- what is left out -----------------------------------------------------------------------


def test_flag_of_a_newer_restic_is_told_as_left_out(project, fake_restic):
    fake_restic.version("0.16.0")
    section = "[default.backup]\nskip-if-unchanged = true\nno-scan = true\n"
    project.write("profiles.toml", VERSION_1 + section)
    outcome = project.run("backup").expect(0)
    assert "restic 0.16.0 does not know `--skip-if-unchanged`; left out" in outcome.err
    [call] = fake_restic.calls
    assert "--no-scan" in call.argv
    assert "--skip-if-unchanged" not in call.argv


def test_flag_that_a_restic_beyond_our_table_may_know_is_told_with_a_way_out(project, fake_restic):
    fake_restic.version("99.0.0")
    project.write("profiles.toml", VERSION_1 + '[default.backup]\nbrand-new = "x"\n')
    outcome = project.run("backup", "--newer").expect(0)
    for flag in ("--brand-new", "--newer"):
        said = f"does not know `{flag}`; left out; `restic-arguments-filter = false` in `global`"
        assert said in outcome.err
    assert "restic 99.0.0 does not know" not in outcome.err
    end = flags.newest()
    assert f"resticprof's table of flags, which ends at restic {end}, does not" in outcome.err
    outcome = project.run("restore", "latest", "--include-newer=x").expect(1)
    assert "more than was asked for; `restic-arguments-filter = false`" in outcome.err


def test_flag_of_the_profile_is_for_commands_that_know_it(project, fake_restic):
    """`check` has `--tag` since 0.19; before, the tag was meant for other commands."""
    fake_restic.version("0.18.0")
    project.write("profiles.toml", f'{VERSION_1}tag = "x"\n')
    outcome = project.run("check").expect(0)
    assert "--tag=x" not in fake_restic.calls[0].argv
    assert "--tag" not in outcome.err


def test_flag_that_no_restic_knows_is_told_once(project, fake_restic):
    project.write("profiles.toml", f'{VERSION_1}[default.backup]\nexlude = "x"\n')
    outcome = project.run("backup").expect(0)
    assert outcome.err.count("exlude") == 1
    assert "did you mean `exclude`?" in outcome.err


def test_unknown_word_of_the_command_line_goes_with_its_value(project, fake_restic):
    project.write("profiles.toml", VERSION_1)
    outcome = project.run("backup", "--nosuch", "value", "/etc").expect(0)
    assert words(fake_restic) == ["/etc"]
    assert "does not know `--nosuch value`; left out" in outcome.err


def test_dry_run_tells_what_is_left_out(project, fake_restic):
    project.write("profiles.toml", VERSION_1)
    outcome = project.run("--dry-run", "backup", "--nosuch=1").expect(0)
    assert "--nosuch" not in outcome.out
    assert "does not know `--nosuch=1`; left out" in outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ("backup", "-n"),
        ("backup", "-vn"),
        ("prune", "--dry-run"),
        ("forget", "--keep-last", "1", "--keep-within-daily", "7d"),
        ("restore", "latest", "--overwrite", "never"),
        ("restore", "latest", "--include-file=list"),
    ],
    ids=" ".join,
)
def test_flag_that_spares_something_is_never_left_out(project, fake_restic, words):
    fake_restic.version("0.11.0")
    project.write("profiles.toml", VERSION_1)
    outcome = project.run(*words).expect(1)
    assert "would do more than was asked for" in outcome.err
    assert not fake_restic.calls


def test_misspelt_policy_forgets_nothing(project, fake_restic):
    project.write("profiles.toml", f"{VERSION_1}[default.forget]\nkeep-last = 1\nkeep-dayly = 7\n")
    outcome = project.run("forget").expect(1)
    assert "did you mean `keep-daily`?" in outcome.err
    assert "does not know `--keep-dayly`" in outcome.err
    assert not fake_restic.calls


@pytest.mark.parametrize("place", ["default", "default.backup"])
def test_misspelt_policy_is_no_obstacle_where_nothing_is_forgotten(project, fake_restic, place):
    text = VERSION_1 + ("" if place == "default" else f"[{place}]\n") + "keep-dayly = 7\n"
    project.write("profiles.toml", text)
    outcome = project.run("backup").expect(0)
    assert "keep-dayly: unknown key" in outcome.err
    assert "--keep-dayly=7" not in fake_restic.calls[0].argv


@pytest.mark.parametrize("typed", ["--stdin-from-command -- tool x", "--stdin"])
def test_typed_source_of_the_input_takes_the_place_of_the_sources(project, fake_restic, typed):
    project.write("profiles.toml", f'{VERSION_1}[default.backup]\nsource = ["/etc"]\n')
    project.run("backup", *typed.split(), stdin="").expect(0)
    assert fake_restic.calls[0].argv == ("backup", "--repo=local:/r", *typed.split())


def test_section_can_refuse_the_waiting_of_restic(project, fake_restic):
    project.write("profiles.toml", f"{VERSION_1}[default.check]\nretry-lock = false\n")
    project.run("--lock-wait", "1h", "check").expect(0)
    assert fake_restic.calls[0].argv == ("check", "--repo=local:/r")


@pytest.mark.parametrize("version", ["0.9.6", "0.15.2", "0.16.0", "0.19.0"])
def test_restic_waits_for_locks_itself_where_it_can(project, fake_restic, version):
    fake_restic.version(version)
    project.write("profiles.toml", VERSION_1)
    outcome = project.run("--lock-wait", "1h", "backup").expect(0)
    [call] = fake_restic.calls
    able = version in {"0.16.0", "0.19.0"}
    assert ("--retry-lock=10m" in call.argv) is able
    assert "retry-lock" not in outcome.err


def test_every_restic_of_a_run_may_wait_for_locks(project, fake_restic):
    keys = "initialize = true\n[default.backup]\ncheck-before = true\n"
    project.write("profiles.toml", VERSION_1 + keys)
    project.run("--lock-wait", "1h", "backup").expect(0)
    assert [call.command for call in fake_restic.calls] == ["init", "check", "backup"]
    assert all("--retry-lock=10m" in call.argv for call in fake_restic.calls)


def test_words_of_the_command_line_reach_the_main_command_only(project, fake_restic):
    text = f"""{VERSION_1}
        initialize = true
        [default.backup]
        check-before = true
        [default.retention]
        after-backup = true
        keep-last = 1
        """
    project.write("profiles.toml", text)
    project.run("backup", "--tag", "x").expect(0)
    assert [call.command for call in fake_restic.calls] == ["init", "check", "backup", "forget"]
    assert [call.command for call in fake_restic.calls if "--tag" in call.argv] == ["backup"]


# ---- folders --------------------------------------------------------------------------------


@pytest.mark.parametrize("base", ["work", "{path}/conf/work"])
@pytest.mark.parametrize(("name", "folder"), [("conf/profiles.toml", "."), ("profiles", "conf")])
def test_base_dir_and_other_paths_belong_to_the_folder_of_the_configuration(
    project, fake_restic, base, name, folder
):
    project.write("conf/work/docs/letter.txt", "")
    base = base.format(path=project.path)
    text = f"""version = "1"
        [default]
        base-dir = "{base}"
        repository = "local:/r"
        password-file = "password"
        lock = "profile.lock"
        status-file = "status.json"
        run-before = ["pwd"]
        [default.backup]
        source = ["docs", "doc*/*.txt"]
        """
    project.write("conf/profiles.toml", text)
    outcome = project.run("-c", str(project.path / folder / name), "backup").expect(0)
    work = project.path / "conf" / "work"
    assert outcome.err.startswith(f"{work}\n")
    [call] = fake_restic.calls
    assert call.cwd == str(work)
    assert f"--password-file={project.path}/conf/password" in call.argv
    assert words(fake_restic) == [f"{work}/docs", f"{work}/docs/letter.txt"]
    assert (work / "status.json").exists()
