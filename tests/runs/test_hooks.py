"""Shell hooks: how lines are run, what they are told, and how `on-error` quotes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

import hypothesis
import pytest
from hypothesis import strategies

from resticprof.errors import HookError, Interrupted, NotAvailable, Skipped
from resticprof.model.config import Global
from resticprof.model.run import Failure
from resticprof.runs import hooks
from resticprof.runs.hooks import Shell
from resticprof.system.signals import Signals
from tests.kit.events import FAILURE, SUMMARY, report

LIMIT = hooks.VARIABLE_LIMIT


def shell(**options):
    options = {"environment": lambda: dict(os.environ), "signals": Signals(), **options}
    return Shell(path="/bin/sh", **options)


# ---- lines ----------------------------------------------------------------------------------


def test_first_failing_line_ends_the_list(tmp_path):
    file = tmp_path / "ran"
    lines = (f"echo one >>{file}", f"echo two >>{file}; echo why >&2; exit 6", f"echo no >>{file}")
    with pytest.raises(HookError) as caught:
        hooks.run_lines(lines, "run-before on profile 'home'", shell())
    assert file.read_text() == "one\ntwo\n"
    assert str(caught.value) == "run-before on profile 'home': exit status 6"
    assert caught.value.exit_code == 1
    assert caught.value.child_exit_code == 6
    assert caught.value.command_line == f'"{lines[1]}"'


@pytest.mark.parametrize(("may_skip", "error"), [(True, Skipped), (False, HookError)])
def test_status_75_skips_the_run_where_that_is_allowed(may_skip, error):
    with pytest.raises(error):
        hooks.run_lines(("exit 75",), "run-before", shell(), may_skip=may_skip)


def test_environment_is_asked_for_before_each_line(tmp_path):
    file = tmp_path / "variables"

    def environment():
        return {"SEEN": file.read_text() if file.exists() else "nothing"}

    lines = (f'echo "$SEEN" >{file}', f'test "$SEEN" = "nothing\n" || exit 1; rm {file}')
    hooks.run_lines(lines, "run-before", shell(environment=environment))
    assert not file.exists()


def test_each_process_is_told():
    pids = []
    hooks.run_lines(("true", "true"), "run-before", shell(on_start=pids.append))
    assert len(set(pids)) == 2


def test_signal_that_came_before_keeps_a_line_from_running(tmp_path):
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted):
            hooks.run_lines((f"touch {tmp_path}/ran",), "run-before", shell(signals=signals))
    assert not (tmp_path / "ran").exists()


def test_signal_that_came_before_does_not_deter_a_failure_hook(tmp_path):
    with Signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        line = f"touch {tmp_path}/ran"
        hooks.run_lines((line,), "run-after-fail", shell(signals=signals, undeterred=True))
    assert (tmp_path / "ran").exists()


def test_first_shell_that_exists_is_taken():
    assert hooks.find_shell(Global(shell=("no-such-shell", "sh"))) == shutil.which("sh")
    with pytest.raises(NotAvailable, match="no-such-shell"):
        hooks.find_shell(Global(shell=("no-such-shell",)))


# ---- the error context ----------------------------------------------------------------------


def test_error_context_has_the_names_of_the_reference():
    assert hooks.failure_variables(FAILURE) == {
        "ERROR": FAILURE.message,
        "ERROR_MESSAGE": FAILURE.message,
        "ERROR_COMMANDLINE": FAILURE.command_line,
        "ERROR_EXIT_CODE": "12",
        "ERROR_STDERR": FAILURE.stderr,
        "RESTIC_STDERR": FAILURE.stderr,
    }


def test_error_context_has_no_command_where_none_failed():
    assert hooks.failure_variables(Failure(message="no")) == {"ERROR": "no", "ERROR_MESSAGE": "no"}
    assert hooks.failure_variables(None) == {}


def test_error_context_always_fits_into_an_environment():
    huge = "ö" * LIMIT + "\n"
    failure = Failure(message=huge, command_line=huge, stderr=huge * 3 + "the end\n")
    variables = hooks.failure_variables(failure)
    assert max(len(value.encode()) for value in variables.values()) <= LIMIT
    assert variables["ERROR_STDERR"].endswith("the end\n")
    assert subprocess.run(["true"], env=variables, check=True).returncode == 0


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("", 4, ""),
        ("a\nb\n", 4, "a\nb\n"),
        ("a\nb\nc\n", 4, "c\n"),
        ("abcdef", 4, "cdef"),
        ("abcde\n", 4, "cde\n"),
    ],
)
def test_tail_keeps_whole_lines_if_it_can(text, limit, kept):
    assert hooks.tail(text, limit) == kept


# ---- on-error -------------------------------------------------------------------------------

NASTY = 'it\'s $(touch here) `touch here` "$HOME" \\ {repository}\n*'


def printed(line, shell="sh", **values):
    """What a shell makes of an on-error line."""
    variables = {hooks.variable_of(name): value for name, value in values.items()}
    words = [shell, "-c", hooks.interpolate(line, values)]
    environment = {"PATH": os.environ["PATH"], **variables}
    done = subprocess.run(words, env=environment, check=True, capture_output=True, text=True)
    return done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "printf %s {error}",
        'printf %s "{error}"',
        "printf %s '{error}'",
        "printf '%s' {error}",
        "printf \"%s\" '{error}'",
    ],
)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_value_arrives_as_it_is_in_and_out_of_quotes(line, shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert printed(line, shell, error=NASTY) == NASTY
    assert not (tmp_path / "here").exists()


@hypothesis.given(
    strategies.text(
        strategies.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=20
    )
)
@hypothesis.settings(max_examples=25)
def test_any_value_arrives_as_it_is(value):
    assert printed("printf '<%s>' {error} 'a {error} b' \"a {error} b\"", error=value) == (
        f"<{value}><a {value} b><a {value} b>"
    )


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (r"echo '\{error\}'", "{error}\n"),
        ("error=own; echo ${error}", "own\n"),
        ("echo '{unknown}'", "{unknown}\n"),
        ("echo {1,2} | tr -d ' '", "{1,2}\n"),
        ("printf %s a{error}b", "aVALUEb"),
        (r"printf %s \"{error}\"", '"VALUE"'),
        (r"printf %s it\'s{error}", "it'sVALUE"),
        (r"printf %s 'back\' {error}", r"back\VALUE"),
        ("printf %s-%s {error} {profile}", "VALUE-home"),
    ],
)
def test_names_are_replaced_where_they_are_meant(line, text):
    assert printed(line, error="VALUE", profile="home") == text


def test_unknown_name_is_a_warning(caplog):
    assert hooks.interpolate("{nothing}", {}) == "{nothing}"
    assert "{nothing}" in caplog.text


def test_output_is_the_last_lines_of_what_failed():
    lines = "".join(f"line {number}\n" for number in range(40))
    failure = Failure(message="no", stderr=lines)
    output = hooks.error_values(report(failure=failure))["output"].split("\n")
    assert output == ["...", *(f"line {number}" for number in range(15, 40))]


def test_every_documented_name_has_a_value():
    values = hooks.error_values(report(failure=FAILURE, summary=SUMMARY))
    assert values["configuration_filename"] == "/etc/resticprof/profiles.toml"
    assert values["repository"] == "sftp:nas:/srv/restic/home"
    assert values["error"] == FAILURE.message
    assert (values["profile"], values["command"]) == ("home", "backup")
    assert values["snapshot_id"] == SUMMARY.snapshot_id
