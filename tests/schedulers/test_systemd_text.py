"""The quoting of unit files, also as a real systemd reads it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resticprof.errors import Error
from resticprof.schedulers import systemd_text

if TYPE_CHECKING:
    from pathlib import Path

    from tests.schedulers.conftest import Manager

NASTY = "a b%c$d${HOME}$$'\"\\x20\\n;`#é"
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)


def test_the_unit_name_is_the_one_of_the_reference() -> None:
    assert systemd_text.unit_name("backup", "home") == "resticprofile-backup@profile-home"


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("my home", r"my\x20home"),
        ("a/b", r"a\x2fb"),
        ("häuser", r"h\xc3\xa4user"),
        ("50%", r"50\x25"),
        ("me@host", "me@host"),
        ("a.b-c_d", "a.b-c_d"),
    ],
)
def test_a_unit_name_has_only_what_systemd_allows(name: str, escaped: str) -> None:
    assert systemd_text.unit_name("backup", name) == f"resticprofile-backup@profile-{escaped}"


def test_a_unit_name_that_is_too_long_is_an_error() -> None:
    with pytest.raises(Error, match="too long"):
        systemd_text.unit_name("backup", "x" * 250)


@pytest.mark.parametrize(
    "write",
    [systemd_text.path, systemd_text.quoted, lambda text: systemd_text.command_line(("x", text))],
)
def test_systemd_reads_utf8_only(write) -> None:
    with pytest.raises(Error, match="not UTF-8"):
        write("/caf\udce9")


def test_a_variable_that_systemd_would_drop_is_told_without_its_value() -> None:
    with pytest.raises(Error, match="value of `RESTIC_X` is something else") as caught:
        systemd_text.environment_file({"RESTIC_X": "caf\udce9"})
    assert "caf" not in str(caught.value)


def test_a_plain_command_line_stays_as_it_is() -> None:
    words = ("/usr/bin/resticprof", "--config", "/etc/profiles.toml", "run-schedule", "backup@home")
    assert systemd_text.command_line(words) == " ".join(words)


def test_what_systemd_would_read_otherwise_is_quoted() -> None:
    words = ("/opt/my $tool", "a b", "50%", "$HOME", 'say "x"', "back\\slash", "two\nlines", "")
    assert systemd_text.command_line(words) == (
        r'"/opt/my $tool" "a b" 50%% $$HOME "say \"x\"" "back\\slash" "two\nlines" ""'
    )


@given(st.lists(WORDS, min_size=1, max_size=4).map(tuple))
def test_a_command_line_reads_back(words: tuple[str, ...]) -> None:
    program = "/usr/bin/resticprof"
    line = systemd_text.command_line((program, *words))
    assert systemd_text.words(line) == (program, *words)
    assert "\n" not in line


def test_a_command_line_of_the_reference_reads_back() -> None:
    line = '/usr/bin/resticprofile --no-prio --config "/etc/my profiles.yaml" run-schedule check@x'
    expected = ("/etc/my profiles.yaml", "run-schedule", "check@x")
    assert systemd_text.words(line)[3:] == expected


def test_a_path_may_not_hold_a_line_end() -> None:
    with pytest.raises(Error, match="line end"):
        systemd_text.path("/a\nb")


@pytest.mark.parametrize(
    ("path", "text"), [("/a b ", "/a b /."), ("/a\\", "/a\\/."), ("/5%", "/5%%")]
)
def test_the_end_of_a_path_survives(path: str, text: str) -> None:
    assert systemd_text.path(path) == text


def test_settings_are_read_with_their_continuations() -> None:
    text = "[Timer]\nOnCalendar = daily \n#OnCalendar=never\nOnCalendar=Mon\\\n10:00\n"
    assert systemd_text.settings(text, "OnCalendar") == ("daily", "Mon 10:00")


SHOW = """
import json, os, sys
names = [name for name in os.environ if name.startswith("T_")]
report = {"argv": sys.argv[1:], "cwd": os.getcwd(), "env": {n: os.environ[n] for n in names}}
json.dump(report, open(os.environ["T_OUT"], "w"))
"""


@pytest.mark.parametrize("program_name", ["py thon$HOME %h", "py'thon \"$$"])
def test_systemd_hands_over_what_was_written(
    user_manager: Manager, tmp_path: Path, program_name: str
) -> None:
    """Words, working directory, variables, and a unit whose name and folder need escapes."""
    folder = tmp_path / NASTY.replace("/", "")
    folder.mkdir()
    script, out = folder / "show.py", tmp_path / "out.json"
    script.write_text(SHOW, encoding="utf-8")
    program = tmp_path / program_name
    program.symlink_to(sys.executable)
    words = (str(program), str(script), NASTY, "", "two\nlines\ttab", ";", "-x=%h")
    secret = f"{NASTY}\nsecond line\n\n last"
    name = systemd_text.unit_name("backup", "my [home]*")
    environment_file = folder / f"{name}.env"
    environment_file.write_text(systemd_text.environment_file({"T_SECRET": secret, "T_B": "plain"}))
    unit = (
        "[Service]\nType=oneshot\n"
        f"WorkingDirectory={systemd_text.path(str(folder))}\n"
        f'Environment="T_OUT={systemd_text.quoted(str(out))}" "T_A={systemd_text.quoted(secret)}"\n'
        f"EnvironmentFile={systemd_text.pattern(str(environment_file))}\n"
        f"ExecStart={systemd_text.command_line(words)}\n"
    )
    (tmp_path / "unit").write_text(unit, encoding="utf-8")
    run = 'cp "$1" "$HOME/.config/systemd/user/$2.service" && systemctl --user start "$2.service"'
    done = user_manager("sh", "-c", run, "sh", str(tmp_path / "unit"), name)
    assert done.returncode == 0, done.stderr
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["argv"] == list(words[2:])
    assert report["cwd"] == str(folder)
    expected = {"T_SECRET": secret, "T_B": "plain", "T_A": secret, "T_OUT": str(out)}
    assert report["env"] == expected
