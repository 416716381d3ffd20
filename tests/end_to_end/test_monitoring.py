"""Monitoring as a user meets it: the program, services on the loopback, and what can go wrong."""

from __future__ import annotations

import gzip
import json
import os
import signal
import time

import pytest

from resticprof.runs import locate
from resticprof.system import lock
from tests.kit import broken, namespaces
from tests.kit.watched import Watched, wait_for


@pytest.fixture
def scene(project, fake_restic, server):
    return Watched(project, fake_restic, server)


def stop(process, number):
    """Send a signal and wait; exit status and what was said."""
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out + err


# ---- one last word --------------------------------------------------------------------------


def test_a_good_run_is_a_start_and_a_finish(scene):
    scene.configure()
    scene.run("-n", "home", "backup").expect(0)
    assert scene.heartbeats == ["/start", ""]
    assert [title.partition(" on ")[0] for title in scene.titles] == [
        "backup home started",
        "backup home finished",
    ]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_restic_runs_is_a_failure(scene, number):
    scene.configure()
    scene.restic.answer("backup", delay=20)
    process = scene.start("-n", "home", "backup")
    scene.restic.wait_for_call("backup")
    code, _ = stop(process, number)
    assert code == 128 + number
    assert scene.heartbeats == ["/start", "/fail"]
    assert len(scene.titles) == 2


@pytest.mark.parametrize(
    ("hooks", "started"),
    [
        ('run-before = "touch here; sleep 20"', []),
        ('[home.backup]\nrun-before = "touch here; sleep 20"', ["/start"]),
        ('run-after = "touch here; sleep 20"', ["/start"]),
    ],
)
def test_a_signal_during_a_hook_is_a_failure(scene, hooks, started):
    scene.configure(hooks)
    process = scene.start("-n", "home", "backup")
    wait_for((scene.path / "here").exists)
    code, _ = stop(process, signal.SIGTERM)
    assert code == 143
    assert scene.heartbeats == [*started, "/fail"]


def test_a_signal_while_waiting_for_the_lock_is_a_failure(scene):
    scene.configure('lock = "home.lock"')
    with lock.hold(str(scene.path / "home.lock")):
        process = scene.start("--lock-wait", "1m", "-n", "home", "backup")
        time.sleep(1.5)
        code, _ = stop(process, signal.SIGTERM)
    assert code == 143
    assert scene.heartbeats == ["/fail"]


def test_a_second_signal_ends_the_wait_for_dead_services(scene):
    with broken.Broken(broken.hang) as server:
        scene.configure(monitor=f'cronitor = {{ url = "{server.url}/x", timeout = "30s" }}')
        scene.restic.answer("backup", delay=20)
        process = scene.start("-n", "home", "backup")
        scene.restic.wait_for_call("backup")
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        wait_for(lambda: scene.heartbeats == ["/start", "/fail"])
        code, said = stop(process, signal.SIGINT)
    assert code == 130
    assert "cronitor: `fail` was not delivered: interrupted" in said
    assert time.monotonic() - began < 10


def test_without_restic_the_run_fails_for_everybody_to_know(scene):
    if refused := namespaces.refused():
        pytest.skip(f"restic cannot be hidden here: {refused}")
    scene.configure()
    (scene.project.bin / "restic").unlink()
    scene.project.wrapper = namespaces.hiding(*locate.PLACES)
    assert scene.run("-n", "home", "backup").code != 0
    assert scene.heartbeats == ["/fail"]


def test_a_broken_profile_is_told_to_those_that_can_be_known(scene):
    scene.configure('retry-wait = "soon"', monitor='nfty = "t"\ncronitor = { retries = 1 }')
    outcome = scene.run("-n", "home", "backup").expect(78)
    assert "home.monitor.nfty: unknown key; did you mean `ntfy`?" in outcome.err
    assert "home.monitor.cronitor: `url` is missing" in outcome.err
    assert scene.heartbeats == ["/fail"]
    assert len(scene.titles) == 1


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "min-memory = 0",
            'min-memory = "low"',
            "profiles.toml:4: global.min-memory: `low` is not",
        ),
        ('version = "1"', 'includes = "broken.yaml"', "broken.yaml:1: cannot be read as YAML"),
        ("[home]", "[groups]\nother = [[1]]\n[home]", "profiles.toml:6: groups.other"),
    ],
)
def test_a_mistake_that_is_not_of_the_profile_is_told_as_well(scene, old, new, told):
    scene.configure()
    scene.write("broken.yaml", "a: [")
    scene.replace(old, new)
    assert told in scene.run("-n", "home", "backup").expect(78).err
    assert scene.heartbeats == ["/fail"]
    assert not scene.restic.calls


def test_a_name_that_may_stand_in_a_broken_file_is_not_said_to_be_unknown(scene):
    scene.configure()
    scene.write("broken.yaml", "a: [")
    scene.replace('version = "1"', 'includes = "broken.yaml"\ngroups = { all = [{}] }')
    for name in ("other", "all"):
        outcome = scene.run("-n", name, "backup").expect(78)
        assert "broken.yaml:1: cannot be read as YAML" in outcome.err


def test_a_mistake_of_ours_is_a_failure(scene):
    scene.configure()
    scene.write(
        "broken/sitecustomize.py",
        "import subprocess\n"
        "start = subprocess.Popen.__init__\n"
        "def fail(self, *words, **options):\n"
        "    if 'backup' in str(words): raise RuntimeError('injected')\n"
        "    start(self, *words, **options)\n"
        "subprocess.Popen.__init__ = fail\n",
    )
    path = f"{scene.path}/broken:{scene.project.env['PYTHONPATH']}"
    outcome = scene.run("-n", "home", "backup", env={"PYTHONPATH": path}).expect(70)
    assert "injected" in outcome.err
    assert scene.heartbeats == ["/start", "/fail"]


def test_checks_inside_a_backup_are_steps_and_not_runs(scene):
    scene.configure(
        '[home.backup]\ncheck-after = true\nsource = ["."]\n'
        f'[home.check.monitor]\nhealthchecks = "{scene.server.url}/check/slug"',
    )
    scene.run("-n", "home", "backup").expect(0)
    assert [call.command for call in scene.restic.calls] == ["backup", "check"]
    assert not any("/check/" in line for line in scene.server.lines)
    scene.run("-n", "home", "check").expect(0)
    assert any("/check/slug/start" in line for line in scene.server.lines)


def test_a_restore_is_told_to_those_that_its_section_names(scene):
    scene.configure('[home.restore.monitor.ntfy]\nstates = ["finish"]\ntopic = "restores"')
    scene.run("-n", "home", "snapshots").expect(0)
    assert scene.server.requests == []
    scene.run("-n", "home", "restore", "latest").expect(0)
    [request] = scene.server.requests
    assert json.loads(request.body)["topic"] == "restores"


def test_hcl_blocks_are_told_as_well(scene):
    scene.write(
        "profiles.hcl",
        f"""
global {{
  min-memory = 0
}}
home {{
  repository = "local:/nowhere"
  password-command = "echo x"
  monitor {{
    healthchecks {{
      url = "{scene.server.url}/hc/slug"
      run-id = false
    }}
  }}
  prune {{
    monitor {{
      healthchecks = false
    }}
  }}
}}
""",
    )
    scene.run("-c", "profiles.hcl", "-n", "home", "backup").expect(0)
    scene.run("-c", "profiles.hcl", "-n", "home", "prune").expect(0)
    assert scene.heartbeats == ["/start", ""]


# ---- never in the way -----------------------------------------------------------------------


def test_dead_services_neither_delay_restic_nor_change_how_it_ends(scene):
    with broken.dead() as addresses:
        more = "\n".join(
            f'[[home.monitor.cronitor]]\nurl = "{url}/x"\ntimeout = "1s"' for url in addresses
        )
        scene.configure(monitor=more)
        for code in (0, 1):
            scene.restic.answer("backup", code=code, nth=code + 1)
            began = time.monotonic()
            process = scene.start("-n", "home", "backup")
            wait_for(lambda code=code: len(scene.restic.calls) > code)
            _, err = process.communicate(timeout=30)
            assert process.returncode == code
            assert time.monotonic() - began < 6
            told = [line for line in err.splitlines() if "was not delivered" in line]
            state = "fail" if code else "finish"
            assert len([line for line in told if f"`{state}`" in line]) == 3
            assert all("/x" not in line for line in told)
    assert scene.heartbeats == ["/start", "", "/start", "/fail"]


def test_a_private_authority_and_a_client_certificate(scene, tls_server, certificates):
    tls_server.ask_for_client_certificate()
    tls = f"""
[home.monitor.uptime-kuma]
url = "{tls_server.url}/api/push/abcd1234"
ca-certificates = ["{certificates}/ca.pem"]
tls = {{ cert_path = "{certificates}/client.pem", key_path = "{certificates}/client.key" }}
"""
    scene.configure(monitor=tls)
    scene.run("-n", "home", "backup").expect(0)
    assert [request.path for request in tls_server.requests] == ["/api/push/abcd1234"] * 2


# ---- what is told ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "said"),
    [("/no/such*", ()), ("$NOWHERE", ()), ("/gone", ("/gone does not exist, skipping",))],
)
@pytest.mark.parametrize(("tolerant", "told"), [("false", "/fail"), ("true", "")])
def test_a_source_that_leads_nowhere_is_a_warning(scene, source, said, tolerant, told):
    """restic before 0.19 calls that a success; hooks and exit status stay as it says."""
    backup = f'source = ["/etc", "{source}"]\nno-error-on-warning = {tolerant}'
    scene.configure(f'[home.backup]\n{backup}\nrun-after = "touch done"')
    scene.restic.answer("backup", err=said)
    outcome = scene.run("-n", "home", "backup").expect(0)
    assert scene.heartbeats == ["/start", told]
    assert "backup home: WARNING (1 item could not be read)" in outcome.err
    assert (scene.path / "done").exists()


@pytest.mark.parametrize(
    ("verbosity", "there", "missing"),
    [
        ("-1", [], ["of restic", "of a hook", "warning of restic"]),
        ("2", ["of restic", "of a hook", "starting: "], []),
    ],
)
def test_the_verbosity_of_the_command_line_decides_what_is_in_the_log(
    scene, verbosity, there, missing
):
    scene.configure('run-before = "echo a line of a hook"')
    scene.restic.answer("backup", out=("a line of restic",), err=("a warning of restic",))
    scene.run("--monitoring-verbosity", verbosity, "-n", "home", "backup").expect(0)
    body = next(r.text for r in scene.server.requests if r.path == "/hc/slug")
    assert body.startswith("backup home: OK in ")
    assert [word for word in there if word not in body] == []
    assert [word for word in missing if word in body] == []


@pytest.mark.parametrize("option", [["--no-monitor"], ["--monitoring-verbosity", "-2"]])
def test_a_run_in_silence(scene, option):
    scene.configure()
    scene.run(*option, "-n", "home", "backup").expect(0)
    assert scene.server.requests == []


def test_a_dry_run_of_ours_shows_what_would_be_told(scene):
    scene.configure()
    outcome = scene.run("-n", "home", "--dry-run", "backup").expect(0)
    assert scene.server.requests == []
    assert scene.restic.calls == []
    url = scene.server.url
    assert f"dry-run: healthchecks: start: POST {url}/×××/start" in outcome.out
    assert f"dry-run: on failure: healthchecks: fail: POST {url}/×××/fail" in outcome.out
    assert f"dry-run: on failure: ntfy: fail: POST {url}\n" in outcome.out


def test_a_dry_run_of_restic_shows_what_would_be_told(scene):
    scene.configure()
    outcome = scene.run("-n", "home", "backup", "--dry-run").expect(0)
    assert scene.server.requests == []
    assert len(scene.restic.calls) == 1
    shown = [line for line in outcome.err.splitlines() if "dry-run: healthchecks: POST" in line]
    assert [line.rpartition("×××")[2] for line in shown] == ["/start", ""]


def test_on_error_gets_its_values_quoted(scene):
    nasty = """it's "$(touch gone)" `touch gone`; \\ ${HOME} é"""
    script = scene.project.program("alert", '#!/bin/sh\nprintf "%s\\n" "$#" "$@" > alert.txt\n')
    lines = f'''
on-error = ["{script} {{configuration_filename}} {{repository}} {{error}} {{output}} {{command}}",
            "echo \\\\{{error\\\\}} {{nonsense}} > literal.txt", "exit 75"]
'''
    scene.configure(lines)
    scene.restic.answer("backup", code=1, err=(nasty,))
    outcome = scene.run("-n", "home", "backup").expect(1)
    words = (scene.path / "alert.txt").read_text().splitlines()
    assert words == [
        "5",
        str(scene.path / "profiles.toml"),
        "local:/nowhere",
        "backup on profile 'home': exit status 1",
        nasty,
        "backup",
    ]
    assert not (scene.path / "gone").exists()
    assert (scene.path / "literal.txt").read_text() == "{error} {nonsense}\n"
    assert "on-error: unknown variable `{nonsense}`" in outcome.err


@pytest.mark.parametrize(
    ("command", "words", "runs"),
    [("backup", (), True), ("snapshots", (), False), ("backup", ("--dry-run",), False)],
)
def test_on_error_runs_for_the_commands_that_are_reported(scene, command, words, runs):
    scene.configure('on-error = "touch alarmed"')
    scene.restic.answer(command, code=1)
    scene.run("-n", "home", command, *words).expect(1)
    assert (scene.path / "alarmed").exists() is runs


# ---- a run that is killed -------------------------------------------------------------------


def test_a_run_that_is_killed_leaves_a_trail_in_loki(scene):
    loki = f"""
[home.monitor.loki]
url = "{scene.server.url}/loki"
labels = {{ app = "resticprof", profile = "__profile", config = "__config_path" }}
batch-interval = "500ms"
"""
    scene.configure(monitor=loki)
    scene.restic.answer("backup", out=("reading the disk",), delay=20)
    process = scene.start("-n", "home", "backup")

    def lines():
        pushes = [gzip.decompress(r.body) for r in scene.server.requests if r.path == "/loki"]
        streams = [json.loads(push)["streams"][0] for push in pushes]
        return [value[1] for stream in streams for value in stream["values"]], streams

    wait_for(lambda: "reading the disk" in lines()[0])
    process.kill()
    process.communicate()
    texts, streams = lines()
    assert texts[0] == "Started backup"
    assert streams[0]["stream"] == {
        "app": "resticprof",
        "profile": "home",
        "config": str(scene.path / "profiles.toml"),
    }
    os.kill(scene.restic.calls[0].pid, signal.SIGKILL)
