"""Regular expressions as Go has them."""

from __future__ import annotations

import pytest

from resticprof.errors import TemplateError
from resticprof.templates import regular


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        ("^a.c$", "abc", True),
        ("c$", "abc\n", False),
        ("(?m)c$", "abc\nd", True),
        (r"(?i)ABC\z", "abc", True),
        (r"[[:alpha:]_]+[^[:digit:]]$", "ab!", True),
        (r"[[:upper:]]", "a", False),
        (r"\Qa.b\E+c", "a.bbc", True),
        (r"\Qa.b", "a.b", True),
        (r"(?<x>a)(?P<y>b)", "ab", True),
        (r"[$]x[a[]", "$x[", True),
        (r"[]a]]", "]]", True),
        (r"\$", "$", True),
        (r"\d", "٣", False),
        ("[a&&b||d]", "b", True),
        (r"^\x{e9}$", "é", True),
        (r"^[a\x{e9}\x5d]+$", "aé]", True),
        (r"^\p{Greek}\pL\PL\p{^L}$", "αä1+", True),
        (r"\p{Greek}", "a", False),
        ("a{,2}", "a{,2}", True),
        ("a{,2}", "aa", False),
        ("^a(?i)b|c$", "AB", False),
        ("^a(?i)b|c$", "aB", True),
        ("^a(?i)b|c$", "xC", True),
        ("^(a(?i)b)c$", "aBC", False),
        ("a(?s).(?-s)", "a\n", True),
    ],
)
def test_an_expression_is_read_as_go_reads_it(expression, text, found):
    assert regular.matches(expression, text) is found


@pytest.mark.parametrize(
    ("expression", "replacement", "text", "result"),
    [
        ("(o).d", "$1-new", "old value", "o-new value"),
        ("(a)(b)", "${2}$1", "ab", "ba"),
        ("(?P<x>a)", "${x}$x$$", "a", "aa$"),
        ("(a)", "$1x", "a", ""),
        ("(a)", "${9}|$|$ ", "a", "|$|$ "),
        ("a*", "x", "baac", "xbxcx"),
        (".*?", "-", "ab", "-a-b-"),
        ("a", r"\1\n", "a", r"\1\n"),
        ("(a)|b", "[$1]", "ab", "[a][]"),
    ],
)
def test_references_stand_for_groups(expression, replacement, text, result):
    assert regular.replace(expression, replacement, text) == result


@pytest.mark.parametrize(
    ("expression", "text", "pieces"),
    [
        (",", "a,b,,c,", ["a", "b", "", "c", ""]),
        ("a*", "abaabaccadaaae", ["", "b", "b", "c", "c", "d", "e"]),
        ("x", "", [""]),
        ("", "abc", ["a", "b", "c"]),
        ("[0-9]+", "abc", ["abc"]),
    ],
)
def test_a_text_is_split_as_in_go(expression, text, pieces):
    assert regular.split(expression, text) == pieces


@pytest.mark.parametrize(
    "expression",
    ["(", "[", "a{2,1}", "*", r"\p{Nope}", r"[\pL]", r"\X", r"\Z", "[[:nope:]]", "(?z)"],
)
def test_an_invalid_expression_is_a_mistake(expression):
    with pytest.raises(TemplateError, match="regular expression"):
        regular.matches(expression, "a")


def test_an_expression_that_takes_too_long_is_a_mistake(monkeypatch):
    monkeypatch.setattr(regular, "LIMIT", 0.1)
    with pytest.raises(TemplateError, match="takes too long for 61 characters"):
        regular.matches("(a|aa)+$", "a" * 60 + "b")
