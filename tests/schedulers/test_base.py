"""Which scheduler is meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from resticprof.errors import ConfigError, NotAvailable
from resticprof.schedulers import base, caller
from resticprof.schedulers.base import KINDS


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def install(folder: Path, name: str, script: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("choice", ["", "auto", "systemd", " systemd "])
def test_systemd_is_the_first_choice(choice: str, programs: Path) -> None:
    install(programs, "systemctl")
    install(programs, "crontab")
    assert base.pick(choice).name == "systemd"


def test_cron_is_used_where_there_is_no_systemd(programs: Path) -> None:
    install(programs, "crontab")
    assert base.pick("auto").name == "crontab"


@pytest.mark.skipif(Path("/run/systemd/system").is_dir(), reason="systemd runs on this machine")
def test_cron_is_used_where_systemd_is_installed_but_does_not_run(programs: Path) -> None:
    """As in a container; `systemctl` says so by its exit status."""
    install(programs, "systemctl", "exit 1")
    assert base.pick("auto").name == "systemd"  # there is nothing else
    install(programs, "crontab")
    assert base.pick("auto").name == "crontab"
    assert base.pick("systemd").name == "systemd"


def test_nothing_is_guessed_where_there_is_neither(programs: Path) -> None:
    with pytest.raises(NotAvailable, match="crontab:FILE"):
        base.pick("")


def test_an_unknown_scheduler_is_told_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match=r"no scheduler `launchd`; there are .*crond"):
        base.pick("launchd")


@pytest.mark.parametrize("kind", ["systemd", "crond", "crontab:x"])
def test_every_kind_can_be_created(kind: str) -> None:
    assert kind.partition(":")[0] in KINDS
    assert base.pick(kind)


def test_a_missing_program_is_told(programs: Path) -> None:
    with pytest.raises(NotAvailable, match="`systemctl` cannot be found"):
        base.output("systemctl", "daemon-reload")


def test_the_caller_is_the_one_behind_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import pwd

    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("SUDO_UID", "65534")
    found = caller.find()
    assert found.account.home == "/somewhere"
    if os.geteuid() == 0:
        nobody = pwd.getpwuid(65534)
        assert (found.sudo, found.invoker.name) == (True, nobody.pw_name)
        assert found.invoker.home == nobody.pw_dir
    else:
        assert found.invoker == found.account


def test_an_account_is_found_by_its_name() -> None:
    root = caller.by_name("root")
    assert root is not None
    assert root.uid == 0
    assert caller.by_name("nobody-of-this-name") is None
