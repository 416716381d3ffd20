"""Secrets that are somewhere else."""

import logging
import threading

import pytest

from resticprof.errors import SecretError
from resticprof.system import secrets


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(secrets, "_known", {})


def failure(kind, target, directory):
    with pytest.raises(SecretError) as caught:
        secrets.reference(kind, target, directory).reveal()
    return str(caught.value)


def test_a_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "value")
    secret = secrets.reference("env", "MY_TOKEN", tmp_path)
    assert str(secret) == "{ env = MY_TOKEN }"
    assert not secret.resolved
    assert secret.reveal() == "value"


def test_a_file_without_its_last_line_end(tmp_path):
    (tmp_path / "token").write_text(" two\nlines \r\n")
    (tmp_path / "token").chmod(0o600)
    assert secrets.reference("file", "token", tmp_path).reveal() == " two\nlines "
    assert secrets.reference("file", str(tmp_path / "token"), tmp_path / "x").reveal()


def test_a_file_below_the_home_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text("value")
    assert secrets.reference("file", "~/token", tmp_path / "x").reveal() == "value"


def test_a_file_for_everybody_is_a_warning(tmp_path, caplog):
    (tmp_path / "token").write_text("value")
    (tmp_path / "token").chmod(0o644)
    with caplog.at_level(logging.WARNING, "resticprof"):
        secrets.reference("file", "token", tmp_path).reveal()
    assert "token` holds a secret and can be read by everybody" in caplog.text
    assert "value" not in caplog.text


def test_a_command_runs_once(tmp_path):
    line = f"echo run >> {tmp_path}/log; sleep 0.1; echo value; echo noise >&2"
    secret = secrets.reference("command", line, tmp_path)
    assert str(secret) == "{ command = … }"
    values = []
    threads = [threading.Thread(target=lambda: values.append(secret.reveal())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert secrets.reference("command", line, tmp_path).reveal() == "value"
    assert values == ["value"] * 4
    assert (tmp_path / "log").read_text() == "run\n"


def test_a_command_has_a_time_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(secrets, "COMMAND_LIMIT", 0.2)
    assert "its time limit" in failure("command", "sleep 30", tmp_path)


def test_a_failing_command_shows_nothing_secret(tmp_path, caplog):
    with caplog.at_level(1, "resticprof"):
        text = failure("command", "printf '%s' secret-word; echo secret-word >&2; exit 3", tmp_path)
        other = failure("command", "TOKEN=secret-word false", tmp_path)
    assert text == "the command `printf …` that a secret refers to failed: exit status 3"
    assert other == "the command `…` that a secret refers to failed: exit status 1"
    assert "secret-word" not in caplog.text


def test_a_credential_of_systemd(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    (tmp_path / "token").write_text("value\n")
    assert secrets.reference("credential", "token", tmp_path / "x").reveal() == "value"


def test_a_secret_of_a_container(tmp_path, monkeypatch):
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    monkeypatch.setattr(secrets, "CONTAINER_SECRETS", str(tmp_path))
    (tmp_path / "token").write_text("value\n")
    assert secrets.reference("credential", "token", tmp_path / "x").reveal() == "value"


@pytest.mark.parametrize(
    ("kind", "target", "complaint"),
    [
        ("env", "NO_SUCH_VARIABLE", "`NO_SUCH_VARIABLE` that a secret refers to is not set"),
        ("env", "EMPTY_VARIABLE", "env `EMPTY_VARIABLE` that a secret refers to is empty"),
        ("file", "none", "none` cannot be read: No such file"),
        ("file", "binary", "binary` cannot be read: it is not UTF-8"),
        ("command", "true", "command `true …` that a secret refers to is empty"),
        ("credential", "none", "there is no credential `none` in"),
        ("credential", "../token", "`../token` is not the name of a credential"),
    ],
)
def test_what_leads_nowhere_is_named(tmp_path, monkeypatch, kind, target, complaint):
    monkeypatch.setenv("EMPTY_VARIABLE", "")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\xff")
    (tmp_path / "binary").chmod(0o600)
    assert complaint in failure(kind, target, tmp_path)


def test_a_failure_is_not_remembered(tmp_path):
    secret = secrets.reference("file", "token", tmp_path)
    with pytest.raises(SecretError):
        secret.reveal()
    (tmp_path / "token").write_text("value")
    assert secret.reveal() == "value"
