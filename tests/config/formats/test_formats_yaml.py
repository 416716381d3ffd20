"""YAML: the scalars of version 1.2, anchors and merges, and mistakes with their line."""

from __future__ import annotations

import math

import pytest
import yaml as library  # noqa: TID253 - the tests of YAML need it

from resticprof.config.formats import yaml
from resticprof.errors import ConfigError


@pytest.fixture(params=["with libyaml", "without libyaml"], autouse=True)
def _loader(request, monkeypatch):
    if request.param == "without libyaml":
        monkeypatch.delattr(library, "CBaseLoader", raising=False)
    elif not library.__with_libyaml__:
        pytest.skip("libyaml is not installed")


def plain(text):
    return yaml.parse(text, "f").plain()


def problem(text):
    with pytest.raises(ConfigError) as raised:
        yaml.parse(text, "p.yaml")
    [only] = raised.value.problems
    return only


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("n", "n"),
        ("tRUE", "tRUE"),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("nil", "nil"),
        ("22:22", "22:22"),
        ("1:30:00", "1:30:00"),
        ("0777", 777),
        ("-12", -12),
        ("+3", 3),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("-1e3", -1000.0),
        ("1e", "1e"),
        (".", "."),
        ("-", [None]),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("=", "="),
        ("'12'", "12"),
        ('"true"', "true"),
        ("|\n  12\n", "12\n"),
        ("!!str 12", "12"),
        ("! 12", "12"),
        ("!!int 12", 12),
        ("!!null ''", None),
        ("٣", "٣"),
    ],
)
def test_a_scalar_means_what_the_core_schema_says(written, value):
    separator = "\n  " if written == "-" else " "
    found = plain(f"a:{separator}{written}")["a"]
    assert (type(found), found) == (type(value), value)


def test_nan_is_a_number():
    assert math.isnan(plain("a: .nan")["a"])


def test_keys_are_always_text():
    assert plain("true: 1\n12: 2\n~: 3\n") == {"true": 1, "12": 2, "~": 3}


def test_keys_items_and_aliases_are_on_the_line_where_they_are_written():
    text = "# x\na: &list\n  - 1\n  -\n    b: 2\nc: *list\nd:\n  - *list\n  - {e: 1,\n     f: 2}\n"
    assert [(node.key, node.place.line) for node in yaml.parse(text, "f").walk()] == [
        ("", 1),
        ("a", 2),
        ("", 3),
        ("", 5),
        ("b", 5),
        ("c", 6),
        ("", 3),
        ("", 5),
        ("b", 5),
        ("d", 7),
        ("", 8),
        ("", 3),
        ("", 5),
        ("b", 5),
        ("", 9),
        ("e", 9),
        ("f", 10),
    ]


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "\n\n"])
def test_an_empty_file_is_an_empty_table(text):
    assert plain(text) == {}


def test_an_anchor_can_be_set_again():
    assert plain("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_merged_keys_give_way_to_those_beside_them_and_to_earlier_merges():
    text = (
        "base: &base {a: 1, b: 1, c: 1}\nmore: &more {b: 2, d: 2}\n"
        "one:\n  <<: *base\n  B: 3\nmany:\n  c: 4\n  <<: [*more, *base]\n"
    )
    assert plain(text)["one"] == {"b": 3, "a": 1, "c": 1}
    assert plain(text)["many"] == {"c": 4, "b": 2, "d": 2, "a": 1}


def test_a_merged_value_keeps_its_place_and_a_quoted_merge_key_is_a_key():
    root = yaml.parse("x: &x\n  a: 1\ny:\n  <<: *x\nz: {'<<': 1}\n", "f")
    assert root.get("y").get("a").place.line == 2
    assert root.get("z").plain() == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("default: [unclosed\n", 1, "cannot be read as YAML"),
        ("a: 1\n b: 2\n", 2, "mapping values are not allowed"),
        ("a: 1\nb: 'x\n\nc\n", 4, "quoted scalar of line 2"),
        ("a: 1\n\tb: 2\n", 2, "cannot be read as YAML"),
        ("a: 1\nb: \x07\n", 2, "a character that YAML does not allow"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("- a\n", 1, "expected a table"),
        ("text", 1, "expected a table"),
        ("null", 1, "expected a table"),
        ("a: 1\nb: *nothing\n", 2, "no `&nothing` before this"),
        ("a: &a\n  b: *a\n", 2, "cannot contain itself"),
        ("a: 1\n? [1]\n: 2\n", 2, "a key must be text"),
        ("a: 1\nb: !secret x\n", 2, "the tag `!secret`"),
        ("a: !!set {x}\n", 1, "the tag `!!set`"),
        ("a: !!binary eA==\n", 1, "the tag `!!binary`"),
        ("a: !!python/object:os.system x\n", 1, "the tag `!!python/object:os.system`"),
        ("a: 1\nb:\n  <<: 3\n", 3, "expected a table, or a list of tables"),
        ("b:\n  <<: [{a: 1}, 2]\n", 2, "expected a table, or a list of tables"),
        ("b:\n  <<: {a: 1}\n  <<: {c: 1}\n", 3, "already there in line 2"),
    ],
)
def test_a_mistake_is_on_its_line(text, line, words):
    found = problem(text)
    assert (found.file, found.line) == ("p.yaml", line)
    assert words in found.text


def test_a_duplicate_key_is_a_problem_that_names_both_lines():
    found = problem("a: 1\nb: 2\na: 3\n")
    assert str(found) == "p.yaml:3: a: the key is already there in line 1; remove one of the two"


def test_aliases_cannot_make_a_small_file_large():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    found = problem("\n".join(rows))
    assert "aliases make this file larger" in found.text
    assert 4 <= found.line <= 7


def test_aliases_cannot_nest_deeper_than_the_limit():
    rows = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 500))]
    found = problem("\n".join(rows))
    assert "nested more than 100 levels" in found.text
    assert found.line == 100


def test_a_long_file_without_aliases_has_no_limit():
    text = "a: [" + "1," * (yaml.MAX_VALUES + 1) + "]"
    assert len(plain(text)["a"]) == yaml.MAX_VALUES + 1
