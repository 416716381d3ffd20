"""TOML: the line of every key in every way of writing it, and mistakes with their line."""

from __future__ import annotations

import pytest

from resticprof.config.formats import toml
from resticprof.errors import ConfigError


def lines(node, path=""):
    """`{"a.b.0": 3}`: the line of every key and item."""
    found = {path: node.place.line} if path else {}
    inner = node.table or {str(index): item for index, item in enumerate(node.items)}
    for key, child in inner.items():
        found |= lines(child, f"{path}.{key}" if path else key)
    return found


def problem(text):
    with pytest.raises(ConfigError) as raised:
        toml.parse(text, "p.toml")
    [only] = raised.value.problems
    return only


def test_tables_and_keys_are_on_their_line():
    text = "# first\na = 1\n\n[home]\nb = 2 # x\n  [home.backup]\n  c = [3]\n"
    assert lines(toml.parse(text, "f")) == {
        "a": 2,
        "home": 4,
        "home.b": 5,
        "home.backup": 6,
        "home.backup.c": 7,
        "home.backup.c.0": 7,
    }


def test_dotted_keys_place_the_tables_on_their_way():
    text = "a . 'b'.\"c\\u0064\" = 1\na.x = 2\n[d.e]\nf.g = 3\n[d]\nh = 4"
    assert lines(toml.parse(text, "f")) == {
        "a": 1,
        "a.b": 1,
        "a.b.cd": 1,
        "a.x": 2,
        "d": 3,
        "d.e": 3,
        "d.e.f": 4,
        "d.e.f.g": 4,
        "d.h": 6,
    }


def test_lists_of_tables_place_each_table_and_what_is_below_it():
    text = "[[a]]\nx = 1\n[[a.b]]\ny = 2\n[a.c]\nz = 3\n[[a]]\n[[a.b]]\n[[ a . b ]]\ny = 4\n"
    assert lines(toml.parse(text, "f")) == {
        "a": 1,
        "a.0": 1,
        "a.0.x": 2,
        "a.0.b": 3,
        "a.0.b.0": 3,
        "a.0.b.0.y": 4,
        "a.0.c": 5,
        "a.0.c.z": 6,
        "a.1": 7,
        "a.1.b": 8,
        "a.1.b.0": 8,
        "a.1.b.1": 9,
        "a.1.b.1.y": 10,
    }


def test_lists_and_inline_tables_over_several_lines_place_each_item():
    text = (
        'a = [\n  1, # one, ] [ = \n  "]", [2,\n 3], ]\nb = { c = 1, d.e = [ { f = 2 } ] }\ng = 1'
    )
    assert lines(toml.parse(text, "f")) == {
        "a": 1,
        "a.0": 2,
        "a.1": 3,
        "a.2": 3,
        "a.2.0": 3,
        "a.2.1": 4,
        "b": 5,
        "b.c": 5,
        "b.d": 5,
        "b.d.e": 5,
        "b.d.e.0": 5,
        "b.d.e.0.f": 5,
        "g": 6,
    }


@pytest.mark.parametrize(
    "value",
    [
        '"""\n[x]\ny = 1\n"""',
        '"""a\n"" \\""" b"""""',
        "'''\n[x]\n\\'''''",
        '"a # \\" ] = \\\\"\n\n',
        "'a # \" ] = \\'\n\n",
        '"""\n\\\n\n"""',
    ],
)
def test_what_looks_like_a_key_in_a_text_is_none(value):
    root = toml.parse(f"a = {value}\nb = 1", "f")
    assert list(root.table) == ["a", "b"]
    assert root.get("b").place.line == 2 + value.count("\n")


@pytest.mark.parametrize(
    "date",
    ["1979-05-27", "1979-05-27T07:32:00Z", "1979-05-27 00:32:00.999-07:00", "07:32:00", "22:22"],
)
def test_dates_and_times_are_the_text_that_was_written(date):
    root = toml.parse(f"a = {date} # x\nb = [{date}, {date}]\nc = {{ d = {date} }}", "f")
    assert root.plain() == {"a": date, "b": [date, date], "c": {"d": date}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[default\nrepository = 'x'\n", 1),
        ("a = 1\nb = \n", 2),
        ("a = 1\n\nb = [1, 2\n\n\n", 3),
        ("a = 1\nb = 'x\n", 2),
        ("a = 1\na = 2\n", 2),
        ("[a]\n[b]\n[a]\n", 3),
        ("a = 1\n[a]\n", 2),
        ("[x]\nkey: value\n", 2),
    ],
)
def test_a_mistake_is_on_its_line(text, line):
    found = problem(text)
    assert (found.file, found.line) == ("p.toml", line)
    assert found.text.startswith("cannot be read as TOML: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[a.b]\n[a.b]\n", "cannot declare `a.b` twice"),
        ("a = {}\n[a.b]\n", "cannot declare `a.b` twice"),
        ("a = 1\na = 2\n", "the key is already there"),
        ("a = local:/x\n", "not a value; text is written in quotes"),
        ("a = '('(\n", "expected newline or end of document after a statement"),
    ],
)
def test_a_mistake_is_told_in_words(text, said):
    assert problem(text).text == f"cannot be read as TOML: {said}"


def test_tables_that_differ_by_case_are_a_problem():
    found = problem("[Home]\nx = 1\n[home.backup]\ny = 1\n")
    assert (found.line, found.key) == (3, "home")
    assert "as `Home` in line 1" in found.text
