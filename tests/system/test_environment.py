"""Env files, and the environment that is made of them."""

import logging
import os

import pytest

from resticprof.errors import Error
from resticprof.system import environment

SYNTAX = """# comment
A=plain
export B=exported
C: colon
D='single $A \\n'
E="double $A\\nnext"
F=value # comment
G="quoted # not a comment"
H=$A-${B}
I=
J="multi
line"
K = spaced
"""


def test_the_recorded_syntax():
    assert environment.parse(SYNTAX) == {
        "A": "plain",
        "B": "exported",
        "C": "colon",
        "D": "single $A \\n",
        "E": "double plain\nnext",
        "F": "value",
        "G": "quoted # not a comment",
        "H": "plain-exported",
        "I": "",
        "J": "multi\nline",
        "K": "spaced",
    }


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X=a#b", "a#b"),
        ("X=#b", "#b"),
        ("X= # b", ""),
        ("X='a' # b", "a"),
        ("X='it\\'s'", "it\\'s"),
        ("X='C:\\'", "C:\\"),
        ('X="a\\"b\\\\c"', 'a"b\\c'),
        ('X="\\$A $NONE."', "$A ."),
        ("X=\\$A $lower $", "$A $lower $"),
        ("X=C:\\dir\\new", "C:\\dir\\new"),
        ("X=a=b:c", "a=b:c"),
        ("X=  a b  ", "a b"),
        ("X=a\r", "a"),
        ("  export   X=1", "1"),
        ("X.Y=1\nX=2", "2"),
    ],
)
def test_values(line, value):
    assert environment.parse(line)["X"] == value


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("A=1\n\nsecret word", "line 3 is not"),
        ("=1", "line 1 is not"),
        ("A='secret", "line 1: something is wrong with the quotes"),
        ('A=1\nB="secret\nC=1', "line 2: something is wrong with the quotes"),
        ("A='x' secret", "line 1: something is wrong with the quotes"),
    ],
)
def test_mistakes_are_named_by_line_and_not_shown(tmp_path, text, complaint):
    (tmp_path / "a.env").write_text(text)
    with pytest.raises(Error, match=f"env-file `.*a.env`: {complaint}") as caught:
        environment.read_env_file(tmp_path / "a.env")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_charsets(tmp_path, charset):
    (tmp_path / "a.env").write_bytes("A=grün\n".encode(charset))
    assert environment.read_env_file(tmp_path / "a.env") == {"A": "grün"}


def test_pipe_holds_nobody_up(tmp_path):
    os.mkfifo(tmp_path / "a.env")
    with pytest.raises(Error, match="it is not a regular file"):
        environment.read_env_file(tmp_path / "a.env")


def test_a_huge_file_is_refused(tmp_path):
    (tmp_path / "a.env").write_text("#" * 600_000)
    with pytest.raises(Error, match="larger than 512 KiB"):
        environment.read_env_file(tmp_path / "a.env")


@pytest.fixture
def clean(monkeypatch):
    """An empty environment, and how to set a variable in it."""
    for name in os.environ.keys() - {"PYTEST_CURRENT_TEST"}:
        monkeypatch.delenv(name)
    return monkeypatch.setenv


def of_profile(*, files=(), variables):
    found = environment.of_profile(files=files, variables=variables)
    del found["PYTEST_CURRENT_TEST"]
    return found


def test_files_come_after_ours_and_variables_last(tmp_path, clean):
    clean("OS_ONLY", "os")
    clean("SHARED", "os")
    clean("mixedCase", "os")
    one, two = tmp_path / "one.env", tmp_path / "two.env"
    one.write_text("ONE=1\nBOTH=1\nSHARED=file\nlower=file\n")
    two.write_text("BOTH=2\n")
    assert of_profile(
        files=[one, two],
        variables={"shared": "env", "mixedcase": "env", "custom": "$ONE", "LOWER": "env"},
    ) == {
        "OS_ONLY": "os",
        "SHARED": "env",
        "mixedCase": "env",
        "ONE": "1",
        "BOTH": "2",
        "CUSTOM": "$ONE",
        "lower": "env",
    }


def test_an_empty_value_removes_a_variable(tmp_path, clean):
    clean("A", "os")
    clean("B", "os")
    clean("EMPTY", "")
    (tmp_path / "a.env").write_text("A=\n")
    found = of_profile(files=[tmp_path / "a.env"], variables={"b": ""})
    assert found == {"EMPTY": ""}


def test_a_changed_file_is_read_again(tmp_path, clean):
    file = tmp_path / "a.env"
    file.write_text("A=1\n")
    assert of_profile(files=[file], variables={}) == {"A": "1"}
    with file.open("a") as more:
        more.write("B=2\n")
    assert of_profile(files=[file], variables={}) == {"A": "1", "B": "2"}


def test_a_missing_file_is_one_warning(tmp_path, clean, caplog):
    file = tmp_path / "missing.env"
    with caplog.at_level(logging.WARNING, "resticprof"):
        for _ in range(3):
            assert of_profile(files=[file], variables={"a": "1"}) == {"A": "1"}
    [record] = caplog.records
    assert "cannot read env-file" in record.message
    assert "No such file" in record.message
    file.write_text("B=2")
    assert of_profile(files=[file], variables={}) == {"B": "2"}
