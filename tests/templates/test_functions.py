"""The functions of the reference; the examples are those of its documentation."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from resticprof.errors import TemplateError
from resticprof.model.run import Report, Summary
from resticprof.templates import functions
from resticprof.templates.data import BaseData
from resticprof.templates.render import TemplateSet


def render(text):
    return TemplateSet().render(text, BaseData(now=None), language="go")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{{ "some string" | contains "some" }}', "true"),
        ('{{ "some string" | matches "^.+str.+$" }}', "true"),
        ('{{ "some old string" | replace "old" "new" }}', "some new string"),
        ('{{ "some old string" | replaceR "(old)" "$1 and new" }}', "some old and new string"),
        ('{{ "some old string" | regex "(old)" "$1 and new" }}', "some old and new string"),
        ('{{ "ABC" | lower }}{{ "abc" | upper }}{{ "  A " | trim }}', "abcABCA"),
        ('{{ "Straße ÀΣ" | upper }} {{ "İX ὈΔΟΣ" | lower }}', "STRAßE ÀΣ ix ὀδοσ"),
        ('{{ "--A-" | trimPrefix "--" }}{{ "--A-" | trimSuffix "-" }}', "A---A"),
        ('{{ range $v := "A,B,C" | split "," }} ({{ $v }}) {{ end }}', " (A)  (B)  (C) "),
        ('{{ "A,B,C" | split "," | join ";" }}', "A;B;C"),
        (r'{{ "A, B, C" | splitR "\\s*,\\s*" | join ";" }}', "A;B;C"),
        ('{{ range $v := list "A" "B" "C" }} ({{ $v }}) {{ end }}', " (A)  (B)  (C) "),
        ('{{ with map "k1" "v1" "k2" "v2" }} {{ .k1 }}-{{ .k2 }} {{ end }}', " v1-v2 "),
        (
            '{{ with list "A" "B" "C" "D" | map }} {{ ._0 }}-{{ ._1 }}-{{ ._3 }} {{ end }}',
            " A-B-D ",
        ),
        (
            '{{ with list "A" "B" "C" "D" | map "key" }} {{ .key | join "-" }} {{ end }}',
            " A-B-C-D ",
        ),
        (r'{{ "a & b\n" | js }}', r"a \u0026 b\u000A"),
        (r'{{ "a & b\n" | html }}', "a &amp; b\n"),
        (r'{{ "a & b\n" | urlquery }}', "a+%26+b%0A"),
        ('{{ "plain" | base64 }} {{ "plain" | hex }}', "cGxhaW4= 706c61696e"),
        ('{{ "1 2 3 5" | split " " | contains 03.0 }}', "true"),
        ('{{ list "a" 1 | contains "[a,1]" }}', "true"),
        ('{{ "seed" | randInt 123 456 }}', "434"),
        (r'{{ "é\"\n\x1b\xff" | json }}', r'"é\"\n\u001b�"'),
        ('{{ list 1 "a" nil 2.5 true | json }} {{ json nil }}', '[1, "a", null, 2.5, true] null'),
        ('{{ map "k" (list) | json }}', '{"k": []}'),
    ],
)
def test_the_documented_examples_hold(text, expected):
    assert render(text) == expected


def test_json_writes_a_report_and_its_times():
    started = datetime(2024, 2, 9, 15, 4, 5, tzinfo=timezone.utc)
    report = Report(
        run_id="1", profile="p", command="backup", host="h", started=started, summary=Summary()
    )
    written = json.loads(functions.encode_json(report))
    assert (written["profile"], written["outcome"]) == ("p", None)
    assert written["started"] == "2024-02-09T15:04:05Z"
    assert written["summary"]["files_new"] is None


@pytest.mark.parametrize(
    ("low", "high", "seed", "expected"),
    [
        (0, 1, "", 0),
        (5, 6, "hello", 5),
        (-1000, 1000, "", 419),
        (-1000, 1000, "ABC", -272),
        (123, 456, "seed", 434),
        (0, 2**40, "x", 897587881396),
    ],
)
def test_random_integers_are_those_of_the_reference(low, high, seed, expected):
    assert functions.random_integer(low, high, seed) == expected


def test_a_map_skips_keys_that_are_no_text_and_a_key_without_value():
    assert functions.make_map(1, "a", "b", None, ["x", "y"], "last") == {
        "a": "b",
        "_0": "x",
        "_1": "y",
    }


def test_a_piped_list_becomes_one_element():
    assert functions.make_list("a", ["b"]) == ["a", ["b"]]


def test_numbers_are_written_out_where_text_is_needed():
    assert functions.join("-", [1, True, None, ["a", 2.5]]) == "1-true--[a,2.5]"
    assert functions.replace(1, 2, 112) == "222"
    assert functions.split("", "äb") == ["ä", "b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ randInt 5 5 1 }}", "5 must be less than 5"),
        ('{{ randInt "a" 5 1 }}', "an integer is needed, not string"),
        ('{{ "a" | join "," }}', "a list is needed, not string"),
        ("{{ list 1 | upper }}", r"a text is needed, not \[\]interface {}"),
        ('{{ matches "(" "a" }}', "is not a regular expression"),
        ('{{ lower "a" "b" }}', "too many positional arguments"),
    ],
)
def test_a_wrong_argument_is_a_mistake(text, message):
    with pytest.raises(TemplateError, match=message):
        render(text)
