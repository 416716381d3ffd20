"""What the program sees of a configuration: global values, names, groups, profiles, problems."""

from __future__ import annotations

import pytest

from resticprof.errors import ConfigError, UsageError
from resticprof.model.types import Secret, reveal
from tests.kit.configuration import opened


@pytest.fixture
def read(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def reader(text, name="profiles.yaml"):
        (tmp_path / name).write_text(text)
        return opened(name)

    return reader


def texts(problems):
    return [str(problem) for problem in problems]


# ---- names ----------------------------------------------------------------------------------


def test_names_are_those_of_the_file_whatever_was_typed(read):
    configuration = read("Home: {lock: '/x-{{ .Profile.Name }}'}\na.b: {tag: x}\nempty:\nnone: {}")
    assert configuration.names() == ["Home", "a.b"]
    assert configuration.profile("HOME").name == "Home"
    assert configuration.profile("home").lock == "/x-Home"
    assert configuration.profile("empty").flags == {}


def test_an_unknown_profile_is_told_with_those_that_there_are(read):
    configuration = read("a: {tag: x}\nb: {tag: x}\ngroups: {g: [a]}")
    with pytest.raises(UsageError, match=r"no profile or group `c` in profiles.yaml; .*: a, b, g"):
        configuration.profile("c")


def test_groups_of_both_versions(read):
    one = read("a: {tag: x}\ngroups: {g: [a, B], one: a}")
    assert (one.group("G").profiles, one.group("one").profiles) == (("a", "B"), ("a",))
    two = read("""
        version: 2
        profiles: {a: {tag: x}}
        groups:
          Big:
            profiles: [a]
            description: all
            continue-on-error: false
            schedules:
              backup: {at: daily, priority: background}
              check: {log: x}
    """)
    group = two.group("big")
    assert (group.name, group.description, group.continue_on_error) == ("Big", "all", False)
    assert group.schedules["backup"].at == ("daily",)
    assert "check" not in group.schedules  # it has no times


# ---- problems -------------------------------------------------------------------------------


def test_all_problems_of_the_shared_part_are_kept(read):
    configuration = read("""
        version: 2
        global: {initialize: maybe, scheduler: [x], prioriti: x}
        groups: {g: [a], h: {profils: [a]}}
        other: {}
        profiles: {a: {tag: x}}
    """)
    assert texts(configuration.problems) == [
        "profiles.yaml:3: global.initialize: `maybe` is neither true nor false",
        "profiles.yaml:3: global.scheduler: expected a single value, got a list",
        "profiles.yaml:4: groups.g: expected a table with `profiles`, got a list",
    ]
    assert texts(configuration.unknown) == [
        "profiles.yaml:5: other: unknown key",
        "profiles.yaml:3: global.prioriti: unknown key; did you mean `priority`?",
        "profiles.yaml:4: groups.h.profils: unknown key; did you mean `profiles`?",
    ]
    with pytest.raises(ConfigError, match="neither true nor false"):
        configuration.require()


def test_strict_makes_unknown_keys_errors(read):
    text = "global: {strict: true}\na: {repositry: x}"
    configuration = read(text)
    configuration.require()
    with pytest.raises(ConfigError, match="did you mean `repository`"):
        configuration.profile("a")
    with pytest.raises(ConfigError, match=r"global\.nope: unknown key"):
        read(text.replace("true", "true, nope: 1")).require()
    assert read(text.replace("true", "false")).profile("a").flags == {"repositry": "x"}


@pytest.mark.parametrize("value", ["{a: 1}", "[{a: 1}, {b: 2}]"])
def test_table_that_nobody_knows_stops_no_run(read, value):
    configuration = read(f"a: {{backup: {{notes: {value}}}, zzz: {value}}}")
    problems, profile = configuration.open_profile("a")
    assert not problems
    assert (profile.flags, profile.backup.flags) == ({}, {})
    unknown = texts(configuration.read_profile("a")[0].unknown)
    assert unknown == [
        "profiles.yaml:1: a.backup.notes: unknown key",
        "profiles.yaml:1: a.zzz: unknown key",
    ]


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("profiles: {a: {}}", "`profiles` is known in version 2; add `version: 2`"),
        ("mixins: {a: {}}", "`mixins` is known in version 2"),
        ("version: v2\nprofiles: {a: {}}", "version: expected 1 or 2; this is read as version 1"),
        ("version: 0", "version: expected 1 or 2; this is read as version 1"),
        ("version: 3", "version: expected 1 or 2; this is read as version 2"),
        ("a: {tag: x}\ngroups: {a: [a]}", "a profile has the same name, so the group"),
        ("groups: {a: []}", "groups.a: names no profile, so nothing runs for this group"),
        ("version: 2\ngroups: {a: {}}", "groups.a: names no profile"),
        ("includes: nope.yaml", "nothing matches `nope.yaml`"),
    ],
)
def test_what_is_strange_is_advice(read, text, advice):
    assert advice in texts(read(text).advice)[0]


def test_a_profile_at_the_top_of_version_2_is_told_where_it_belongs(read):
    [problem] = texts(read("version: 2\nhome: {tag: x}").unknown)
    assert problem.endswith("unknown key; profiles stand below `profiles` in version 2")


def test_anchors_may_be_kept_at_the_top(read):
    assert read("version: 2\nx-common: &c {tag: x}\nprofiles: {a: *c}").unknown == ()


def test_hcl_is_for_version_1(read):
    [problem] = texts(read("version = 2\nprofiles { a { tag = 1 } }", "p.hcl").problems)
    assert "HCL is for version 1 only" in problem


def test_repeated_blocks_are_one_table(read, tmp_path):
    (tmp_path / "more.hcl").write_text('child { env { C = "3" } backup { tag = "t" } }')
    configuration = read(
        """
        includes = "more.hcl"
        global { priority = "low" }
        global { initialize = true }
        groups { all = ["base"] }
        groups { some = ["child"] }
        base { repository = "r" env { A = "1" } backup { source = "/a" run-before = ["one"] } }
        base { env { B = "2" } backup { exclude-caches = true run-before = ["two"] } }
        child { inherit = "base" backup { source = ["/c"] } backup { exclude = "e" } }
        """,
        "p.hcl",
    ).require()
    assert configuration.global_.priority == "low"
    assert configuration.global_.initialize
    assert sorted(configuration.groups) == ["all", "some"]
    child = configuration.profile("child")
    assert child.env == {"A": "1", "B": "2", "C": "3"}
    assert (child.backup.source, child.backup.exclude) == (("/c",), ("e",))
    assert child.backup.run_before == ("two",)
    assert child.backup.flags == {"exclude-caches": True, "tag": "t"}


@pytest.mark.parametrize("version", [1, 2])
def test_a_list_of_tables_may_stand_for_a_table(read, version):
    profile = "{base: [{tag: a}, {backup: [{source: /a}, {tag: b}]}], c: [{inherit: base}]}"
    top = f"version: 2\nprofiles: {profile}" if version == 2 else profile
    child = read(top).profile("c")
    assert (child.backup.source, child.backup.flags["tag"]) == (("/a",), "b")
    assert child.flags == {"tag": "a"}


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ('base-a: {tag: x}\na: {inherit: "base-{{ .Profile.Name }}"}', "x"),
        ('mixins: {m-a: {tag: x}}\na: {use: "m-{{ .Profile.Name }}"}', "x"),
        ('mixins: {m-a: {tag: x}}\na: {use: [{name: "m-{{ .Profile.Name }}"}]}', "x"),
        ('mixins: {m: {tag: "$v{{ .Profile.Name }}"}}\na: {use: [{name: m, va: x}]}', "x"),
        ('mixins: {m: {tag: $v}}\na: {use: [{name: m, v: "x{{ .Profile.Name }}"}]}', "xa"),
    ],
)
def test_parents_mixins_and_variables_may_depend_on_the_name(read, text, tag):
    mixins, _, profiles = text.rpartition("\na: ")
    above, below = (mixins, "") if mixins.startswith("mixins") else ("", mixins)
    found = read(f"version: 2\n{above}\nprofiles:\n  a: {profiles}\n  {below}").profile("a")
    assert found.flags == {"tag": tag}


def test_problems_between_files_that_depend_on_the_name_are_told(read, tmp_path):
    text = "{{ if eq .Profile.Name `a` }}a: {backup: 5}{{ end }}"
    (tmp_path / "more.yaml").write_text(text)
    configuration = read("includes: more.yaml\na: {backup: {source: /a}}\nb: {tag: x}").require()
    assert configuration.open_profile("b")[0] == ()
    [problem] = texts(configuration.open_profile("a")[0])
    assert "more.yaml:1: a.backup: a single value cannot replace the table" in problem


def test_a_profile_is_read_as_far_as_possible(read):
    configuration = read("""
        a: {inherit: nope, repository: /r, verbose: lots, run-before: x}
    """)
    problems, profile = configuration.open_profile("a")
    assert len(problems) == 2
    assert (profile.repository.reveal(), profile.run_before, profile.verbose) == ("/r", ("x",), 0)


def test_a_table_that_is_no_value_does_not_keep_a_profile_from_running(read):
    text = "a: {tag: {b: c}, backup: {backup: {source: /a}, host: {b: c}}}\nremotes: {b: {x: y}}"
    configuration = read(text)
    converter, profile = configuration.read_profile("a")
    assert (configuration.names(), converter.problems) == (["a"], [])
    assert (profile.flags, profile.backup.flags) == ({}, {})
    tag, backup, host = texts(converter.unknown)
    assert tag == "profiles.yaml:1: a.tag.b: unknown key"
    assert backup == "profiles.yaml:1: a.backup.backup: unknown key"
    assert "a.backup.host: a table is not a value for a flag of restic" in host


# ---- profiles -------------------------------------------------------------------------------


def test_keys_sections_and_flags_find_their_places(read):
    profile = read("""
        a:
          repository: /r
          no-cache: true
          tag: [x, y]
          backup: {source: /a, one-file-system: true, run-before: b}
          snapshots: {compact: true, repository: "rest:https://u:p@h/"}
          key-add: {user: me}
    """).profile("a")
    assert profile.repository.reveal() == "/r"
    assert profile.flags == {"no-cache": True, "tag": ("x", "y")}
    assert profile.backup.source == ("/a",)
    assert profile.backup.run_before == ("b",)
    assert profile.backup.flags == {"one-file-system": True}
    assert profile.sections["key-add"].flags == {"user": "me"}
    repo = profile.sections["snapshots"].flags["repo"]
    assert (str(repo), repo.reveal()) == ("rest:https://u:×××@h/", "rest:https://u:p@h/")


def test_a_name_that_is_command_and_flag_may_be_either(read):
    profile = read("a: {tag: x, forget: {keep-last: 1}}\nb: {tag: {add: y}}").profile
    assert profile("a").flags == {"tag": "x"}
    assert profile("a").sections["forget"].flags == {"keep-last": "1"}
    assert profile("b").sections["tag"].flags == {"add": "y"}


@pytest.mark.parametrize("value", ["false", "3", "[x]", "text"])
def test_a_section_that_is_no_table_is_reported_and_left_out(read, value):
    converter, profile = read(f"a: {{snapshots: {value}, stats: null}}").read_profile("a")
    [problem] = texts(converter.unknown)
    assert "a.snapshots: expected a table with the keys of this command" in problem
    assert profile.sections == profile.flags == {}


def test_variables_keep_their_spelling_and_hide_their_secrets(read):
    profile = read("""
        a:
          env: {Foo: bar, my_Token: hunter2, no_proxy: x, REPO_URL: "https://u:p@h"}
    """).profile("a")
    assert profile.env["Foo"] == "bar"
    assert str(profile.env["my_Token"]) == "×××"
    assert str(profile.env["REPO_URL"]) == "https://u:×××@h"


def test_a_name_that_no_variable_can_have_is_told(read):
    converter, profile = read('a: {env: {"": x, "A=B": y, C: z}}').read_profile("a")
    assert profile.env == {"C": "z"}
    assert texts(converter.unknown) == [
        "profiles.yaml:1: a.env.: no variable can have this name; it is left out",
        "profiles.yaml:1: a.env.A=B: no variable can have this name; it is left out",
    ]


def test_paths_in_flags_are_those_of_the_configuration(read, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/home/me")
    profile = read("""
        a:
          backup: {cacert: ca.pem, cache-dir: ~/c, path: [x, ~/z], tag: ~/y}
    """).profile("a")
    assert profile.backup.flags == {
        "cacert": "ca.pem",
        "cache-dir": "/home/me/c",
        "path": (str(tmp_path / "x"), "/home/me/z"),
        "tag": "~/y",
    }


def test_a_run_that_changes_its_directory_gets_absolute_paths(read, tmp_path):
    profile = read("a: {base-dir: sub, password-file: key, lock: l}").profile("a")
    assert profile.base_dir == str(tmp_path / "sub")
    assert profile.password_file == str(tmp_path / "key")
    assert profile.lock == str(tmp_path / "l")


@pytest.mark.parametrize("base", ["sub", "{here}/sub"])
def test_paths_stay_what_they_are_when_the_directory_has_changed(read, tmp_path, monkeypatch, base):
    (tmp_path / "sub").mkdir()
    base = base.format(here=tmp_path)
    configuration = read(f"""
        global: {{ca-certificates: ca.pem}}
        a:
          base-dir: {base}
          password-file: key
          env: {{A: {{file: secret}}}}
          cache-dir: "{{{{ .ConfigDir }}}}"
          description: "{{{{ .CurrentDir }}}}"
    """)
    (tmp_path / "secret").write_text("value")
    monkeypatch.chdir(tmp_path / "sub")
    _, profile = configuration.open_profile("a", again=True)
    assert profile.base_dir == str(tmp_path / "sub")
    assert profile.password_file == str(tmp_path / "key")
    assert profile.cache_dir == str(tmp_path)
    assert profile.description == str(tmp_path / "sub")
    assert reveal(profile.env["A"]) == "value"
    assert configuration.global_.ca_certificates == (str(tmp_path / "ca.pem"),)


def test_a_relative_backup_gets_absolute_paths(read, tmp_path):
    profile = read("a: {password-file: key, backup: {source-relative: true}}").profile("a")
    assert profile.password_file == str(tmp_path / "key")


def test_an_empty_base_dir_is_none(read):
    assert read("a: {base-dir: '', password-file: key}").profile("a").password_file == "key"


def test_headers_and_bodies_are_protected(read):
    profile = read("""
        a:
          snapshots:
            send-before:
              url: https://h/x
              headers: [{name: Content-Type, value: text/plain}, {name: X-Key, value: k}]
              body: "${ERROR}"
            send-after: [{url: https://h/y, body: secret}]
    """).profile("a")
    [before] = profile.sections["snapshots"].send_before
    assert [str(header.value) for header in before.headers] == ["text/plain", "×××"]
    assert before.body == "${ERROR}"
    [after] = profile.sections["snapshots"].send_after
    assert str(after.body) == "×××"


def test_what_references_gave_to_plain_keys_is_known_as_secret(read, tmp_path):
    (tmp_path / "hint").write_text("hunter2")
    (tmp_path / "hint").chmod(0o600)
    profile = read("a: {key-hint: {file: hint}}").profile("a")
    assert profile.key_hint == "hunter2"
    assert [secret.reveal() for secret in profile.secrets] == ["hunter2"]
    assert all(isinstance(secret, Secret) for secret in profile.secrets)


# ---- schedules ------------------------------------------------------------------------------


def test_a_schedule_comes_from_keys_tables_and_defaults(read):
    configuration = read("""
        global: {schedule-defaults: {permission: system, lock-wait: 5m, at: ignored}}
        a:
          backup: {schedule: [daily, " ", "*:00"], schedule-priority: background}
          check: {schedule: {at: weekly, permission: user, lock-wait: 1m}, schedule-lock-wait: 2m}
          prune: {schedule-permission: user}
          forget: {schedule: ""}
    """)
    profile = configuration.profile("a")
    backup = profile.sections["backup"].schedule
    assert (backup.at, backup.permission, backup.priority) == (
        ("daily", "*:00"),
        "system",
        "background",
    )
    check = profile.sections["check"].schedule
    assert (check.at, check.permission, check.lock_wait) == (("weekly",), "user", 120.0)
    assert profile.sections["prune"].schedule is None
    assert profile.sections["forget"].schedule is None


def test_one_blank_separates_the_words_of_an_expression(read):
    """systemd refuses more of them in front of a time zone, after everything was installed."""
    profile = read(r'a: {backup: {schedule: [" Mon  5:00\t UTC "]}}').profile("a")
    assert profile.sections["backup"].schedule.at == ("Mon 5:00 UTC",)


def test_an_unknown_key_of_a_schedule_is_told(read):
    converter, _ = read("a: {backup: {schedule: daily, schedule-permision: user}}").read_profile(
        "a"
    )
    assert "did you mean `schedule-permission`" in texts(converter.unknown)[0]


@pytest.mark.parametrize("parent", ["[b]", "{b: c}"])
def test_a_parent_that_is_no_name_is_told_once(read, parent):
    converter, _ = read(f"a: {{inherit: {parent}}}\nb: {{tag: x}}").read_profile("a")
    [problem] = texts(converter.problems)
    assert "a.inherit: expected a single value, got a" in problem


def test_a_name_that_depends_on_itself_is_refused(read):
    configuration = read('"a-{{ .Profile.Name }}": {tag: x}')
    assert configuration.names() == ["a-default"]
    with pytest.raises(ConfigError, match="no name may depend on"):
        configuration.profile("a-default")


@pytest.mark.parametrize(
    ("written", "meant"),
    [("run.log", "run.log"), ("syslog:", "syslog:"), ("tcp://h:1", "tcp://h:1"), ("-", "-")],
)
def test_a_log_target_is_no_path(read, written, meant):
    schedule = f"{{schedule: daily, schedule-log: '{written}'}}"
    text = f"a: {{base-dir: x, lock: 'a:b.lock', backup: {schedule}}}"
    profile = read(text).profile("a")
    assert profile.backup.schedule.log.endswith(meant)
    assert profile.backup.schedule.log.startswith("/") == (written == "run.log")
    assert profile.lock.endswith("/a:b.lock")
