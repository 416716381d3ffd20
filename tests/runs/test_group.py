"""Groups: order, failures, interruptions, members side by side, and monitors of the whole group."""

from __future__ import annotations

import json
import os
import re
import signal
import time

import pytest

from tests.kit.project import Outcome

PROFILES = """
version = "2"

[profiles.a]
repository = "local:{path}/one"

[profiles.b]
repository = "{path}/one/"

[profiles.c]
repository = "rest:http://127.0.0.1:1/two"
run-after-fail = ["echo sorry from c"]

[profiles.d]
env = {{ RESTIC_REPOSITORY = "local:{path}/three" }}
run-before = ["echo early from d; exit 75"]

[groups.order]
description = "one after the other"
profiles = ["c", "a", "b"]

[groups.lenient]
profiles = ["c", "nobody", "a"]
continue-on-error = true

[groups.beside]
profiles = ["a", "b", "c"]
parallel = 2

[groups.all]
profiles = ["a", "b", "c", "d", "nobody"]
parallel = 5
continue-on-error = true
"""


@pytest.fixture
def groups(project, fake_restic):
    project.write("profiles.toml", PROFILES.format(path=project.path))
    return project


def names(fake_restic):
    """The profiles in the order in which restic was started for them."""
    return [call.env["PROFILE_NAME"] for call in fake_restic.calls]


def rows(outcome):
    """Name and outcome of each row of the table."""
    pattern = r"^\S+ \S+   (\w+) +(success|warning|skipped|failed|not run)"
    return dict(re.findall(pattern, outcome.err, re.MULTILINE))


# ---- one after the other --------------------------------------------------------------------


def test_members_run_in_the_listed_order_and_one_table_sums_them_up(groups, fake_restic):
    outcome = groups.run("order.check", "--read-data").expect(0)
    assert names(fake_restic) == ["c", "a", "b"]
    assert all("--read-data" in call.argv for call in fake_restic.calls)
    assert rows(outcome) == {"c": "success", "a": "success", "b": "success"}
    assert "check order: OK in " in outcome.err.splitlines()[-1]


def test_failure_stops_the_group_and_gives_its_status(groups, fake_restic):
    fake_restic.answer("check", code=11, nth=2)
    outcome = groups.run("order.check").expect(11)
    assert names(fake_restic) == ["c", "a"]
    assert rows(outcome) == {"c": "success", "a": "failed", "b": "not run"}
    assert "check order: FAILED (1 of 3 members failed: a; not run: b)" in outcome.err


def test_group_goes_on_after_failures_and_ends_with_the_status_of_the_first(groups, fake_restic):
    fake_restic.answer("check", code=12, nth=1)
    outcome = groups.run("lenient.check").expect(12)
    assert rows(outcome) == {"c": "failed", "nobody": "failed", "a": "success"}
    assert "sorry from c" in outcome.err


def test_global_key_lets_all_groups_go_on(groups, fake_restic):
    text = PROFILES.format(path=groups.path) + "[global]\ngroup-continue-on-error = true\n"
    groups.write("profiles.toml", text)
    fake_restic.answer("check", code=1, nth=1)
    groups.run("order.check").expect(1)
    assert names(fake_restic) == ["c", "a", "b"]


def test_unknown_member_is_a_failure(groups, fake_restic):
    outcome = groups.run("lenient.check").expect(2)
    assert names(fake_restic) == ["c", "a"]
    assert "`nobody`" in outcome.err


def test_skipped_member_is_no_failure(groups, fake_restic):
    text = PROFILES.format(path=groups.path) + '[groups.skip]\nprofiles = ["d", "a"]\n'
    groups.write("profiles.toml", text)
    outcome = groups.run("skip.check").expect(0)
    assert rows(outcome) == {"d": "skipped", "a": "success"}


def test_group_without_members_is_no_success(groups, fake_restic):
    text = PROFILES.format(path=groups.path) + "[groups.empty]\nprofiles = []\n"
    groups.write("profiles.toml", text)
    outcome = groups.run("-q", "empty.check").expect(0)
    assert "check empty: SKIPPED (the group has no profiles)" in outcome.err
    assert not fake_restic.calls


def test_group_is_no_member_of_another(groups):
    text = PROFILES.format(path=groups.path) + '[groups.outer]\nprofiles = ["order"]\n'
    groups.write("profiles.toml", text)
    outcome = groups.run("outer.check").expect(2)
    assert "`order` is a group, where only a profile can stand" in outcome.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_group_is_no_success(groups, fake_restic, number):
    fake_restic.answer("check", delay=20)
    with groups.start("order.check") as process:
        fake_restic.wait_for_call("check")
        time.sleep(0.1)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert len(fake_restic.calls) == 1
    assert "not run" in err


def test_group_is_interrupted_even_where_the_member_still_succeeds(groups, fake_restic):
    groups.write("profiles.toml", PROFILES.format(path=groups.path))
    fake_restic.answer("check", delay=1, ignore_signals=True)
    with groups.start("order.check") as process:
        fake_restic.wait_for_call("check")
        time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert len(fake_restic.calls) == 1


def test_verbosity_of_one_member_is_not_that_of_the_next(groups, fake_restic):
    text = PROFILES.format(path=groups.path).replace("[profiles.c]", "[profiles.c]\nverbose = 2")
    groups.write("profiles.toml", text)
    said = groups.run("order.check").expect(0).err
    assert [line.split()[-1] for line in said.splitlines() if "starting: " in line] == [
        "version",
        "--verbose=2",
    ]


def test_dry_run_shows_every_member(groups, fake_restic):
    out = groups.run("--dry-run", "order.check").expect(0).out
    assert [line.split()[-1] for line in out.splitlines() if ": profile " in line] == list("cab")
    assert not fake_restic.calls


def test_dry_run_goes_on_behind_a_member_that_does_not_exist(groups):
    out = groups.run("--dry-run", "all.check").expect(2).out
    assert "up to 5 at the same time" in out
    assert "dry-run: the run would fail: no profile or group `nobody`" in out


# ---- side by side ---------------------------------------------------------------------------


def wait_for_calls(fake_restic, count):
    """The calls, as soon as there are so many."""
    deadline = time.monotonic() + 30
    while len(fake_restic.calls) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return fake_restic.calls


def test_members_on_different_repositories_run_side_by_side(groups, fake_restic):
    fake_restic.answer("check", delay=3)
    with groups.start("beside.check") as process:
        for call in wait_for_calls(fake_restic, 2):
            os.kill(call.pid, 0)  # both run
        assert sorted(names(fake_restic)) == ["a", "c"]
        out, err = process.communicate(timeout=60)
    outcome = Outcome(process.returncode, out, err).expect(0)
    assert names(fake_restic)[2] == "b"
    assert rows(outcome) == {"a": "success", "b": "success", "c": "success"}


def test_each_line_says_whose_it_is(groups, fake_restic):
    fake_restic.answer("check", out=("data",), err=("words",))
    outcome = groups.run("all.check").expect(2)
    assert sorted(outcome.out.split("\n")) == ["", "[a] data", "[b] data", "[c] data"]
    for name in "abc":
        assert f"[{name}] words\n" in outcome.err
        assert f" [{name}] check {name}: OK in" in outcome.err
    assert "[d] early from d" in outcome.err
    assert re.search(r"  nobody +failed +no profile or group `nobody`", outcome.err)
    assert rows(outcome) == {
        "a": "success",
        "b": "success",
        "c": "success",
        "d": "skipped",
        "nobody": "failed",
    }


def test_each_line_in_the_log_says_whose_it_is(groups, fake_restic):
    fake_restic.answer("check", out=("data",), err=("words",))
    outcome = groups.run("--log", "log", "beside.check").expect(0)
    log = (groups.path / "log").read_text()
    assert re.search(r"INFO  \[a\] check a: OK", log)
    assert "[a] data\n" in log
    assert "[a] words\n" in log
    assert not outcome.out
    assert not outcome.err


def test_failure_lets_those_that_run_end_and_nobody_start(groups, fake_restic):
    fake_restic.answer("check", code=12, nth=1)
    fake_restic.answer("check", delay=0.5, nth=2)
    outcome = groups.run("beside.check").expect(12)
    assert len(fake_restic.calls) == 2
    assert rows(outcome)["b"] == "not run"
    assert sorted(rows(outcome).values()) == ["failed", "not run", "success"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_reaches_every_member_that_runs(groups, fake_restic, number):
    fake_restic.answer("check", delay=30)
    with groups.start("beside.check") as process:
        wait_for_calls(fake_restic, 2)
        time.sleep(0.2)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number  # although restic is always interrupted
    assert fake_restic.signals == [signal.SIGINT, signal.SIGINT]
    assert "sorry from c" in err
    assert "not run: b" in err


def test_member_with_the_lock_file_of_another_waits_for_its_turn(groups, fake_restic):
    text = PROFILES.format(path=groups.path)
    for name in ("profiles.a", "profiles.c"):
        text = text.replace(f"[{name}]", f'[{name}]\nlock = "same.lock"')
    groups.write("profiles.toml", text)
    fake_restic.answer("check", delay=0.3)
    groups.run("beside.check").expect(0)  # or c would have found the lock taken
    assert names(fake_restic)[0] == "a"


def test_member_may_be_there_twice(groups, fake_restic):
    text = (
        PROFILES.format(path=groups.path) + '[groups.twice]\nprofiles = ["a", "a"]\nparallel = 2\n'
    )
    groups.write("profiles.toml", text)
    fake_restic.answer("check", code=1, nth=2)
    outcome = groups.run("twice.check").expect(1)
    assert "check twice: FAILED (1 of 2 members failed: a)" in outcome.err


def test_group_label_reaches_the_metrics_of_members(groups, fake_restic):
    text = PROFILES.format(path=groups.path)
    text = text.replace("[profiles.a]", '[profiles.a]\nprometheus-save-to-file = "a.prom"')
    groups.write("profiles.toml", text)
    groups.run("beside.check").expect(0)
    assert 'group="beside"' in (groups.path / "a.prom").read_text()


# ---- monitors of the group ------------------------------------------------------------------


@pytest.fixture
def watched(groups, server):
    """The groups, with a service that watches two of them."""
    text = PROFILES.format(path=groups.path)
    for name in ("order", "beside"):
        text += f'[groups.{name}.monitor.healthchecks]\nurl = "{server.url}/{name}"\n'
    groups.write("profiles.toml", text)
    return groups


@pytest.mark.parametrize("name", ["order", "beside"])
def test_service_is_told_once_of_the_whole_group(watched, server, name):
    watched.run(f"{name}.check").expect(0)
    paths = [request.path for request in server.requests]
    assert paths == [f"/{name}/start", f"/{name}"]
    body = server.requests[-1].text
    assert f"check {name}: OK" in body
    assert "success" in body


@pytest.mark.parametrize("name", ["order", "beside"])
def test_service_is_told_of_the_failure_of_one_member(watched, server, fake_restic, name):
    fake_restic.answer("check", code=12, nth=2)
    watched.run(f"{name}.check").expect(12)
    paths = [request.path for request in server.requests]
    assert paths == [f"/{name}/start", f"/{name}/fail"]
    assert "1 of 3 members failed" in server.requests[-1].text


def test_members_keep_their_own_monitors(watched, server, fake_restic):
    text = (watched.path / "profiles.toml").read_text()
    own = f'[profiles.a.monitor.healthchecks]\nurl = "{server.url}/own"\n'
    watched.write("profiles.toml", text + own)
    watched.run("order.check").expect(0)
    paths = [request.path for request in server.requests]
    assert sorted(paths[:2]) == ["/order/start", "/own/start"]  # each service at its own speed
    assert paths[2:] == ["/own", "/order"]


def test_no_monitor_is_told_when_none_shall_be(watched, server):
    watched.run("--no-monitor", "order.check").expect(0)
    assert not server.requests


def test_status_file_is_shared_by_all_members(groups, fake_restic):
    text = PROFILES.format(path=groups.path)
    text = re.sub(r"(\[profiles\.\w\])", r'\1\nstatus-file = "status.json"', text)
    groups.write("profiles.toml", text)
    groups.run("beside.check").expect(0)
    status = json.loads((groups.path / "status.json").read_text())
    assert sorted(status["profiles"]) == ["a", "b", "c"]
