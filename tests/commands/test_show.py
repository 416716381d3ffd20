"""`show` and `profiles`: the effective configuration as text and data, and where it came from."""

from __future__ import annotations

import json

import pytest

CONFIG = """\
version: "2"
includes: more.yaml
global:
  initialize: true
  send-timeout: 90s
mixins:
  told:
    run-before...: "echo $what"
groups:
  all:
    description: both
    profiles: [base, home]
    continue-on-error: false
    schedules: {backup: {at: daily}}
profiles:
  base:
    description: the base
    repository: "rest:https://me:pw@localhost/$PART"
    password-file: key
    env: {MY_TOKEN: t, Plain: "two\\nlines"}
    run-before: echo base
  home:
    inherit: base
    use: [{name: told, what: hello}]
    lock: "/tmp/{{ .Profile.Name }}"
    tag: [all, ""]
    stream-error: [{pattern: a, run: b}, {pattern: c, run: d}]
    backup:
      source: [/data/b, /data/a]
      tag: [x, y]
      check-before: true
      schedule: daily
      send-after:
        - url: https://h/1
          headers: [{name: A, value: b}, {name: Accept, value: d}]
          method: POST
        - url: https://h/2
      exclude-caches: true
    retention: {keep-last: 3}
    snapshots: {path: true, host: true}
  dotted.name: {repository: /r, backup: {source: /x}}
"""
MORE = "profiles: {home: {prune: {schedule-permission: user}}}\n"


@pytest.fixture
def show(project):
    project.env["PART"] = "part"
    project.write("profiles.yaml", CONFIG)
    project.write("more.yaml", MORE)

    def shower(*words, code=0):
        outcome = project.run(*words).expect(code)
        return outcome.out

    return shower


HOME = """\
profile home:
    run-before:              echo base
                             echo hello
    tag:                     all
                             ""
    repository:              rest:https://me:×××@localhost/part
    password-file:           key
    lock:                    /tmp/home
    prometheus-push-format:  text

    env:
        MY_TOKEN:  ×××
        Plain:     two\\nlines

    stream-error:
        pattern:  a
        run:      b
        -
        pattern:  c
        run:      d

    backup:
        exclude-caches:  true
        host:            true
        tag:             x
                         y

    backup.send-after:
        url:     https://h/1
        method:  POST

    backup.send-after.headers:
        name:   A
        value:  ×××
        -
        name:   Accept
        value:  d

    backup.send-after:
        -
        url:  https://h/2

    backup:
        source:        /data/b
                       /data/a
        check-before:  true

    retention:
        host:          true
        keep-last:     3
        path:          /data/b
                       /data/a
        tag:           x
                       y
        after-backup:  true

    prune:

    snapshots:
        host:  true
        path:  /data/b
               /data/a

schedule backup@home:
    at:  daily
"""


def test_the_layout_of_a_profile(show):
    text = show("-n", "HOME", "show")
    assert text[text.index("profile home:") :] == HOME


def test_the_layout_of_the_global_part_and_of_a_group(show):
    assert (
        show("-n", "all", "show")
        == """\
global:
    default-command:          snapshots
    initialize:               true
    restic-arguments-filter:  true
    restic-lock-retry-after:  1m0s
    restic-stale-lock-age:    1h0m0s
    ionice-class:             2
    min-memory:               100
    command-output:           auto
    send-timeout:             1m30s

group all:
    description:        both
    profiles:           base
                        home
    continue-on-error:  false

schedule backup@all:
    at:  daily
"""
    )


def test_no_title_stands_over_nothing_but_titles(project):
    text = "default: {check: {send-after: {url: 'https://h/1'}, run-before: a, read-data: true}}"
    project.write("profiles.yaml", text)
    out = project.run("show").expect(0).out
    assert (
        out.partition("profile default:\n")[2]
        == """\
    prometheus-push-format:  text

    check:
        read-data:   true
        run-before:  a

    check.send-after:
        url:  https://h/1
"""
    )
    project.write("profiles.yaml", "default: {check: {send-after: {url: 'https://h/1'}}}")
    assert "\n    check:\n" not in project.run("show").expect(0).out


def test_the_same_as_data(show):
    found = json.loads(show("-n", "home", "show", "--json"))
    assert list(found) == ["global", "profile home", "schedule backup@home"]
    profile = found["profile home"]
    assert profile["repository"] == "rest:https://me:×××@localhost/part"
    assert profile["backup"]["source"] == ["/data/b", "/data/a"]
    assert profile["backup"]["send-after"][0]["headers"][1] == {"name": "Accept", "value": "d"}
    assert profile["retention"]["tag"] == ["x", "y"]


def test_a_name_with_a_dot(show):
    assert "profile dotted.name:" in show("dotted.name.show")


def test_a_name_that_nobody_has_is_told(project, show):
    outcome = project.run("-n", "nope", "show").expect(2)
    assert "there are: base, dotted.name, home, all" in outcome.err


def explained(text):
    """Path to value, place and steps."""
    found = {}
    for line in text.splitlines():
        path, equals, rest = line.strip().partition(" = ")
        if equals:
            cells = [cell for cell in rest.split("  ") if cell]
            found[path] = tuple(cell.strip() for cell in cells)
    return found


def test_every_value_of_a_profile_is_explained(show):
    found = explained(show("-n", "home", "show", "--explain"))
    assert found["home.repository"] == (
        "rest:https://me:×××@localhost/$PART",
        "profiles.yaml:18",
        "inherited from base",
    )
    assert found["home.run-before[0]"] == ("echo base", "profiles.yaml:21", "inherited from base")
    assert found["home.run-before[1]"] == ("echo hello", "profiles.yaml:8", "mixin told")
    assert found["home.lock"] == ("/tmp/home", "profiles.yaml:25", "template")
    assert found["home.prune.schedule-permission"] == (
        "user",
        "more.yaml:1",
        "include more.yaml",
    )
    assert found["home.retention.path"] == ("true", "profiles.yaml:39", "default")
    assert found["home.env.Plain"] == ("two\\nlines", "profiles.yaml:20", "inherited from base")
    assert found["home.backup.send-after[0].headers[0].value"][0] == "×××"
    assert found["home.prometheus-push-format"] == ("text", "default")
    assert found["global.send-timeout"] == ("90s", "profiles.yaml:5")
    assert found["global.min-memory"] == ("100", "default")
    assert "home.description" not in found


def test_a_long_value_does_not_push_the_places_away(project):
    project.write("profiles.toml", f'[default]\nkey-hint = ""\nrun-before = "{"x" * 100}"\n')
    lines = project.run("show", "--explain").expect(0).out.splitlines()
    [empty, long] = [line for line in lines if "profiles.toml" in line]
    assert empty.startswith('    default.key-hint = ""  ')
    assert len(empty) < 80 < len(long)


def test_a_group_is_explained(show):
    found = explained(show("-n", "all", "show", "--explain"))
    assert found["all.profiles[1]"] == ("home", "profiles.yaml:12")
    assert found["all.schedules.backup.at"] == ("daily", "profiles.yaml:14")


def test_explanations_for_machines(show):
    found = json.loads(show("-n", "home", "show", "--explain", "--json"))
    [lock] = [value for value in found["profile home"] if value["path"] == "home.lock"]
    assert lock == {
        "path": "home.lock",
        "value": "/tmp/home",
        "file": "profiles.yaml",
        "line": 25,
        "steps": ["template"],
    }


# ---- profiles -------------------------------------------------------------------------------

LISTING = """
Profiles available (name, sections, description):
  base:         (n/a)                                  the base
  dotted.name:  (backup)
  home:         (backup, prune, retention, snapshots)

Groups available (name, profiles, description):
  all:  [base, home]  both

"""


def test_the_listing(show):
    assert show("profiles") == LISTING


def test_the_listing_for_machines(show):
    found = json.loads(show("profiles", "--json"))
    assert [entry["name"] for entry in found["profiles"]] == ["base", "dotted.name", "home"]
    assert found["profiles"][2]["sections"] == ["backup", "prune", "retention", "snapshots"]
    assert found["groups"] == [{"name": "all", "profiles": ["base", "home"], "description": "both"}]


def test_broken_profiles_are_told_and_left_out(project):
    project.write("profiles.yaml", "a: {repository: /r}\nb: {verbose: x}\nc: 1\nd:\n")
    outcome = project.run("profiles").expect(0)
    assert "  a:  (n/a)\n" in outcome.out
    assert "  b:" not in outcome.out
    assert "profiles.yaml:2: b.verbose: `x` is not a whole number" in outcome.err
    assert "profiles.yaml:3: c: a profile is a table of keys" in outcome.err


def test_an_empty_configuration_says_so(project):
    project.write("profiles.yaml", "")
    assert "There are no profiles" in project.run("profiles").expect(0).out
