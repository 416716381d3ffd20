"""JSON: places, strictness, and mistakes with their line."""

from __future__ import annotations

import pytest

from resticprof.config.formats import json
from resticprof.errors import ConfigError


def problem(text):
    with pytest.raises(ConfigError) as raised:
        json.parse(text, "p.json")
    [only] = raised.value.problems
    return only


def test_keys_and_items_are_on_their_line():
    root = json.parse('\n{ "a": [1,\n 2, {\n"b"\n:\n"c"}], "d": {}}', "f")
    assert root.place.line == 1
    assert [(node.key, node.place.line) for node in root.walk()] == [
        ("", 1),
        ("a", 2),
        ("", 2),
        ("", 3),
        ("", 3),
        ("b", 4),
        ("d", 6),
    ]


def test_scalars_have_their_type():
    text = '{"a": [0, -1.5e3, true, false, null, "\\u00e9\\n\\ud83d\\ude00"], "$schema": "x"}'
    assert json.parse(text, "f").plain() == {
        "a": [0, -1500.0, True, False, None, "é\n😀"],
        "$schema": "x",
    }


def test_half_a_surrogate_pair_is_replaced():
    assert json.parse('{"a\\ud800": "\\udc00b"}', "f").plain() == {"a\ufffd": "\ufffdb"}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "expected a table"),
        ("[1]", 1, "expected a table"),
        ('{\n"a": 1,\n}', 3, "expected a key"),
        ('{\n"a": [1,\n]}', 3, "expecting value"),
        ('{\n"a" 1}', 2, "expected `:` after `a`"),
        ('{"a": 1\n"b": 2}', 2, "expected `,` or `}`"),
        ('{"a": [1\n2]}', 2, "expected `,` or `]`"),
        ('{"a": 1}\n{}', 2, "expected nothing"),
        ('{\n"a": NaN}', 2, "number"),
        ('{\n"a": "b\n"}', 2, "control character"),
        ('{\n"a": "\\x"}', 2, "escape"),
        ('{\n"a": 01}', 2, "expected `,` or `}`"),
        ('{\n"a": {"b": 1}\n\n\n', 2, "expected `,` or `}`"),
        ("{\n// no\n}", 2, "expected a key"),
    ],
)
def test_a_mistake_is_on_its_line(text, line, words):
    found = problem(text)
    assert (found.file, found.line) == ("p.json", line)
    assert words in found.text


def test_a_duplicate_key_is_a_problem_that_names_both_lines():
    found = problem('{\n"a": 1,\n"b": 2,\n"a": 3}')
    assert str(found) == "p.json:4: a: the key is already there in line 2; remove one of the two"
