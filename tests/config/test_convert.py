"""Nodes become values of the declared types, as generously as the reference reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import pytest

from resticprof.config.convert import Converter
from resticprof.config.formats import base
from resticprof.model.table import Key, Table
from resticprof.model.types import Duration, Secret, Text


class Inner(Table):
    """A table in the table."""

    text: Annotated[str, Key("a text")] = ""


class Kinds(Table):
    """One key of each kind."""

    text: Annotated[str, Key("")] = ""
    word: Annotated[str, Key("", values=("one", "two"))] = "one"
    mode: Annotated[str, Key("", values=("one", "two"), lenient=True)] = "one"
    path: Annotated[str, Key("", expand="EHR")] = ""
    boolean: Annotated[bool, Key("")] = False
    maybe: Annotated[bool | None, Key("")] = None
    number: Annotated[int, Key("")] = 0
    fraction: Annotated[float, Key("")] = 0.0
    time: Annotated[Duration, Key("")] = Duration(0)
    texts: Annotated[tuple[str, ...], Key("")] = ()
    table: Annotated[Inner | None, Key("")] = None
    tables: Annotated[tuple[Inner, ...], Key("")] = ()
    names: Annotated[dict[str, str], Key("")] = {}  # noqa: RUF012 - msgspec copies it
    secret: Annotated[Secret | None, Key("")] = None
    api_key: Annotated[Text, Key("")] = ""
    repository: Annotated[Secret | None, Key("", flag="repo")] = None


def convert(key, value, *, reveal=True):
    """The value of a key, or the problems that it made."""
    node = base.parse(json.dumps({key: value}), "f.json", "json")
    converter = Converter(Path("conf"), reveal=reveal)
    found = converter.table(node, Kinds, "x")
    texts = [str(problem) for problem in (*converter.problems, *converter.unknown)]
    return texts or getattr(found, key.replace("-", "_"))


@pytest.mark.parametrize(
    ("key", "written", "value"),
    [
        ("text", True, "1"),
        ("text", False, "0"),
        ("text", 12, "12"),
        ("text", 1.5, "1.5"),
        ("text", 123456789.12345679, "123456789.12345679"),
        ("text", 1e-20, "0.00000000000000000001"),
        ("text", 1e21, "1000000000000000000000"),
        ("text", 2.0, "2"),
        ("text", "a,b", "a,b"),
        ("word", "TWO", "two"),
        ("boolean", "true", True),
        ("boolean", "T", True),
        ("boolean", "0", False),
        ("boolean", "", False),
        ("boolean", 3, True),
        ("boolean", 0, False),
        ("maybe", False, False),
        ("number", True, 1),
        ("number", "12", 12),
        ("number", "0x10", 16),
        ("number", "010", 8),
        ("number", "-3", -3),
        ("number", "", 0),
        ("number", 1.9, 1),
        ("fraction", "1.5", 1.5),
        ("fraction", 2, 2.0),
        ("time", "1h30m", 5400.0),
        ("time", "90", 90.0),
        ("time", 1.5, 1.5),
        ("time", "", 0.0),
        ("texts", "one", ("one",)),
        ("texts", ["one", 2, None, True], ("one", "2", "1")),
        ("texts", {}, ()),
        ("table", {"text": 1}, Inner(text="1")),
        ("table", [{"text": "a"}, {"text": "b"}], Inner(text="b")),
        ("tables", {"text": "a"}, (Inner(text="a"),)),
        ("tables", [{"text": "a"}, {}], (Inner(text="a"), Inner())),
        ("names", {"A": 1}, {"a": "1"}),
        ("names", [{"a": 1}, {"b": 2}], {"a": "1", "b": "2"}),
        ("mode", "", "one"),
        ("path", "file", "conf/file"),
        ("path", "/file", "/file"),
        ("path", "", ""),
    ],
)
def test_a_value_is_read_generously(key, written, value):
    assert convert(key, written) == value


@pytest.mark.parametrize(
    ("key", "written", "text"),
    [
        ("text", ["a"], "expected a single value, got a list"),
        ("text", {"a": 1}, "expected a single value, got a table"),
        ("word", "tow", "`tow` is not one of `one`, `two`; did you mean `two`?"),
        ("word", "", "`` is not one of `one`, `two`"),
        ("mode", "tow", "did you mean `two`?; the default counts"),
        ("boolean", "yes", "`yes` is neither true nor false"),
        ("number", "x", "`x` is not a whole number"),
        ("number", "1.5", "`1.5` is not a whole number"),
        ("fraction", "x", "`x` is not a number"),
        ("time", "soon", "`soon` is not a duration; write it like 30s, 10m or 1h30m"),
        ("time", "nan", "`nan` is not a duration"),
        ("time", "1e300", "`1e300` is not a duration"),
        ("table", "x", "expected a table, got text"),
        ("names", 3, "expected a table, got a number"),
        ("tables", [True], "expected a table, got true"),
        ("texts", [["a"]], "expected a single value, got a list"),
        ("api-key", {"env": "A", "file": "b"}, "a secret reference has one key"),
        ("txt", 1, "unknown key; did you mean `text`?"),
        ("zzz", 1, "unknown key"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(key, written, text):
    [problem] = convert(key, written)
    assert problem.startswith(f"f.json:1: x.{key}: ")
    assert text in problem


def test_variables_and_the_home_directory_are_expanded_in_paths(monkeypatch):
    monkeypatch.setenv("HERE", "/here")
    monkeypatch.setenv("HOME", "/home/me")
    assert convert("path", "$HERE/x") == "/here/x"
    assert convert("path", "${HERE}") == "/here"
    assert convert("path", "~/x") == "/home/me/x"
    monkeypatch.setenv("BELOW", "keys")
    assert convert("path", "$BELOW/x") == "conf/keys/x"
    assert convert("path", "$$BELOW/x") == "$BELOW/x"
    assert convert("path", "%BELOW%/x") == "%BELOW%/x"
    assert convert("path", "a/$$x") == "conf/a/$x"
    assert convert("text", "$HERE ~") == "$HERE ~"


def test_a_variable_that_is_not_set_is_told_once(monkeypatch):
    monkeypatch.delenv("NOWHERE", raising=False)
    node = base.parse('{"path": "$NOWHERE$NOWHERE/x"}', "f", "json")
    converter = Converter(Path("conf"))
    assert converter.table(node, Kinds, "x").path == "/x"
    assert [str(problem) for problem in converter.advice] == [
        "f:1: x.path: the variable `NOWHERE` is not set, so nothing stands for it"
    ]


# ---- secrets --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "written", "shown"),
    [
        ("secret", "hunter2", "×××"),
        ("secret", "https://h/p?token=hunter2", "https://h/p?token=×××"),
        ("api-key", "hunter2", "×××"),
        ("repository", "rest:https://me:hunter2@h/x", "rest:https://me:×××@h/x"),
        ("repository", "local:/x", "local:/x"),
    ],
)
def test_secrets_are_not_shown(key, written, shown):
    value = convert(key, written)
    assert str(value) == shown
    assert value.reveal() == written


@pytest.mark.parametrize("key", ["secret", "api-key", "repository"])
def test_references_of_secrets_are_followed_when_they_are_needed(key, monkeypatch):
    name = f"MY_{key}"
    value = convert(key, {"env": name})
    assert not value.resolved
    assert str(value) == f"{{ env = {name} }}"
    monkeypatch.setenv(name, "hunter2")
    assert value.reveal() == "hunter2"


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("text", "a $b ~", "a $b ~"),
        ("path", "x/$y", "conf/x/$y"),
        ("number", "3", 3),
        ("boolean", "true", True),
        ("time", "3m", 180.0),
        ("texts", "x", ("x",)),
        ("word", "two", "two"),
    ],
)
def test_any_value_may_be_a_reference(key, text, value, tmp_path):
    file = tmp_path / f"{key}-{text}".replace("/", "-")
    file.write_text(text + "\n")
    file.chmod(0o600)
    assert convert(key, {"file": str(file)}) == value


def test_items_and_entries_may_be_references(tmp_path):
    file = tmp_path / "value"
    file.write_text("x")
    file.chmod(0o600)
    assert convert("texts", ["a", {"file": str(file)}]) == ("a", "x")
    assert convert("names", {"a": {"file": str(file)}}) == {"a": "x"}


def test_without_reveal_the_reference_stands_for_the_value(tmp_path):
    command = {"command": f"touch {tmp_path}/asked; echo x"}
    assert convert("text", command, reveal=False) == "{ command = … }"
    assert convert("number", command, reveal=False) == 0
    assert convert("texts", [command], reveal=False) == ("{ command = … }",)
    assert not list(tmp_path.iterdir())


def test_a_reference_to_nothing_is_told_without_its_value(tmp_path, monkeypatch):
    monkeypatch.delenv("NOWHERE", raising=False)
    file = tmp_path / "text"
    file.write_text("hunter2")
    file.chmod(0o600)
    assert (
        "the variable `NOWHERE` that a secret refers to is not set"
        in convert("text", {"env": "NOWHERE"})[0]
    )
    [problem] = convert("number", {"file": str(file)})
    assert problem == "f.json:1: x.number: what this secret reference gives cannot be used here"
