"""`monitor list`, `test` and `flush`, and the outbox, as a user meets them."""

from __future__ import annotations

import json
import stat

import pytest

from tests.kit.watched import Watched


@pytest.fixture
def scene(project, fake_restic, server):
    return Watched(project, fake_restic, server)


# ---- the outbox -----------------------------------------------------------------------------


def test_what_was_not_delivered_is_sent_at_the_next_run(scene):
    scene.fail_unheard()
    [letter] = scene.letters
    assert stat.S_IMODE(letter.stat().st_mode) == 0o600
    assert "local:/nowhere" in letter.read_text()
    assert "127.0.0.1" not in letter.read_text()
    scene.run("-n", "home", "backup").expect(0)
    first, *rest = scene.titles
    assert first.startswith("[delayed, 20")
    assert "backup home failed" in first
    assert len(rest) == 2
    assert scene.letters == []


def test_what_was_not_delivered_can_be_flushed(scene):
    scene.fail_unheard()
    outcome = scene.run("monitor", "flush").expect(0)
    assert outcome.out == "1 sent, 0 waiting\n"
    assert len(scene.titles) == 1
    assert scene.run("monitor", "flush").expect(0).out == "0 sent, 0 waiting\n"


def test_what_cannot_be_flushed_waits_on(scene):
    scene.fail_unheard()
    scene.server.reply("/", 500)
    outcome = scene.run("monitor", "flush", "--json").expect(1)
    assert json.loads(outcome.out) == {"sent": 0, "left": 1, "elsewhere": 0}
    assert len(scene.letters) == 1


def test_letters_of_what_is_gone_are_dropped_with_a_word(scene):
    scene.fail_unheard()
    scene.replace("[home", "[house")
    outcome = scene.run("monitor", "flush").expect(0)
    assert "is dropped: there is no `home` any more" in outcome.err
    assert scene.letters == []


def test_letters_of_a_service_that_is_gone_are_dropped_at_the_next_run(scene):
    scene.fail_unheard()
    scene.replace("ntfy = {", "# ntfy = {")
    outcome = scene.run("-n", "home", "backup").expect(0)
    assert "is dropped: `home` has no such service any more" in outcome.err
    assert scene.letters == []


def test_letters_of_another_configuration_are_left_alone(scene):
    scene.fail_unheard()
    scene.configure(name="other.toml")
    outcome = scene.run("-c", "other.toml", "monitor", "flush").expect(0)
    assert outcome.out == "0 sent, 0 waiting, 1 for other configurations\n"
    scene.run("-c", "other.toml", "-n", "home", "backup").expect(0)
    assert len(scene.letters) == 1


# ---- monitor list, monitor test -------------------------------------------------------------


def test_the_list_is_effective_and_masked(scene):
    scene.configure(
        f'[home.check.monitor.healthchecks]\nurl = "{scene.server.url}/check/slug"',
        monitor='pushover = { token = "t0k3nt0k3n", user = { env = "USER_KEY" } }',
    )
    text = scene.run("-n", "home", "monitor", "list").expect(0).out
    assert "backup, copy, forget, prune → healthchecks:" in text
    assert "check → healthchecks:" in text
    assert "{ env = USER_KEY }" in text
    assert "t0k3nt0k3n" not in text
    assert "slug" not in text
    found = json.loads(scene.run("-n", "home", "monitor", "list", "--json").expect(0).out)
    assert {entry["service"] for entry in found} == {"healthchecks", "ntfy", "pushover"}
    assert {entry["command"] for entry in found} == {"backup", "copy", "check", "forget", "prune"}


def test_a_test_is_marked_and_says_what_came_of_it(scene):
    scene.configure()
    outcome = scene.run("-n", "home", "monitor", "test").expect(0)
    assert [line.split() for line in outcome.out.splitlines()] == [
        ["healthchecks", "fail", "delivered"],
        ["ntfy", "fail", "delivered"],
    ]
    assert scene.heartbeats == ["/fail"]
    assert scene.titles[0].startswith("[test] backup home failed")
    assert scene.server.requests[0].text.startswith("[test] backup home: FAILED")


@pytest.mark.parametrize("state", ["log", "warn"])
def test_other_states_can_be_tested(scene, state):
    scene.configure()
    outcome = scene.run("-n", "home", "monitor", "test", "--state", state, "--json").expect(0)
    told = {entry["service"]: entry["outcome"] for entry in json.loads(outcome.out)}
    assert told == {
        "healthchecks": "delivered",
        "ntfy": "not told" if state == "log" else "delivered",
    }


def test_a_test_that_does_not_arrive_fails(scene):
    scene.configure()
    scene.server.reply("/", 403)
    outcome = scene.run("-n", "home", "monitor", "test", "ntfy").expect(1)
    assert outcome.out.split()[:3] == ["ntfy", "fail", "failed"]
    assert "HTTP 403 Forbidden" in outcome.out
    assert len(scene.server.requests) == 1


def test_the_words_of_a_test_are_checked(scene):
    scene.configure()
    assert (
        "there are: healthchecks, ntfy"
        in scene.run("-n", "home", "monitor", "test", "x").expect(2).err
    )
    scene.run("-n", "home", "monitor", "test", "--state", "maybe").expect(2)
    scene.run("-n", "nobody", "monitor", "test").expect(2)
    scene.run("--monitoring-verbosity", "3", "-n", "home", "backup").expect(2)


def test_a_test_without_services_is_no_success(scene):
    scene.write("profiles.toml", '[home]\nrepository = "local:/nowhere"\n')
    outcome = scene.run("-n", "home", "monitor", "test").expect(1)
    assert outcome.out == "no monitoring service is told of `home`\n"
    scene.run("-n", "home", "monitor", "list").expect(0)


def test_a_group_can_be_listed_and_tested(scene):
    scene.write(
        "profiles.yaml",
        f"""
version: "2"
global: {{min-memory: 0}}
groups:
  all:
    profiles: [one, two]
    monitor: {{healthchecks: {{url: "{scene.server.url}/hc/slug", run-id: false}}}}
profiles:
  one: {{repository: "local:/nowhere"}}
  two: {{repository: "local:/nowhere"}}
""",
    )
    config = ("-c", "profiles.yaml", "-n", "all")
    assert "healthchecks:" in scene.run(*config, "monitor", "list").expect(0).out
    scene.run(*config, "monitor", "test", "--state", "finish").expect(0)
    assert scene.server.requests[0].text.startswith("[test] backup all: OK")
    scene.server.requests.clear()
    scene.run(*config, "backup").expect(0)
    assert scene.heartbeats == ["/start", ""]
