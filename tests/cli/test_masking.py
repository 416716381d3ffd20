"""Secrets in every place where the reference shows them are searched for in all that we print."""

from __future__ import annotations

import json

import pytest

PLANTED = {
    "variable": "plant-variable-01",  # the repository comes out of `$VARIABLES`
    "destination": "plant-destination-02",
    "source": "plant-source-03",
    "of-section": "plant-section-04",
    "authorization": "plant-authorization-05",
    "other-header": "plant-header-06",
    "cookie": "plant-cookie-07",
    "user-of-url": "plant-userinfo-08",
    "path-of-url": "Plant0Token0In0The0Path09",
    "query-of-url": "plant-query-10",
    "body": "plant-body-11",
    "body-lines": "plant-lines-12",
    "password": "plant-password-13",
    "pass": "plant-pass-14",
    "credentials": "plant-credentials-15",
    "key": "plant-key-16",
    "auth": "plant-auth-17",
    "proxy": "plant-proxy-18",
    "second-proxy": "plant-second-19",  # not only the first in a value
    "push": "plant-push-20",
    "push-token": "Plant0Push0Token0Plant21",
    "option": "plant-option-22",
    "password-command": "plant-command-23",
    "hook-line": "plant-line-24",
    "bearer-in-hook": "plant-bearer-25",
    "by-env": "plant-by-env-26",
    "by-file": "plant-by-file-27",
    "by-command": "plant-by-command-28",
    "repository-by-file": "plant-repository-29",
    "in-mixin": "plant-mixin-30",
    "in-include": "plant-include-31",
    "unused-mixin": "plant-unused-32",
    "plain-key-by-env": "plant-plain-33",
    "flag-by-env": "plant-flag-34",
    "alert": "plant-alert-35",
    "stream": "plant-stream-36",
    "comment": "plant-comment-37",
    "url-in-hook": "9dead123-plant-4a5b-url0-000000000038",
    "user-in-hook": "plant-user-39",
    "variable-in-hook": "plant-variable-40",
    "url-on-error": "9dead123-plant-4a5b-url0-000000000041",
    "sas": "plant-sas-42",
    "flag-by-command": "plant-flag-43",
    "in-template": "plant-template-44",
}

PROFILES = """\
version: "2"
includes: more.yaml
# the old one was password={comment}
{{{{ $host := .Hostname }}}}
mixins:
  alarm:
    send-after-fail...:
      - url: "https://alarm.example/$room?token={in-mixin}"
  unused:
    headers:
      - name: X-Api-Key
        value: {unused-mixin}
profiles:
  default:
    description: "{{{{ .Profile.Name }}}} on {{{{ $host }}}}"
    repository: "rest:https://me:${{PLANTED_VARIABLE}}@localhost:9/"
    password-command: "echo {password-command}"
    option:
      - "s3.secret-key={option}"
      - {{ env: PLANTED_FLAG }}
      - {{ command: "echo {flag-by-command}" }}
    key-hint: {{ env: PLANTED_PLAIN }}
    run-before:
      - "true || curl -d token={hook-line} -H 'Authorization: Bearer {bearer-in-hook}' https://h"
      - "B2_ACCOUNT_KEY={variable-in-hook} true -u me:{user-in-hook} https://h/{url-in-hook}"
    run-after: "notify {{{{ .Env.PLANTED_TOKEN }}}}"
    on-error: "false https://h/{url-on-error}"
    prometheus-push: "https://me:{push}@localhost:9/{push-token}"
    stream-error: {{ pattern: x, run: "curl https://me:{stream}@localhost:9" }}
    env:
      RESTIC_PASSWORD: {password}
      db_pass: {pass}
      My_Credentials: {credentials}
      AWS_SECRET_ACCESS_KEY: {key}
      AZURE_ACCOUNT_SAS: {sas}
      REGISTRY_AUTH: "registry://me:{auth}@host"
      http_proxy: "http://me:{proxy}@localhost:9 http://you:{second-proxy}@localhost:9"
      BY_COMMAND_TOKEN: {{ command: "echo {by-command}" }}
    backup:
      source: [.]
      use: {{ name: alarm, room: kitchen }}
      send-before:
        - url: "https://me:{user-of-url}@localhost:9/{path-of-url}?room=a&token={query-of-url}"
          method: POST
          headers:
            - {{ name: Authorization, value: "Bearer {authorization}" }}
            - {{ name: X-Api-Key, value: "{other-header}" }}
            - {{ name: X-By-Env, value: {{ env: PLANTED_BY_ENV }} }}
          body: '{{"secret": "{body}"}}'
    snapshots:
      repository: "rest:https://me:{of-section}@localhost:9/"
      send-after:
        - url: "https://localhost:9/x"
          headers: [{{ name: Cookie, value: "{cookie}" }}]
          body: |
            one line
            and {body-lines} in another
    init:
      from-repository: "rest:https://me:{source}@localhost:9/"
    copy:
      repository: "rest:https://me:{destination}@localhost:9/"
      password-command: {{ file: by-file }}
  other:
    inherit: default
    repository: {{ file: repository }}
"""
MORE = """\
profiles:
  default:
    backup:
      send-finally:
        - url: "https://alert.example/{alert}?key={in-include}"
"""

COMMANDS = [
    ("show",),
    ("show", "--json"),
    ("show", "--explain"),
    ("show", "--explain", "--json"),
    ("profiles",),
    ("profiles", "--json"),
    ("check-config",),
    ("check-config", "--json"),
    ("--dry-run", "backup"),
    ("--dry-run", "copy"),
    ("--dry-run", "init"),
    ("--dry-run", "snapshots"),
    ("--trace", "--dry-run", "backup"),
    ("--verbose", "snapshots"),
    ("--trace", "backup"),
    ("--trace", "backup", "--dry-run"),
    ("--trace", "copy"),
    ("--trace", "init"),
    ("help", "backup"),
    ("help", "copy"),
    ("--trace", "complete", "bash:v1", "__POS:2", "resticprof", "-n", ""),
]


@pytest.fixture
def planted(project, fake_restic):
    project.write("profiles.yaml", PROFILES.format(**PLANTED)).chmod(0o600)
    project.write("more.yaml", MORE.format(**PLANTED)).chmod(0o600)
    project.write("by-file", PLANTED["by-file"] + "\n").chmod(0o600)
    repository = f"rest:https://me:{PLANTED['repository-by-file']}@localhost:9/"
    project.write("repository", repository).chmod(0o600)
    project.env |= {
        "PLANTED_VARIABLE": PLANTED["variable"],
        "PLANTED_FLAG": PLANTED["flag-by-env"],
        "PLANTED_TOKEN": PLANTED["in-template"],
        "PLANTED_PLAIN": PLANTED["plain-key-by-env"],
        "PLANTED_BY_ENV": PLANTED["by-env"],
    }
    printed = f"Fatal: {PLANTED['flag-by-command']} {PLANTED['by-env']} is wrong"
    fake_restic.answer("backup", code=1, err=(printed,))
    return project


def leaks(text):
    return sorted(name for name, word in PLANTED.items() if word in text)


@pytest.mark.parametrize("profile", ["default", "other"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_nothing_that_is_printed_holds_a_secret(planted, profile, words):
    outcome = planted.run("--name", profile, *words, timeout=90)
    assert (leaks(outcome.out), leaks(outcome.err)) == ([], [])
    assert outcome.code in (0, 1, 78), outcome.err


def test_the_outputs_that_were_searched_say_something(planted):
    assert "rest:https://me:×××@localhost:9/" in planted.run("show").expect(0).out
    assert "room=" in planted.run("--dry-run", "backup").expect(0).out
    assert "profiles.yaml after its templates" in planted.run("--trace", "backup").err
    assert json.loads(planted.run("show", "--json").expect(0).out)


@pytest.mark.parametrize(
    "words",
    [
        ("--dry-run", "backup", "-r", "rest:http://me:plant@h/"),
        ("--trace", "backup", "--password-command", "echo plant"),
        ("--config", "http://me:plant@h/file", "show"),
        ("--name", "rest:http://me:plant@h/", "show"),
        ("--log", "other://me:plant@h", "snapshots"),
    ],
    ids=" ".join,
)
def test_words_that_were_typed_are_masked(project, fake_restic, words):
    project.write("profiles.toml", '[default.backup]\nsource = "."\n')
    outcome = project.run(*words)
    assert "×××" in outcome.out + outcome.err
    assert "plant" not in outcome.out + outcome.err


def test_no_secret_is_in_the_command_line_of_restic(planted, fake_restic):
    for command in ("backup", "copy", "init", "snapshots"):
        planted.run(command)
        planted.run("--name", "other", command)
    typed = {"password-command", "by-file", "option", "plain-key-by-env"}
    typed |= {"flag-by-env", "flag-by-command"}
    assert len(fake_restic.calls) >= 8
    for call in fake_restic.calls:
        assert set(leaks(" ".join(call.argv))) <= typed, call.argv


@pytest.mark.parametrize(
    "broken",
    [
        "    env: {password}",
        "    send-before: https://me:{user-of-url}@localhost/",
        "    repository: ['rest:https://me:{source}@h/']",
        "    priority: {{ env: PLANTED_PLAIN }}\n    verbose: {{ env: PLANTED_PLAIN }}",
        "    password-command: {{ command: 'echo {by-command}; false' }}",
        '    backup: {{ send-before: [{{ url: "{path-of-url}", body: [{body}] }}] }}',
        "   broken: [{password}",
        '    repository: "rest:https://me:{user-of-url}@host {{{{ nosuch }}}}"',
    ],
)
def test_no_mistake_repeats_a_secret(project, fake_restic, broken):
    text = 'version: "2"\nprofiles:\n  default:\n' + broken.format(**PLANTED)
    project.write("profiles.yaml", text)
    project.env["PLANTED_PLAIN"] = PLANTED["plain-key-by-env"]
    for words in (("check-config",), ("show",), ("--trace", "backup"), ("show", "--explain")):
        outcome = project.run(*words)
        assert (words, leaks(outcome.out), leaks(outcome.err)) == (words, [], [])
        assert "Traceback" not in outcome.err


def test_looking_follows_no_reference(project, fake_restic):
    project.write(
        "profiles.toml",
        """
        [global]
        min-memory = { command = "touch memory-was-asked; echo 0" }
        scheduler = { command = "touch scheduler-was-asked; echo crond" }
        shell = [{ command = "touch shell-was-asked; echo sh" }]
        [groups]
        all = [{ command = "touch group-was-asked; echo default" }]
        [default]
        repository = { command = "touch repository-was-asked; echo local:/r" }
        key-hint = { command = "touch hint-was-asked; echo hint" }
        [default.env]
        TOKEN = { command = "touch token-was-asked; echo t" }
        """,
    )
    for words in (*COMMANDS[:8], COMMANDS[-1]):
        project.run(*words).expect(0)
    assert not list(project.path.glob("*-was-asked"))
    for words in COMMANDS[8:10]:
        project.run(*words).expect(0)
    asked = {path.name.partition("-")[0] for path in project.path.glob("*-was-asked")}
    assert asked <= {"memory", "scheduler", "shell", "group"}


def test_a_reference_is_followed_once(project, fake_restic):
    project.write(
        "profiles.toml",
        """
        [default]
        repository = { command = "echo x >>asked; echo local:/r" }
        run-before = "true"
        [default.backup]
        source = "."
        check-before = true
        check-after = true
        """,
    )
    project.run("backup").expect(0)
    assert len((project.path / "asked").read_text().split()) == 1
