"""What hooks and requests are told at each moment of a run, and which of them run at all."""

from __future__ import annotations

import re

import pytest

from tests.kit.scene import Scene

SUMMARY = """if [ $1 = backup ]; then
echo 'Files:           3 new,     1 changed,  10 unmodified'
echo 'snapshot 4bba301e saved'
fi
"""


@pytest.fixture
def scene(tmp_path):
    with Scene(tmp_path) as scene:
        yield scene


def environments(scene, *hooks):
    """The environment of each hook, by its name."""
    for hook in hooks:
        scene.change(f'"trace {hook}"', f"'trace {hook}; env >\"$SCENE/{hook}.env\"'")
    scene.run()
    found = {}
    for hook in hooks:
        text = (scene.path / f"{hook}.env").read_text()
        found[hook] = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return found


def test_hooks_learn_the_results_as_soon_as_they_are_known(scene):
    scene.project.program("restic", scene.restic + SUMMARY)
    seen = environments(scene, "run-before backup", "run-after backup", "run-finally")
    before, after, end = seen.values()
    assert (before["STATE"], after["STATE"], end["STATE"]) == ("start", "finish", "finish")
    assert before["SUMMARY"] == "backup home: started"
    assert re.match(r"backup home: OK in .*, 3 new / 1 changed / 10 unmodified", after["SUMMARY"])
    assert "DURATION" not in before
    assert after["DURATION_SECONDS"].isdecimal()
    assert after["SNAPSHOT_ID"] == end["SNAPSHOT_ID"] == "4bba301e"
    assert (after["FILES_NEW"], end["FILES_UNMODIFIED"]) == ("3", "10")
    assert len({before["RUN_ID"], after["RUN_ID"], end["RUN_ID"]}) == 1
    assert not [name for name in after if name.startswith("ERROR")]


def test_hooks_after_a_failure_learn_what_failed(scene):
    scene.fail("restic backup", 12)
    seen = environments(scene, "run-after-fail backup", "on-error", "run-finally")
    for variables in seen.values():
        assert variables["ERROR"] == "backup on profile 'home': exit status 12"
        assert variables["ERROR_EXIT_CODE"] == "12"
        assert variables["STATE"] == "fail"
        assert variables["DURATION_SECONDS"].isdecimal()


def test_on_error_learns_where_it_failed(scene):
    scene.fail("restic backup", 1)
    seen = environments(scene, "run-after-fail backup", "on-error")
    variables = seen["on-error"]
    assert variables["CONFIG_FILE"] == str(scene.profiles)
    assert variables["REPOSITORY"].endswith("r")
    assert variables["HOSTNAME"]
    assert "CONFIG_FILE" not in seen["run-after-fail backup"]


def test_variable_of_the_user_with_the_name_of_a_result_stays(scene):
    scene.change("[home]\n", '[home]\nenv = { state = "Kerala", SUMMARY = "mine" }\n')
    seen = environments(scene, "run-after")["run-after"]
    assert (seen["STATE"], seen["SUMMARY"]) == ("Kerala", "mine")


def test_results_of_a_run_whose_hook_we_are_are_not_ours(scene):
    """`run-after-fail = "resticprof --name second backup"`"""
    outer = {"RUN_ID": "1", "STATE": "fail", "SUMMARY": "no", "ERROR": "no", "ERROR_STDERR": "no"}
    scene.project.env |= outer
    scene.change("[home]\n", '[home]\nenv = { ERROR_STDERR = "mine" }\n')
    seen = environments(scene, "run-after", "run-finally")
    for variables in seen.values():
        assert variables["STATE"] == "finish"
        assert variables["SUMMARY"].startswith("backup home: OK")
        assert variables["RUN_ID"] != "1"
        assert "ERROR" not in variables
        assert variables["ERROR_STDERR"] == "mine"


def test_requests_after_success_know_the_duration(scene):
    url = f'{scene.server.url}/send-after" }}'
    query = "/done?state=${STATE}&ping=${DURATION_SECONDS}000&text=${SUMMARY}"
    scene.change(url, f'{scene.server.url}{query}" }}')
    scene.run().expect(0)
    [request] = [one for one in scene.server.requests if one.path == "/done"]
    assert re.fullmatch(r"state=finish&ping=\d+000&text=backup\+home%3A\+OK\+in.*", request.query)


# ---- on-error -------------------------------------------------------------------------------


def test_on_error_of_the_profile_is_for_the_commands_that_monitors_report(scene):
    scene.fail("restic snapshots", 1)
    scene.run("snapshots").expect(1)
    assert "on-error" not in scene.log
    scene.fail("restic check", 1)
    scene.run("check").expect(1)
    assert "on-error" in scene.log


def test_on_error_of_a_section_goes_before_that_of_the_profile_and_works_everywhere(scene):
    scene.fail("restic restore", 1)
    scene.fail("restic check", 1)
    sections = ""
    for command in ("restore", "check"):
        sections += f'[home.{command}]\non-error = "trace on-error of {command}"\n'
    scene.profiles.write_text(scene.profiles.read_text() + sections)
    scene.run("restore").expect(1)
    scene.run("check").expect(1)
    errors = [line for line in scene.log if line.startswith("on-error")]
    assert errors == ["on-error of restore", "on-error of check"]


def test_on_error_is_only_shown_in_a_dry_run_of_restic(scene):
    scene.fail("restic backup", 1)
    outcome = scene.run("backup", "--dry-run").expect(1)
    assert "dry-run: on-error: trace on-error" in outcome.err
    assert "on-error" not in scene.log


def test_value_in_on_error_is_not_executed(scene):
    said = "echo 'cannot read $(touch $SCENE/pwned) it'\\''s' >&2; exit 1"
    scene.project.program("restic", scene.restic + f"if [ $1 = backup ]; then {said}; fi\n")
    scene.change('"trace on-error"', "'trace told \"{output}\" {error}'")
    scene.run().expect(1)
    assert not (scene.path / "pwned").exists()
    told = next(line for line in scene.log if line.startswith("told"))
    assert told == (
        "told cannot read $(touch $SCENE/pwned) it's backup on profile 'home': exit status 1"
    )
