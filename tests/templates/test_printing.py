"""Values as text. What Go prints is compared in test_evaluate; here are the rules."""

from __future__ import annotations

import pytest

from resticprof.model.run import Outcome, Summary
from resticprof.model.types import Secret
from resticprof.templates import printf, printing
from resticprof.templates.gotime import Span, Weekday


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "<nil>"),
        (["a", 1, None, [2.0]], "[a 1 <nil> [2]]"),
        ({"b": 1, "a": (2, 3)}, "map[a:[2 3] b:1]"),
        (1000000.0, "1e+06"),
        (0.1, "0.1"),
        (-0.0, "-0"),
        (Weekday(3), "Wednesday"),
        (Span(90 * 10**9), "1m30s"),
        (Outcome.WARNING, "warning"),
        (Secret("x"), "×××"),
    ],
)
def test_a_value_is_shown_as_go_shows_it(value, text):
    assert printing.show(value) == text


def test_a_struct_is_its_fields_and_with_plus_their_names():
    summary = Summary(files_new=1, snapshot_id="abc")
    assert printing.show(summary).startswith("{1 <nil>")
    assert "SnapshotID:abc" in printf.printf("%+v", summary)


def test_what_no_template_can_use_is_shown_by_its_type():
    assert printing.show([object(), len]) == "[object builtin_function_or_method]"
    assert printf.printf("%d", len) == (
        "%!d(builtin_function_or_method=builtin_function_or_method)"
    )


def test_print_puts_a_blank_between_values_that_are_no_text():
    assert printing.join([1, 2, "a", 3, True]) == "1 2a3 true"
    assert printing.join_line([1, "a"]) == "1 a\n"


def test_quoted_text_can_be_read_back():
    assert printing.quote('é"\\\x00\n\u2028\udcff') == r'"é\"\\\x00\n\u2028\xff"'
