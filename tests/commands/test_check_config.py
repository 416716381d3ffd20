"""`check-config` finds every mistake in one go, each with its file, line and key."""

from __future__ import annotations

import json

import pytest

HEAD = 'version: "2"\nprofiles:\n  home:\n    repository: /r\n'


@pytest.fixture
def check(project):
    def checker(text, *, name="profiles.yaml", mode=0o600):
        project.write(name, text).chmod(mode)
        outcome = project.run("-c", name, "check-config")
        lines = outcome.out.splitlines()
        assert outcome.err == ""
        assert outcome.code == (78 if any(line.startswith("error: ") for line in lines) else 0)
        return lines

    return checker


def test_nothing_is_said_about_what_is_right(project, check):
    project.write("key", "secret").chmod(0o600)
    project.write("data/x", "")
    text = HEAD + "    password-file: key\n    backup: {source: [data, 'dat*'], schedule: daily}\n"
    assert check(text) == ["no problems found"]


@pytest.mark.parametrize(
    ("stage", "body", "text"),
    [
        ("send-after", "\n{{ .Nope }}", "2: there is no `Nope` in a value of type HookData"),
        ("send-after-fail", "{{ .Error.Code }}", "1: there is no `Code` in a value of type Error"),
        ("send-finally", "{% if error.message %}\n{{ nope }}{% endif %}", "2: 'nope' is undefined"),
        ("send-before", "{{ if }}", "1: `}}` in if, where a value should be"),
    ],
)
def test_a_mistake_in_the_template_of_a_body_is_found(project, check, stage, body, text):
    project.write("body", body)
    project.write("key", "secret").chmod(0o600)
    hook = f"    snapshots: {{{stage}: {{url: 'http://h', body-template: body}}}}\n"
    [found] = check(HEAD + "    password-file: key\n" + hook)
    assert found.startswith(f"error: body:{text}")


def test_a_template_of_a_body_that_works_is_right(project, check):
    project.write(
        "body.j2",
        "{{ error.message | tojson }}{% if report.summary %}{{ report.summary.files_new }}"
        "{% endif %}{{ report.outcome }}{{ profile_name }}{{ tempFile('x') }}{{ now.year }}",
    )
    project.write("key", "secret").chmod(0o600)
    hook = "    backup: {send-finally: {url: 'http://h', body-template: body.j2}, source: [key]}\n"
    assert check(HEAD + "    password-file: key\n" + hook) == ["no problems found"]


def test_a_mistake_in_the_template_of_a_unit_is_found(project, check):
    project.write("unit", "[Service]\nExecStart={{ .CommandLines }}\n")
    project.write("timer", "{{ range .OnCalendar }}OnCalendar={{ . }}\n{{ end }}{{ .Hostname }}")
    project.write("key", "secret").chmod(0o600)
    text = "global: {systemd-unit-template: unit, systemd-timer-template: timer}\n"
    [found] = check(text + HEAD + "    password-file: key\n")
    assert found.endswith("`CommandLines` in a value of type UnitData; did you mean `CommandLine`?")
    assert found.startswith(f"error: {project.path}/unit:2: ")


def test_all_problems_of_all_files_are_found_in_one_go(project, check):
    project.write("more.toml", '[profiles.extra]\nrepositry = "/x"\n').chmod(0o600)
    found = check("""\
version: "2"
includes: [more.toml, "nope/*"]
global:
  initialize: maybe
  prioriti: low
groups:
  all: {profiles: [hmoe, home]}
profiles:
  home:
    inherit: bsae
    use: [nomixin]
    verbose: very
    password-file: nokey
    backup:
      source: [/no/such/source, "/etc/*.nope"]
      exlude: [a]
      schedule: "2021-02-30"
      files-from: nofile
      send-after:
        - {method: GET}
        - {url: http://h, body-template: notemplate}
      send-finally: {url: ""}
    retention: {after-backup: true}
  base: {lock: /l}
""")
    assert found == [
        "error: more.toml:2: extra.repositry: unknown key; did you mean `repository`?",
        "warning: profiles.yaml:2: includes: nothing matches `nope/*`",
        "error: profiles.yaml:4: global.initialize: `maybe` is neither true nor false",
        "error: profiles.yaml:5: global.prioriti: unknown key; did you mean `priority`?",
        (
            "error: profiles.yaml:7: groups.all.profiles[0]: there is no profile `hmoe`; "
            "did you mean `home`?"
        ),
        (
            "error: profiles.yaml:10: home.inherit: there is no profile `bsae` to inherit from; "
            "did you mean `base`? (home → bsae)"
        ),
        "error: profiles.yaml:11: home.use: undefined mixin `nomixin`; there are: none",
        "error: profiles.yaml:12: home.verbose: `very` is not a whole number",
        "error: profiles.yaml:13: home.password-file: `nokey` does not exist",
        "error: profiles.yaml:15: home.backup.source[0]: `/no/such/source` does not exist",
        "error: profiles.yaml:15: home.backup.source[1]: `/etc/*.nope` matches nothing",
        "error: profiles.yaml:16: home.backup.exlude: unknown key; did you mean `exclude`?",
        "error: profiles.yaml:17: home.backup.schedule: `2021-02-30` never elapses",
        "error: profiles.yaml:18: home.backup.files-from: `nofile` does not exist",
        (
            "error: profiles.yaml:20: home.backup.send-after[0]: `url` is missing; "
            "the request is never sent"
        ),
        (
            "error: profiles.yaml:21: home.backup.send-after[1].body-template: "
            "`notemplate` does not exist"
        ),
        (
            "error: profiles.yaml:22: home.backup.send-finally: `url` is missing; "
            "the request is never sent"
        ),
        "warning: profiles.yaml:23: home.retention: has no `keep-*` rule, so it keeps everything",
    ]


def test_what_is_inherited_is_told_once_and_where_it_was_written(check):
    found = check("""\
version: "1"
a-child: {inherit: base}
base:
  repository: /r
  exlude: x
  verbose: very
  inherit: nope
b-child: {inherit: a-child}
""")
    assert found == [
        "error: profiles.yaml:5: base.exlude: unknown key; did you mean `exclude`?",
        "error: profiles.yaml:6: base.verbose: `very` is not a whole number",
        (
            "error: profiles.yaml:7: base.inherit: "
            "there is no profile `nope` to inherit from (base → nope)"
        ),
    ]


def test_circles_are_told_with_their_chain(check):
    found = check("a: {inherit: b}\nb: {inherit: c}\nc: {inherit: a}\n")
    assert "profiles.yaml:1: a.inherit: goes in a circle" in " ".join(found)
    assert "(a → b → c → a)" in " ".join(found)


def test_a_template_that_fails_for_one_profile_only_is_found(check):
    found = check("""\
a: {repository: /r}
b:
  repository: /r
  {{ if eq .Profile.Name "b" }}
  lock: "{{ .Nope }}"
  {{ end }}
""")
    assert found == ["error: profiles.yaml:5: there is no `Nope` in a value of type ConfigData"]


def test_lines_are_those_of_the_file_also_behind_a_loop(check):
    found = check("""\
{{ range list "a" "b" "c" }}
{{ . }}:
  repository: /r
{{ end }}
last:
  repositry: /r
""")
    assert found == [
        "error: profiles.yaml:6: last.repositry: unknown key; did you mean `repository`?"
    ]


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("    stream-error: {pattern: '(', run: x}", "home.stream-error.pattern: `(` is not a"),
        ("    backup: {source: $NOPE_NOPE}", "home.backup.source: a source is empty"),
        ("    backup: {source: '[x'}", "home.backup.source: `[x` is not a pattern"),
        ("    env-file: nope", "warning: profiles.yaml:5: home.env-file: `nope` does not exist"),
        ("    cacert: nope.pem", "home.cacert: `nope.pem` does not exist"),
        ("    snapshots: {cacert: nope.pem}", "home.snapshots.cacert: `nope.pem` does not exist"),
        ("    copy: {password-file: nope}", "home.copy.password-file: `nope` does not exist"),
        ("    base-dir: nope", "home.base-dir: "),
        ("    forget: {schedule: daily}", "home.forget: has no `keep-*` rule"),
        ("    retention: {before-backup: true, keep-last: 0}", "home.retention: has no `keep-*`"),
        ("    retention: {after-backup: true, keep-lats: 3}", "home.retention: has no `keep-*`"),
        ("    retention: {after-backup: true, keep-last: -1}", "`keep-last = -1` keeps everything"),
        ("    backup: {schedule: sometimes}", "home.backup.schedule: `sometimes`"),
        ("    backup: {schedule: {att: daily}}", "home.backup.schedule: `at` is missing"),
        (
            "    backup: {schedule-permision: user}",
            "home.backup.schedule-permision: unknown key; did you mean `schedule-permission`?",
        ),
        (
            "    backup: {schedule: daily, schedule-lock-mode: x}",
            "home.backup.schedule-lock-mode: `x` is not one of",
        ),
        ("    password-file: /", "home.password-file: `/` is a directory"),
        ("    backup: {exclude-file: /}", "home.backup.exclude-file: `/` is a directory"),
        ("    prometheus-push: somewhere", "home.prometheus-push: is not a URL"),
        ("    check: {send-after: {url: 'ftp://h'}}", "home.check.send-after.url: is not a URL"),
        ("    limit-upload: fast", "home.limit-upload: `fast` is not a number"),
        ("    forget: {keep-last: few}", "home.forget.keep-last: `few` is not a number"),
        ("global: {shell: nosuchsh}", "error: profiles.yaml:5: global.shell: no shell found"),
        ("global: {restic-binary: /nope}", "`/nope` is not a program"),
        ("global: {restic-version: new}", "global.restic-version: `new` is not a version"),
        ("global: {command-output: 'log,consol'}", "`consol` is not one of `auto`, `log`"),
        ("    backup: {schedule: {at: daily, command-output: x}}", "`x` is not one of `auto`"),
        ("global: {nice: 99}", "error: profiles.yaml:5: global.nice: 99 is not from -20 to 19"),
        ("    env: {MY_TOKEN: []}", "home.env.MY_TOKEN: expected a single value"),
        ("    password-command: {file: nope}", "the file `nope` of this secret does not exist"),
        ("    password-command: {env: NOPE_NOPE}", "`NOPE_NOPE` of this secret is not set here"),
        ("    monitor: {healthchecks: {url: https://h/x, ca-certificates: nope}}", "`nope` does"),
    ],
)
def test_things_that_are_likely_to_be_wrong(check, text, finding):
    assert finding in "\n".join(check(HEAD + text + "\n"))


def test_a_retention_that_never_runs_is_told(check):
    """Version 1 runs it when it is told so, and only then."""
    text = "home:\n  repository: /r\n  retention: {keep-last: 3}\n"
    never = "warning: profiles.yaml:3: home.retention: never runs; set `after-backup = true`"
    assert check(text) == [never]


def test_schedules_are_checked_although_nobody_knows_the_scheduler(check):
    text = HEAD + "    backup: {schedule: '*-02-30'}\nglobal: {scheduler: atd}\n"
    assert [line.partition(": ")[2].partition(": ")[0] for line in check(text)] == [
        "profiles.yaml:5",
        "profiles.yaml:6",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "    backup: {source: [/etc], files-from: '-'}",
        "    retention: {after-backup: true, keep-last: 3}",
        "    retention: {keep-tag: x}",
        "    retention: {after-backup: false, keep-tag: x}",
        "    backup: {schedule: {env: HOME}, schedule-log: {env: HOME}}",
        "    forget: {run-before: x, keep-last: unlimited, keep-daily: $DAYS}",
        "    limit-upload: {env: HOME}\n    prometheus-push: {env: HOME}",
        "    check: {send-after: [{url: HTTPS://h}, {url: $PING_URL}, {url: {env: HOME}}]}",
        "    lock: /nope/lock\n    cache-dir: /nope\n    status-file: /nope",
        "    password-command: {command: 'touch was-run'}",
    ],
)
def test_things_that_are_right(project, check, text):
    assert check(HEAD + text + "\n") == ["no problems found"]
    assert not (project.path / "was-run").exists()


def test_the_shared_part_is_checked_too(check):
    found = check("""\
version: "2"
global:
  scheduler: systmd
  systemd-unit-template: nope.tmpl
  ca-certificates: [nope.pem]
groups:
  all:
    profiles: [home]
    schedules: {backup: {at: sometimes}}
profiles:
  home: {repository: /r}
""")
    assert [line.split(": ")[2] for line in found] == [
        "global.scheduler",
        "global.systemd-unit-template",
        "global.ca-certificates[0]",
        "groups.all.schedules.backup",
    ]
    found = check('version: "2"\ngroups: {all: {profiles: [], schedules: {check: {at: x}}}}\n')
    assert "groups.all: names no profile" in "\n".join(found)
    assert "groups.all.schedules.check: `x` is not" in "\n".join(found)


SECRET = """\
version: "1"
home:
  repository: rest:https://me:hunter2@localhost/
  env: {RESTIC_PASSWORD: hunter2}
"""


def test_secrets_that_everybody_can_read_are_told(project, check):
    text = "can be read by everybody; chmod 600 it"
    found = check(SECRET, mode=0o644)
    assert found == [
        (
            f"warning: profiles.yaml:3: home.repository: holds a secret and {text}, "
            "or refer to the secret"
        )
    ]
    assert check(SECRET, mode=0o600) == ["no problems found"]
    project.write("key", "x").chmod(0o644)
    other = 'version: "1"\nhome: {repository: /r, password-file: key}\n'
    assert check(other, mode=0o644) == [
        f"warning: profiles.yaml:2: home.password-file: `key` {text}"
    ]
    for harmless in ("repository: {env: HOME}", 'repository: "{{ .Env.HOME }}:x:y@z"'):
        assert check(f"home:\n  {harmless}\n", mode=0o644) == ["no problems found"]


@pytest.mark.parametrize(
    ("key", "harmless", "secret"),
    [
        ("env-file", "A=1", "A_TOKEN=x"),
        ("repository-file", "rest:http://h/", "rest:http://me:pw@h/"),
        ("copy: {from-password-file", "", None),
        ("snapshots: {password-file", "", None),
    ],
)
def test_files_with_secrets_are_looked_at(project, check, key, harmless, secret):
    end = "}" if "{" in key else ""
    text = f"{HEAD}    {key}: file{end}\n"
    file = project.write("file", harmless)
    file.chmod(0o644)
    if secret is not None:
        assert check(text) == ["no problems found"]
        file.write_text(secret)
    [found] = check(text)
    assert found.startswith("warning: profiles.yaml:5: home.")
    assert found.endswith("file` can be read by everybody; chmod 600 it")


@pytest.mark.parametrize(
    "secret",
    [
        "send-before: [{url: 'https://h/x?token=abc'}]",
        "send-before: [{url: 'https://h/x', headers: [{name: X-Key, value: abc}]}]",
        "monitor: {ntfy: {topic: x, access-token: abc}}",
        "monitor: {healthchecks: 'https://hc/831e288e-1293-46f8-ac31-70ea7f875650'}",
    ],
)
def test_urls_headers_and_keys_of_monitors_are_secrets_as_well(check, secret):
    text = f"home:\n  repository: /r\n  backup: {{source: /etc, {secret}}}\n"
    assert "holds a secret" in " ".join(check(text, mode=0o644))


def test_an_empty_configuration_is_strange(check):
    assert check("") == ["warning: profiles.yaml: there are no profiles"]


def test_a_file_that_is_not_there_is_an_error(project):
    outcome = project.run("-c", "nope.yaml", "check-config").expect(78)
    assert "no configuration file `nope.yaml`" in outcome.out


def test_machines_get_the_same(project):
    project.write("profiles.yaml", "home:\n  repositry: x\n").chmod(0o600)
    found = json.loads(project.run("check-config", "--json").expect(78).out)
    assert found == [
        {
            "file": "profiles.yaml",
            "line": 2,
            "key": "home.repositry",
            "text": "unknown key; did you mean `repository`?",
            "severity": "error",
        }
    ]


def test_a_run_tells_unknown_keys_and_goes_on(project, fake_restic):
    project.write("profiles.yaml", "default: {repository: /r, snapshots: {compcat: true}}")
    outcome = project.run("snapshots").expect(0)
    assert (
        "profiles.yaml:1: default.snapshots.compcat: unknown key; did you mean `compact`?"
        in outcome.err
    )
    assert [call.command for call in fake_restic.calls] == ["snapshots"]
