"""Why restic failed, by status and by words, recorded from restic 0.14, 0.18 and 0.19."""

from __future__ import annotations

import json
import subprocess

import pytest

from resticprof.model.run import Summary
from resticprof.restic import failures
from resticprof.restic.failures import Cause, LockInfo
from resticprof.restic.versions import Version

OLD, NEW = Version(0, 14), Version(0, 18)

LOCKED = """\
unable to create lock in backend: repository is already locked by \
PID 2662 on vm by root (UID 0, GID 0)
lock was created at 2026-11-22 05:23:50 (2.055505575s ago)
storage ID fcf0819a
the `unlock` command can be used to remove stale locks
"""
EXCLUSIVE = """\
using temporary cache in /tmp/restic-check-cache-449048042
create exclusive lock for repository
repo already locked, waiting up to 10m0s for the lock
unable to create lock in backend: repository is already locked exclusively by \
PID 1 on h by u (UID 501, GID 20)
lock was created at 2021-07-11 13:41:45 (2h5m3.1s ago)
storage ID a2af2ea9
the 'unlock' command can be used to remove stale locks
"""
IN_JSON = json.dumps({"message_type": "exit_error", "code": 11, "message": LOCKED.strip()})

NO_HOST = """\
Fatal: unable to open config file: client.Head: Head "http://nosuch.invalid/config": dial tcp: \
lookup nosuch.invalid on 10.0.0.1:53: no such host
Is there a repository at the following location?
rest:http://nosuch.invalid/
"""
NOWHERE = """\
Fatal: unable to open config file: stat nothere/config: no such file or directory
Is there a repository at the following location?
nothere
"""
SSH = """\
subprocess ssh: ssh: connect to host 127.0.0.1 port 22: Connection refused
Fatal: unable to open repository at sftp:nobody@127.0.0.1:/x: unable to start \
the sftp session, error: EOF
"""
SSH_DENIED = """\
subprocess ssh: nobody@127.0.0.1: Permission denied (publickey).
Fatal: unable to open repository at sftp:nobody@127.0.0.1:/x: unable to start the sftp session, \
error: error receiving version packet from server: \
server unexpectedly closed connection: unexpected EOF
"""
OVERCOME = """\
Load(<data/25373e942b>, 0, 0) returned error, retrying after 552ms: dial tcp: connection refused
error for tree aa203f5f:
Fatal: repository contains errors
"""


@pytest.mark.parametrize(
    ("code", "stderr", "version", "cause"),
    [
        (10, "", NEW, Cause.NO_REPOSITORY),
        (11, "", NEW, Cause.LOCKED),
        (12, "", NEW, Cause.WRONG_PASSWORD),
        (12, "", None, Cause.WRONG_PASSWORD),
        (12, "", OLD, Cause.OTHER),
        (3, "Warning: at least one source file could not be read", OLD, Cause.WARNING),
        (130, "", NEW, Cause.INTERRUPTED),
        (-2, "", NEW, Cause.INTERRUPTED),
        (1, "signal interrupt received\nFatal: context canceled", OLD, Cause.INTERRUPTED),
        (1, LOCKED, OLD, Cause.LOCKED),
        (1, "Fatal: wrong password or no key found\n", OLD, Cause.WRONG_PASSWORD),
        (1, NOWHERE, OLD, Cause.NO_REPOSITORY),
        (1, NO_HOST, OLD, Cause.UNREACHABLE),
        (1, NO_HOST, NEW, Cause.UNREACHABLE),
        (1, SSH, OLD, Cause.UNREACHABLE),
        (1, SSH_DENIED, NEW, Cause.REFUSED),
        (1, OVERCOME, NEW, Cause.DAMAGED),
        (
            1,
            "Fatal: create repository at r failed: config file already exists\n",
            OLD,
            Cause.EXISTS,
        ),
        (
            1,
            "Fatal: server response unexpected: 503 Service Unavailable (503)",
            OLD,
            Cause.UNREACHABLE,
        ),
        (1, "Fatal: unexpected HTTP response (502): 502 Bad Gateway", NEW, Cause.UNREACHABLE),
        (1, "Fatal: unexpected HTTP response (401): 401 Unauthorized", NEW, Cause.REFUSED),
        (1, "Fatal: save failed: write /r/x: no space left on device", NEW, Cause.FULL),
        (1, "unknown flag: --nosuch\n", NEW, Cause.USAGE),
        (
            1,
            "Fatal: no policy was specified, no snapshots will be removed\n",
            NEW,
            Cause.NO_RULE,
        ),
        (
            1,
            'Fatal: Get "https://h/": x509: certificate signed by unknown authority',
            NEW,
            Cause.OTHER,
        ),
        (1, "", NEW, Cause.OTHER),
        (2, "panic: runtime error", NEW, Cause.OTHER),
        (99, "Fatal: something new", NEW, Cause.OTHER),
    ],
)
def test_cause(code, stderr, version, cause):
    assert failures.cause(code, stderr, version) is cause


def test_words_inside_json_are_read():
    line = json.dumps({"message_type": "exit_error", "code": 1, "message": NO_HOST})
    assert failures.cause(1, f"noise\n{line}\n", NEW) is Cause.UNREACHABLE


def test_only_a_repository_that_cannot_be_reached_heals():
    assert [cause for cause in Cause if cause.heals] == [Cause.UNREACHABLE]


def test_nothing_heals_after_a_snapshot_was_saved():
    assert failures.can_heal(1, NO_HOST, NEW, None)
    assert failures.can_heal(1, NO_HOST, NEW, Summary(errors=1))
    assert not failures.can_heal(1, NO_HOST, NEW, Summary(snapshot_id="07ab30a5"))
    assert not failures.can_heal(1, NOWHERE, OLD, None)


@pytest.mark.parametrize(
    ("code", "stderr", "version", "lock"),
    [
        (1, LOCKED, OLD, LockInfo("PID 2662 on vm by root (UID 0, GID 0)", 2.055505575)),
        (11, EXCLUSIVE, NEW, LockInfo("PID 1 on h by u (UID 501, GID 20)", 7503.1)),
        (11, IN_JSON, NEW, LockInfo("PID 2662 on vm by root (UID 0, GID 0)", 2.055505575)),
        (11, "", NEW, LockInfo()),
        (11, "", None, LockInfo()),
        (11, "", OLD, None),
        (1, LOCKED.splitlines()[0], OLD, None),
        (1, "\n".join(LOCKED.splitlines()[1:]), OLD, LockInfo("", 2.055505575)),
        (
            1,
            LOCKED.replace("2.055505575s", "a while"),
            OLD,
            LockInfo("PID 2662 on vm by root (UID 0, GID 0)"),
        ),
        (1, NOWHERE, OLD, None),
    ],
)
def test_lock(code, stderr, version, lock):
    assert failures.lock_failure(code, stderr, version) == lock


def test_time_that_restic_waited():
    assert failures.waited(EXCLUSIVE) == 600
    assert failures.waited(LOCKED) == 0
    assert failures.waited("repo already locked, waiting up to soon for the lock") == 0


@pytest.mark.parametrize(
    ("stderr", "text"),
    [
        (NOWHERE, "unable to open config file: stat nothere/config: no such file or directory"),
        ("Fatal: Fatal: create failed\n", "create failed"),
        (IN_JSON, LOCKED.splitlines()[0]),
        ("one\ntwo\n\n", "two"),
        ("", ""),
    ],
)
def test_explanation_is_one_line(stderr, text):
    assert failures.explanation(stderr) == text


# ---- the real restic --------------------------------------------------------------------------


def test_real_failures(restic, project, tmp_path):
    repository = str(tmp_path / "repository")
    restic.run("init", RESTIC_PASSWORD="x", RESTIC_REPOSITORY=repository)

    def cause_of(*words, where=repository, password="x"):
        done = subprocess.run(
            ["restic", "-r", where, *words],
            check=False,
            capture_output=True,
            encoding="utf-8",
            env=project.env | {"RESTIC_PASSWORD": password},
            cwd=tmp_path,
        )
        return failures.cause(done.returncode, done.stderr, Version(*restic.version))

    nowhere = str(tmp_path / "nowhere")
    assert cause_of("snapshots", where=nowhere) is Cause.NO_REPOSITORY
    assert cause_of("snapshots", "--json", where=nowhere) is Cause.NO_REPOSITORY
    assert cause_of("snapshots", password="y") is Cause.WRONG_PASSWORD
    assert cause_of("init") is Cause.EXISTS
    assert cause_of("snapshots", "--nosuch") is Cause.USAGE
    if restic.version < (0, 18):  # later ones try for a quarter of an hour
        assert cause_of("snapshots", where="rest:http://127.0.0.1:1/") is Cause.UNREACHABLE
