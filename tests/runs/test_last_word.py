"""Whatever fails, every service hears of one end, and it is the right one."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, fields

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resticprof.cli.opening import open_configuration
from resticprof.cli.run import logging_for
from resticprof.model.run import Invocation
from resticprof.runs import execute
from resticprof.runs.selection import Selection
from resticprof.runs.session import Session
from resticprof.system import http, lock
from resticprof.system.signals import Signals
from tests.kit.server import Server

RESTIC = """#!/bin/sh
case "$1" in
version) echo "restic 0.18.0 compiled with go1.24.1 on linux/amd64" ;;
*) exit "$(cat "$CODES/$1" 2>/dev/null || echo 0)" ;;
esac
"""

HOOK = {"ok": "true", "fail": "exit 1", "skip": "exit 75"}


@dataclass(frozen=True)
class Faults:
    """What goes wrong in a run, and what the user says about it."""

    broken: bool = False
    locked: bool = False
    before: str = "ok"  # run-before of the profile
    section_before: str = "ok"
    check: int = 0
    backup: int = 0
    retention: int = 0
    section_after: str = "ok"
    after: str = "ok"
    # what comes too late to change how the run ended
    send: bool = False
    section_after_fail: str = "ok"
    after_fail: str = "ok"
    on_error: str = "ok"
    section_finally: str = "ok"
    finally_: str = "ok"
    status_file: bool = False
    variable: bool = False
    # what the user says
    tolerant: bool = False
    on_warning: str = ""
    on_lock_failure: str = "fail"
    on_skip: str = "log"

    @property
    def name(self) -> str:
        """What differs from a run in which all goes well."""
        values = ((f.name, getattr(self, f.name), f.default) for f in fields(self))
        return " ".join(f"{name}={value}" for name, value, default in values if value != default)

    def configuration(self, server: Server) -> str:
        """The profile that meets them."""
        lines = [
            'version = "1"',
            "[home]",
            'repository = "local:/nowhere"',
            'password-command = "echo x"',
            'lock = "home.lock"',
            f'run-before = "{HOOK[self.before]}"',
            f'run-after = "{HOOK[self.after]}"',
            f'run-after-fail = "{HOOK[self.after_fail]}"',
            f'run-finally = "{HOOK[self.finally_]}"',
            f'on-error = "{HOOK[self.on_error]}"',
            'retry-wait = "soon"' if self.broken else "",
            'status-file = "missing/status.json"' if self.status_file else "",
            "[home.env]",
            'X = { env = "NOT_THERE" }' if self.variable else "",
            "[home.backup]",
            'source = ["/etc/hostname"]',
            "check-before = true",
            f"no-error-on-warning = {str(self.tolerant).lower()}",
            f'run-before = "{HOOK[self.section_before]}"',
            f'run-after = "{HOOK[self.section_after]}"',
            f'run-after-fail = "{HOOK[self.section_after_fail]}"',
            f'run-finally = "{HOOK[self.section_finally]}"',
            '[[home.backup.send-before]]\nurl = "http://127.0.0.1:9/"' if self.send else "",
            '[[home.backup.send-after]]\nurl = "http://127.0.0.1:9/"' if self.send else "",
            '[[home.backup.send-after-fail]]\nurl = "http://127.0.0.1:9/"' if self.send else "",
            "[home.retention]\nafter-backup = true\nkeep-last = 1",
            "[home.monitor]",
            f'on-warning = "{self.on_warning}"',
            f'on-lock-failure = "{self.on_lock_failure}"',
            f'on-skip = "{self.on_skip}"',
            f'healthchecks = {{ url = "{server.url}/hc/slug", run-id = false }}',
            f'ntfy = {{ url = "{server.url}", topic = "t", states = ["start", "finish", "fail"] }}',
        ]
        return "\n".join(lines)

    def expected(self) -> tuple[bool, str]:
        """Whether there is a start, and the end: finish, fail, warn, skip or lock."""
        if self.broken:
            return False, "fail"
        if self.locked:
            return False, "lock"
        if self.variable:
            return False, "fail"
        if self.before != "ok":
            return False, self.before
        if self.section_before != "ok":
            return True, self.section_before
        if self.check:
            return True, "fail"
        if self.backup == 3 and not self.tolerant:
            return True, "warn"
        if self.backup not in (0, 3) or self.retention:
            return True, "fail"
        if "fail" in (self.section_after, self.after) or "skip" in (self.section_after, self.after):
            return True, "fail"
        return True, "warn" if self.backup == 3 else "finish"

    def told(self) -> tuple[bool, str]:
        """The same as a service with a log is told: finish, fail, log, or nothing."""
        started, end = self.expected()
        if end == "warn":
            end = self.on_warning or ("finish" if self.tolerant else "fail")
        elif end == "lock":
            end = self.on_lock_failure
        elif end == "skip":
            end = "finish" if started else self.on_skip
        return started, "" if end == "ignore" else end


hooks = st.sampled_from(["ok", "ok", "ok", "fail", "skip"])
codes = st.sampled_from([0, 0, 0, 1, 12])
rarely = st.sampled_from([False] * 5 + [True])
FAULTS = st.builds(
    Faults,
    broken=rarely,
    locked=rarely,
    before=hooks,
    section_before=hooks,
    check=codes,
    backup=st.sampled_from([0, 0, 3, 3, 1, 12]),
    retention=codes,
    section_after=hooks,
    after=hooks,
    send=rarely,
    section_after_fail=hooks,
    after_fail=hooks,
    on_error=hooks,
    section_finally=hooks,
    finally_=hooks,
    status_file=rarely,
    variable=rarely,
    tolerant=st.booleans(),
    on_warning=st.sampled_from(["", "finish", "fail", "log"]),
    on_lock_failure=st.sampled_from(["fail", "log", "ignore"]),
    on_skip=st.sampled_from(["finish", "log", "ignore"]),
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """A folder with a restic that ends as it is told, and a server; for all examples."""
    folder = tmp_path_factory.mktemp("stage")
    program = folder / "bin" / "restic"
    program.parent.mkdir()
    program.write_text(RESTIC)
    program.chmod(0o755)
    before, place = dict(os.environ), os.getcwd()
    os.environ["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    os.environ["CODES"] = str(folder / "codes")
    os.environ["XDG_STATE_HOME"] = str(folder / "state")
    os.chdir(folder)
    with Server() as server:
        yield folder, server
    http.close()
    os.chdir(place)
    os.environ.clear()
    os.environ.update(before)


def play(stage, faults: Faults) -> None:
    """One run with these faults; afterwards the server knows what was told."""
    folder, server = stage
    server.requests.clear()
    (folder / "profiles.toml").write_text(faults.configuration(server))
    (folder / "codes").mkdir(exist_ok=True)
    steps = {"check": faults.check, "backup": faults.backup, "forget": faults.retention}
    for command, code in steps.items():
        (folder / "codes" / command).write_text(str(code))
    held = lock.hold("home.lock") if faults.locked else contextlib.nullcontext()
    invocation = Invocation(config="profiles")
    with held, logging_for(invocation) as logs, Signals() as signals:
        session = Session(invocation, open_configuration(invocation), signals, logs)
        execute.execute(Selection("home", "backup", ()), session)


ENDINGS = {"start": "/start", "finish": "", "fail": "/fail", "log": "/log"}
TITLES = {"started": "start", "finished": "finish", "finished with warnings": "finish"}


def heartbeats(server):
    """What Healthchecks was told."""
    return [r.path.removeprefix("/hc/slug") for r in server.requests if r.path.startswith("/hc")]


def notifications(server):
    """The titles that ntfy was told, without who and where."""
    titles = [msgspec.json.decode(r.body)["title"] for r in server.requests if r.path == "/"]
    return [title.removeprefix("backup home ").partition(" on ")[0] for title in titles]


@given(faults=FAULTS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_there_is_one_end_whatever_fails(stage, faults):
    play(stage, faults)
    _, server = stage
    started, end = faults.told()
    told = [*(["start"] if started else []), *([end] if end else [])]
    assert heartbeats(server) == [ENDINGS[state] for state in told]
    # ntfy knows no log: a warning that counts as one is a success, the others are not told
    if end == "log":
        end = "finish" if faults.expected()[1] == "warn" else ""
    words = notifications(server)
    assert len(words) == bool(started) + bool(end)
    if end:
        assert words[-1].startswith("failed" if end == "fail" else "finished") or (
            words[-1] == "finished with warnings"
        )


EVERY_STAGE = [
    Faults(broken=True),
    Faults(locked=True),
    Faults(variable=True),
    *[Faults(before=how) for how in ("fail", "skip")],
    *[Faults(section_before=how) for how in ("fail", "skip")],
    Faults(check=1),
    Faults(backup=1),
    Faults(backup=12),
    *[
        Faults(backup=3, tolerant=tolerant, on_warning=policy)
        for tolerant in (True, False)
        for policy in ("", "finish", "fail", "log")
    ],
    Faults(retention=1),
    Faults(section_after="fail"),
    Faults(after="fail"),
    Faults(after="skip"),
    Faults(backup=1, section_after_fail="fail"),
    Faults(backup=1, after_fail="fail"),
    Faults(backup=1, on_error="fail"),
    Faults(section_finally="fail"),
    Faults(finally_="fail"),
    Faults(status_file=True),
    Faults(send=True),
    Faults(send=True, backup=1),
    Faults(backup=3, tolerant=True, after="fail"),
]


@pytest.mark.parametrize("faults", EVERY_STAGE, ids=lambda faults: faults.name)
def test_each_stage_alone(stage, faults):
    play(stage, faults)
    started, end = faults.told()
    told = [*(["start"] if started else []), *([end] if end else [])]
    assert heartbeats(stage[1]) == [ENDINGS[state] for state in told]
