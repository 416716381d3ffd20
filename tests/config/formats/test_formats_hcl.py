"""HCL 1: all its ways to write a table, literal text, and mistakes with their line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resticprof.config.formats import hcl
from resticprof.errors import ConfigError


def plain(text):
    return hcl.parse(text, "f").plain()


def problem(text):
    with pytest.raises(ConfigError) as raised:
        hcl.parse(text, "p.hcl")
    [only] = raised.value.problems
    return only


@pytest.mark.parametrize(
    "text",
    [
        "a {\n  b {\n    c = 1\n  }\n}",
        '"a" {\n  "b" = {\n    "c" = 1\n  }\n}',
        "a = { b = { c = 1 } }",
        "a = { b { c = 1, }, }",
        'a "b" { c = 1 }',
        "a b { c = 1 }",
        "a{b{c=1}}",
        'a = { "b": { "c": 1 } }',
        "# x\n// y\n/* z {\n */ a { /* } */ b { c = 1 // }\n } # }\n}",
    ],
)
def test_a_table_is_the_same_however_it_is_written(text):
    assert plain(text) == {"a": {"b": {"c": 1}}}


def test_a_file_without_entries_is_an_empty_table():
    assert plain("") == plain("\n# nothing\n") == {}


def test_entries_of_one_line_need_no_comma():
    assert plain("a = 1 b = [1, 2,] c { } d = []") == {"a": 1, "b": [1, 2], "c": {}, "d": []}


def test_a_single_block_is_a_table_and_repeated_ones_are_a_list():
    assert plain("a { x = 1 }") == {"a": {"x": 1}}
    assert plain("a { x = 1 }\nA { x = 2 }\na = { x = 3 }") == {"a": [{"x": 1}, {"x": 2}, {"x": 3}]}


def test_repeated_values_and_lists_make_one_list():
    assert plain('a = "x"\na = ["y", "z"]\na = 1') == {"a": ["x", "y", "z", 1]}


def test_blocks_with_different_labels_lie_side_by_side_and_equal_ones_make_a_list():
    text = 'm "x" { k = 1 }\nm "y" { k = 2 }\nm "x" { k = 3 }\nm { z = 4 }'
    assert plain('m "x" { k = 1 }\nm "y" { k = 2 }') == {"m": {"x": {"k": 1}, "y": {"k": 2}}}
    assert plain(text) == {"m": [{"x": [{"k": 1}, {"k": 3}], "y": {"k": 2}}, {"z": 4}]}


def test_keys_and_items_are_on_their_line():
    text = 'a {\n\n  b = [\n    1,\n    2\n  ]\n}\na "x"\n{\n c = <<E\n1\nE\n d = 1\n}\n'
    root = hcl.parse(text, "f")
    assert [(node.key, node.place.line) for node in root.walk()] == [
        ("", 1),
        ("a", 1),
        ("b", 3),
        ("", 4),
        ("", 5),
        ("x", 8),
        ("c", 10),
        ("d", 13),
    ]


def test_each_block_of_a_list_is_on_its_own_line():
    root = hcl.parse("a {\n x = 1\n}\n\na {\n x = 2\n}\n", "f")
    assert root.get("a").place.line == 1
    assert [item.place.line for item in root.get("a").items] == [1, 5]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r'"${ERROR}\n\n${ERROR_STDERR}"', "${ERROR}\n\n${ERROR_STDERR}"),
        (r'"${NAME:-value} $NAME $(cmd) $$ $"', "${NAME:-value} $NAME $(cmd) $$ $"),
        ('"%{http_code} {{ .Name }}"', "%{http_code} {{ .Name }}"),
        (r'"${a "b" \n {c} }"', r'${a "b" \n {c} }'),
        (r'"\a\b\f\n\r\t\v\\\"\101\x41\u0041\U00000041"', '\a\b\f\n\r\t\v\\"AAAA'),
        (r'"\ud83d\ude00 \ud800"', "😀 \ufffd"),
        ('"# // /* é"', "# // /* é"),
        ('""', ""),
        ('<<EOF\n a ${b} \\n "\n\n# c\nEOF\n', ' a ${b} \\n "\n\n# c\n'),
        ("<<EOF\nEOF", ""),
        ("<<EOF\na\n EOF x\n\t EOF", "a\n EOF x\n"),
        ("<<-EOF\n    a\n\n      b\n    EOF\n", "a\n\n  b\n"),
        ("<<-EOF\n  a\n    b\n    EOF\n", "  a\n    b\n"),
        ("0", 0),
        ("-12", -12),
        ("0x1F", 31),
        ("0644", 420),
        ("1.5", 1.5),
        (".5", 0.5),
        ("-1e3", -1000.0),
        ("1.5E+2", 150.0),
        ("true", True),
        ("false", False),
        ("null", None),
    ],
)
def test_a_value_means_what_hcl_1_says(written, value):
    root = hcl.parse(f"a = {written}\nb = [{written}\n]", "f")
    found = root.get("a").value
    assert (type(found), found) == (type(value), value)
    assert root.get("b").plain() == [value]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('a = "x', 1, 'no closing `"`'),
        ('\na = "${x"\nb = "}"', 2, "a `${` in it has no `}`"),
        ("\na = <<EOF\nx\n EOFX\n", 2, "starts with `<<NAME`"),
        ("a = 1\n/* x\n", 2, "a comment is written"),
        ("a = 1\nb = @\n", 2, "`@` cannot be here"),
        ("a = 1\nb = 10m\n", 2, "`10m` is neither a number nor true or false"),
        ("a = 1\nb = 089\n", 2, "`089` is neither"),
        ("a = 1\nb = var.x\n", 2, "write text in quotes"),
        ("a =\n}\n", 2, "expected a value, found `}`"),
        ("a = 1\n}\n", 2, "expected a key, found `}`"),
        ("a {\n b = 1\n\n", 2, "expected `}` for the `{` in line 1, found the end of the file"),
        ("a = [1\n2]", 2, "expected `,` or `]`, found `2`"),
        ("a = [1,\n", 1, "expected a value, found the end"),
        ("a\n", 1, "expected `=` or `{` after `a`, found the end"),
        ('a "b" = 1', 1, "expected `{` after `b`, found `=`"),
        ('a = 1\nb = "\\d"', 2, r"`\d` is not a known escape"),
        (r'a = "\U00110000"', 1, "is not a known escape"),
        ("= 1", 1, "expected a key, found `=`"),
    ],
)
def test_a_mistake_is_on_its_line(text, line, words):
    found = problem(text)
    assert (found.file, found.line) == ("p.hcl", line)
    assert words in found.text


@pytest.mark.parametrize("text", ["a" * 300_000, 'a = "' + "${a}" * 50_000, "<<E\n" * 2000])
def test_long_nonsense_is_refused_at_once(text):
    problem(text)


# -- what HCL 1 and HCL 2 have in common, python-hcl2 reads in the same way

NAMES = st.from_regex(r"[a-z][a-z_-]{0,7}", fullmatch=True).filter(
    lambda name: name not in {"true", "false", "null", "for", "in", "if", "else", "endif", "endfor"}
)
VALUES = st.recursive(
    st.integers(0, 10**9) | st.booleans() | st.from_regex(r"[a-zA-Z0-9 /*.:;_'#]*", fullmatch=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def write(value):
    if isinstance(value, dict):
        return "{\n" + "".join(f"{key} = {write(item)}\n" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(write(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_common_syntax_is_read_as_python_hcl2_reads_it(table):
    library = pytest.importorskip("hcl2")
    options = library.SerializationOptions(strip_string_quotes=True, explicit_blocks=False)
    text = "".join(f"{key} = {write(value)}\n" for key, value in table.items())
    assert plain(text) == library.loads(text, serialization_options=options)
